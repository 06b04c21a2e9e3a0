"""status.json: how the last night went, for a monitoring system to read; written at every step.

A night that was killed leaves `state` at "running", so watch `last_done`.
"""

import json
import time
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from ml_skeleton.artifacts.files import write_text
from ml_skeleton.artifacts.provenance import Provenance

KIND = "night"
FORMAT = 1
TOOL = "clem-nightly"


@dataclass
class Step:
    """A command of the night."""

    command: str  # with its subcommand
    seconds: float | None = None  # null while it runs
    exit_code: int | None = None


@dataclass
class Night:
    """All that status.json says, its provenance aside."""

    state: Literal["running", "done", "failed"] = "running"
    started: str = field(default_factory=lambda: _now())
    ended: str | None = None
    exit_code: int | None = None
    error: str | None = None  # one line
    last_done: str | None = None  # when a night ended well last
    songs: int | None = None  # in the player's library
    new_songs: int | None = None  # opened this night
    new_ratings: int | None = None  # since the model in use was made
    trained: bool = False  # a new model came into use
    model: str | None = None  # the one in use
    figures: dict[str, Any] | None = None  # what evaluate measured of it
    recommended: int | None = None  # songs in the playlists, each as often as it is there
    steps: list[Step] = field(default_factory=list)


class StatusFile:
    """The file, and the night that it tells of."""

    def __init__(self, path: Path, settings: dict[str, Any]) -> None:
        """Begin a night; what is remembered of the one before is when a night ended well."""
        self.path = path
        self.night = Night(last_done=_last_done(path))
        self._provenance = Provenance(KIND, FORMAT, TOOL, settings)
        self._began = time.monotonic()
        self.write()

    @property
    def seconds(self) -> float:
        """Seconds since the night began."""
        return time.monotonic() - self._began

    def write(self) -> None:
        """Replace the file."""
        fields = {"ml_skeleton": json.loads(self._provenance.to_json()), **asdict(self.night)}
        write_text(self.path, json.dumps(fields, indent=1, ensure_ascii=False) + "\n")

    def end(self, exit_code: int, error: str | None = None) -> None:
        """Write how the night ended."""
        night = self.night
        night.state, night.ended = ("failed" if exit_code else "done"), _now()
        night.exit_code, night.error = exit_code, error
        if not exit_code:
            night.last_done = night.ended
        self.write()


def _last_done(path: Path) -> str | None:
    """Return what the last status says of it; None where there is none that can be read, as nothing rests on it."""
    try:
        found = json.loads(path.read_text("utf-8"))["last_done"]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return found if isinstance(found, str) else None


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
