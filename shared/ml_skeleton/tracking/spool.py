"""What a run has to say, on this machine's disk until its tracking server has it.

One folder per tracking URI, in it one folder per run:
target.json   what run this is: experiment, name, parent, start
lines.jsonl   appended by the run; locked while it lives
artifacts/    copies of what was logged, each in a folder of its own
sent.json     written by the sender: the run's id, how far it has come, what was refused

A folder is gone once the server has all of it.
"""

import fcntl
import json
import os
import secrets
import shutil
import tempfile
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from ml_skeleton.artifacts.files import fingerprint_of

PLACE = "ML_SKELETON_TRACKING_DIR"


@dataclass(frozen=True)
class Target:
    """The run that the lines belong to."""

    experiment: str
    run_name: str
    run_id: str | None = None  # to go on with
    parent: str | None = None  # name of the parent's folder
    parent_run_id: str | None = None  # or its id, where it has no folder here
    start_ms: int = 0
    artifact_location: str | None = None
    registry_uri: str | None = None


@dataclass
class Sent:
    """How far the sender has come with a run."""

    run: str | None = None
    artifact_uri: str | None = None
    bytes: int = 0  # of lines.jsonl
    trouble: str = ""  # why nothing more goes out at the moment
    refused: list[str] = field(default_factory=list)
    ended: bool = False  # the run has ended on the server
    done: bool = False  # all is sent, and the folder only tells what was refused


class RunFolder:
    """The folder of one run."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.lines = path / "lines.jsonl"
        self.artifacts = path / "artifacts"
        self._target = path / "target.json"
        self._sent = path / "sent.json"

    def read_target(self) -> Target | None:
        """Return what run this is, or None while that is not written."""
        found = _read(self._target)
        return Target(**found) if found else None

    def read_sent(self) -> Sent:
        """Return how far the sender has come."""
        return Sent(**_read(self._sent))

    def write_sent(self, sent: Sent) -> None:
        """Keep how far the sender has come."""
        _write(self._sent, asdict(sent))

    def make(self, target: Target) -> None:
        """Make the folder."""
        self.path.mkdir(parents=True)
        self.lines.touch()
        _write(self._target, asdict(target))

    def remove(self) -> None:
        """Remove the folder."""
        shutil.rmtree(self.path, ignore_errors=True)  # of two that remove it, one is late


class LineWriter:
    """Appends lines to a run's file, and is seen to live until it is closed or its process ends."""

    def __init__(self, path: Path) -> None:
        self._file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
        fcntl.flock(self._file, fcntl.LOCK_EX)

    def append(self, line: Mapping[str, Any]) -> None:
        """Append a line, in one write, so that no reader sees half of it and a crash loses none."""
        os.write(self._file, (json.dumps(line) + "\n").encode("ascii"))

    def close(self) -> None:
        """Let go of the file."""
        os.close(self._file)


def is_written(lines: Path) -> bool:
    """Tell whether the process that writes the lines still lives."""
    with suppress(FileNotFoundError), open(lines, "rb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def spool_of(uri: str) -> Path:
    """Return the folder of the runs that go to `uri`; in a temporary place where there is no home to write to."""
    state = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
    place = Path(os.environ.get(PLACE) or Path(state) / "ml_skeleton" / "tracking")
    try:
        place.mkdir(parents=True, exist_ok=True)
    except OSError:
        place = Path(tempfile.gettempdir()) / f"ml_skeleton-tracking-{os.getuid()}"
    folder = place / fingerprint_of(uri)[:12]
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    return folder


def now_ms() -> int:
    """Return the time as MLflow keeps it."""
    return round(time.time() * 1000)


def new_name(family: str | None = None) -> str:
    """Return a name for the folder of a run, one that begins as that of its family does; they sort by time."""
    own = f"{time.strftime('%Y%m%d-%H%M%S')}-{os.getpid()}-{secrets.token_hex(4)}"
    return f"{family}.{own}" if family else own


def family_of(name: str) -> str:
    """Return the name of the outermost run that a run belongs to."""
    return name.partition(".")[0]


def _read(path: Path) -> dict[str, Any]:
    try:
        found: dict[str, Any] = json.loads(path.read_bytes())
    except (FileNotFoundError, ValueError):
        return {}
    return found


def _write(path: Path, content: Mapping[str, Any]) -> None:
    partial = path.with_suffix(".partial")
    partial.write_text(json.dumps(content), encoding="ascii")
    partial.replace(path)
