"""Metrics: JSON Lines that a command appends while it works.

A line with "step" is a point of a curve; the last line, without "step", holds
the result. The lines go to the file of --metrics and to $TUNE_METRICS when the
command runs as a trial; the command itself knows nothing of tuning or tracking.
"""

import json
import math
import os
from collections.abc import Mapping
from pathlib import Path

from ml_skeleton.artifacts.files import make_folder
from ml_skeleton.errors import UserError

Value = float | int | str | None


class MetricsLog:
    """Appends metrics lines to no, one or two files."""

    def __init__(self, path: Path | None) -> None:
        trial = os.environ.get("TUNE_METRICS")
        self.paths = list(dict.fromkeys([*([path] if path else []), *([Path(trial)] if trial else [])]))
        for file in self.paths:
            make_folder(file.parent)

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
    """Return the points and the result (None while there is none); a last line without newline is ignored."""
    complete, _, _ = path.read_text(encoding="utf-8").rpartition("\n")
    lines = [json.loads(line) for line in complete.splitlines()]
    results = [line for line in lines if "step" not in line]
    return [line for line in lines if "step" in line], results[-1] if results else None


def _finite(value: Value) -> Value:
    """JSON has no NaN: a figure that does not exist is null."""
    return None if isinstance(value, float) and not math.isfinite(value) else value
