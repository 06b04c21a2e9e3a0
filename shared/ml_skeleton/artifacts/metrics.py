"""Metrics: JSON Lines that a command appends while it works.

A line with "step" is a point of a curve; the last line, without "step", holds
the result. The lines go to the file of --metrics and to $TUNE_METRICS when the
command runs as a trial; the command itself knows nothing of tuning or tracking.
"""

import json
import math
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import BinaryIO

from ml_skeleton.artifacts.files import make_folder
from ml_skeleton.errors import UserError

Value = float | int | str | None

LONGEST_LINE_BYTES = 1 << 20  # longer ones are no metrics, and a stray gigabyte must not fill the memory


class MetricsLog:
    """Appends metrics lines to no, one or two files."""

    def __init__(self, path: Path | None) -> None:
        trial = os.environ.get("TUNE_METRICS")
        self.paths = list(dict.fromkeys([*([path] if path else []), *([Path(trial)] if trial else [])]))
        for file in self.paths:
            make_folder(file.parent)
            if file.is_dir():
                raise UserError(f"{file}: a folder; --metrics names a file to append to")

    def step(self, step: int, values: Mapping[str, Value]) -> None:
        """Append one point of the curves."""
        self._append({"step": step, **values})

    def result(self, values: Mapping[str, Value]) -> None:
        """Append the result; nothing follows it."""
        self._append(values)

    def _append(self, values: Mapping[str, Value]) -> None:
        line = json.dumps({name: _finite(value) for name, value in values.items()}) + "\n"
        for file in self.paths:
            try:
                with open(file, "a", encoding="utf-8") as lines:
                    lines.write(line)  # one write, so that a reader never sees half a line
            except OSError as error:
                raise UserError(f"{file}: cannot append metrics: {error.strerror}") from None


def read_metrics(path: Path) -> tuple[list[dict[str, Value]], dict[str, Value] | None]:
    """Return the points and the result (None while there is none); what is not a complete JSON line is skipped."""
    lines = MetricsReader(path).read_new()
    results = [line for line in lines if "step" not in line]
    return [line for line in lines if "step" in line], results[-1] if results else None


class MetricsReader:
    """Reads a metrics file that may not exist yet and may still grow.

    Any program writes such a file, so nothing in it is trusted: a line counts
    once its newline is there, and what is not a JSON object is skipped and
    counted in `skipped`. With `newest_bytes`, of a larger piece that was written
    since the last call only so much is read, from its end.
    """

    def __init__(self, path: Path, newest_bytes: int | None = None) -> None:
        self.path = path
        self.skipped = 0
        self.unfinished = False  # whether the file ended in half a line when it was last read
        self._newest_bytes = newest_bytes
        self._offset = 0
        self._inside_line = False  # the offset is in the middle of a line that is not wanted

    def read_new(self) -> list[dict[str, Value]]:
        """Return the lines that were completed since the last call; none while there is no file."""
        try:
            with open(self.path, "rb") as file:
                self._find_start(file)
                return list(self._objects(file))
        except FileNotFoundError:
            return []

    def _find_start(self, file: BinaryIO) -> None:
        size = os.fstat(file.fileno()).st_size
        if size < self._offset:  # the writer began the file anew
            self._offset, self._inside_line = 0, False
        if self._newest_bytes is not None and size - self._offset > self._newest_bytes:
            self._offset, self._inside_line = size - self._newest_bytes, True
        file.seek(self._offset)

    def _objects(self, file: BinaryIO) -> Iterator[dict[str, Value]]:
        self.unfinished = False
        while piece := file.readline(LONGEST_LINE_BYTES):
            ended = piece.endswith(b"\n")
            if not ended and len(piece) < LONGEST_LINE_BYTES:
                self.unfinished = True
                return
            self._offset += len(piece)
            whole = ended and not self._inside_line
            self._inside_line = not ended
            found = _json_object(piece) if whole else None
            if found is not None:
                yield found
            elif ended and piece.strip():
                self.skipped += 1


def _json_object(line: bytes) -> dict[str, Value] | None:
    if not line.lstrip().startswith(b"{"):  # far cheaper than asking the parser, in a log of a gigabyte
        return None
    try:
        found = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _finite(value: Value) -> Value:
    """JSON has no NaN: a figure that does not exist is null."""
    return None if isinstance(value, float) and not math.isfinite(value) else value
