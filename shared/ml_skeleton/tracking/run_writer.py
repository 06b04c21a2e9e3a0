"""Writes what a run has to say to its folder, and sees to it that a sender works on it."""

import getpass
import os
import shutil
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from ml_skeleton.console import warn
from ml_skeleton.tracking.runs import is_server
from ml_skeleton.tracking.sender.launch import SenderProcess
from ml_skeleton.tracking.spool import LineWriter, RunFolder, Sent, Target, new_name, now_ms, spool_of

RUN_ID_WITHIN_S = 10.0
STORE_OPENS_WITHIN_S = 120.0  # a fresh database gets its tables first, and no database is down
_LOOK_EVERY_S = 0.02


@dataclass(frozen=True)
class Place:
    """What a run's surroundings decide."""

    parent: str | None = None  # folder of a run on this machine, whose process has a sender
    parent_run_id: str | None = None  # the parent's id, where it runs on another machine
    artifact_location: str | None = None  # of a new experiment in a store without a server
    registry_uri: str | None = None
    server: dict[str, Any] | None = None  # settings of the MLflowServer to start if none answers


class RunWriter:
    """One run, from its begin to its end."""

    def __init__(
        self, uri: str, experiment: str, name: str | None, run_id: str | None, parent: str | None, place: Place
    ) -> None:
        """Begin the run; one without a parent gets a sender of its own."""
        parent = parent or place.parent
        spool = spool_of(uri)
        self.name = new_name(parent)
        self.closed = False
        self._uri = uri
        self._folder = RunFolder(spool / self.name)
        location = None if is_server(uri) else place.artifact_location
        self._folder.make(
            Target(experiment, name or "", run_id, parent, place.parent_run_id, now_ms(), location, place.registry_uri)
        )
        self._lines: LineWriter | None = LineWriter(self._folder.lines)
        self._artifacts = 0
        self._sender = None if parent else SenderProcess(spool, self.name, uri, place.server)
        self.append({"tags": _origin()})

    def append(self, line: Mapping[str, Any]) -> None:
        """Keep a line; where that is impossible, say so once and go on without."""
        if self._lines is None:
            return
        try:
            self._lines.append(line)
        except OSError as error:
            self._give_up(error)

    def copy(self, path: Path, folder: str) -> None:
        """Keep a copy of a file or folder for the artifacts' folder `folder`."""
        name = path.name or path.resolve().name
        copy = shutil.copytree if path.is_dir() else shutil.copyfile
        self.add(str(PurePosixPath(folder, name)), lambda place: copy(path, place))

    def add(self, artifact: str, write: Callable[[Path], object], register: str | None = None) -> None:
        """Keep what `write` writes to the path it is given, as the artifact of that path."""
        if self._lines is None:
            return
        self._artifacts += 1
        inside = PurePosixPath(artifact.strip("/"))
        place = self._folder.artifacts / f"{os.getpid()}-{self._artifacts}" / inside.name
        try:
            place.parent.mkdir(parents=True)
            write(place)
        except OSError as error:
            return self._give_up(error)
        folder = "" if str(inside.parent) == "." else str(inside.parent)
        local = str(place.relative_to(self._folder.artifacts))
        self.append({"artifact": local, "path": folder, "register": register})

    def sent(self) -> Sent:
        """Return what the server has of the run; waits a moment for its beginning unless the server is down."""
        end = time.monotonic() + (RUN_ID_WITHIN_S if is_server(self._uri) else STORE_OPENS_WITHIN_S)
        found = self._folder.read_sent()
        while found.run is None and not found.trouble and time.monotonic() < end:
            time.sleep(_LOOK_EVERY_S)
            found = self._folder.read_sent()
        return found

    def close(self) -> None:
        """Let go of the folder; the sender is told, and waited for where the server answers."""
        self.closed = True
        if self._lines is not None:
            self._lines.close()
            self._lines = None
        if self._sender:
            self._sender.finish()

    def _give_up(self, error: OSError) -> None:
        self._lines = None
        warn(f"{self._folder.path}: cannot write: {error.strerror or error}; nothing more of this run reaches MLflow")


def _origin() -> dict[str, str]:
    """Return the tags by which MLflow's pages say who ran what."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError):  # a container without a name for its user
        user = str(os.getuid())
    return {"mlflow.user": user, "mlflow.source.name": sys.argv[0], "mlflow.source.type": "LOCAL"}
