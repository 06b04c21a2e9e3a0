"""All runs that wait for one tracking server, those that earlier processes left behind included."""

import fcntl
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from ml_skeleton.tracking.errors import TrackingError
from ml_skeleton.tracking.runs import Runs, open_runs
from ml_skeleton.tracking.sender.run import RunSender
from ml_skeleton.tracking.spool import RunFolder, Target, family_of


@dataclass
class _Held:
    """A run that no other process sends."""

    run: RunSender
    lock: BinaryIO


class Spooled:
    """The runs of one tracking URI; `family` is the one that this process was started for."""

    def __init__(self, spool: Path, family: str, uri: str) -> None:
        self._spool, self._family, self._uri = spool, family, uri
        self._runs: dict[tuple[str, str | None], Runs] = {}
        self._held: dict[str, _Held] = {}

    def advance(self) -> str:
        """Send what is new in all runs that nobody else sends; return what is wrong with the server, "" for nothing."""
        own_first = sorted(self._spool.iterdir(), key=lambda path: (family_of(path.name) != self._family, path.name))
        for path in own_first:
            run = self._hold(path)
            if run is None:
                continue
            try:
                if not run.ended:
                    run.advance(self._runs_of(run.target))
            except TrackingError as error:
                run.trouble(str(error))
                self._runs.clear()
                return str(error)
        self._close_ended()
        return ""

    def trouble(self, text: str) -> None:
        """Keep with the family's runs why nothing goes out."""
        for name, held in self._held.items():
            if family_of(name) == self._family:
                held.run.trouble(text)

    def family_is_sent(self) -> bool:
        """Tell whether nothing of the family is left to send."""
        return all(RunFolder(path).read_sent().done for path in self._spool.glob(f"{self._family}*"))

    def _hold(self, path: Path) -> RunSender | None:
        if path.name in self._held:
            return self._held[path.name].run
        folder = RunFolder(path)
        target = folder.read_target()
        if target is None or not folder.lines.exists():
            return None
        lock = open(path / "sender.lock", "wb")  # noqa: SIM115 - closed with the run
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.close()
            return None
        self._held[path.name] = _Held(RunSender(folder, target), lock)
        return self._held[path.name].run

    def _close_ended(self) -> None:
        """Let go of the runs that have ended; a parent stays until its children are sent, who ask for its id."""
        for name, held in list(self._held.items()):
            children = self._spool.glob(f"{name}.*")
            if held.run.ended and all(RunFolder(child).read_sent().done for child in children):
                held.run.close()
                self._held.pop(name).lock.close()

    def _runs_of(self, target: Target) -> Runs:
        key = (target.experiment, target.artifact_location)
        if key not in self._runs:
            self._runs[key] = open_runs(self._uri, target.experiment, target.artifact_location, target.registry_uri)
        return self._runs[key]
