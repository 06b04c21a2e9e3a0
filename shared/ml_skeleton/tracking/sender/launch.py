"""Starting the sender of a family of runs, and waiting for it at the end, but never for a server that is down."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from ml_skeleton.console import note, warn
from ml_skeleton.tracking.runs import MLFLOW_SETTINGS
from ml_skeleton.tracking.spool import RunFolder, Sent

LOOK_EVERY_S = 0.02
PATIENCE_S = 3.0  # before a word about the waiting
SENT_WITHIN_S = 60.0
LOG = "sender.log"


class SenderProcess:
    """The process that sends a family of runs."""

    def __init__(self, spool: Path, family: str, uri: str, server: dict[str, Any] | None) -> None:
        self._spool, self._family, self._uri = spool, family, uri
        with open(spool.parent / f"{spool.name}.log", "ab") as log:  # a pipe that it inherits might never end
            self._process = subprocess.Popen(
                [sys.executable, "-m", "ml_skeleton.tracking.sender", str(spool), family, uri, json.dumps(server)],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                env=MLFLOW_SETTINGS | os.environ,
                start_new_session=True,  # Ctrl-C and a closed terminal are for the training
            )

    def finish(self) -> None:
        """Say that the family is over, and wait while its lines go out; Ctrl-C ends the waiting, not the sending."""
        assert self._process.stdin is not None
        try:
            self._process.stdin.close()
            self._wait()
        except (BrokenPipeError, KeyboardInterrupt):
            note("not waiting for MLflow any longer")  # the process beside goes on, or has ended
        self._tell()

    def _wait(self) -> None:
        began, told = time.monotonic(), False
        while self._unsent() and self._process.poll() is None and time.monotonic() < began + SENT_WITHIN_S:
            if any(sent.trouble for sent in self._unsent()):
                return
            if not told and time.monotonic() > began + PATIENCE_S:
                told = True
                note(f"waiting for MLflow at {self._uri} to take the rest; Ctrl-C leaves that to the background")
            time.sleep(LOOK_EVERY_S)

    def _tell(self) -> None:
        for folder in self._folders():
            sent = folder.read_sent()
            for refused in sent.refused if sent.done else ():
                warn(f"MLflow at {self._uri} did not take {refused}")
            if sent.done:
                folder.remove()
        unsent = self._unsent()
        if unsent:
            why = next((sent.trouble for sent in unsent if sent.trouble), "takes its time")
            warn(
                f"MLflow at {self._uri}: {why}; {len(unsent)} {'run is' if len(unsent) == 1 else 'runs are'} kept in "
                f"{self._spool} and sent when it answers, by this run or the next one"
            )

    def _folders(self) -> list[RunFolder]:
        return [RunFolder(path) for path in self._spool.glob(f"{self._family}*")]

    def _unsent(self) -> list[Sent]:
        found = [folder.read_sent() for folder in self._folders()]
        return [sent for sent in found if not sent.done]
