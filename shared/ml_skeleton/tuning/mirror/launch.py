"""Starting the mirror of a study, and waiting for it at the end, but never for a server that is down."""

import os
import select
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from ml_skeleton.artifacts.files import only_run
from ml_skeleton.console import note, warn
from ml_skeleton.errors import BusyError
from ml_skeleton.tracking.runs import MLFLOW_SETTINGS, is_server

CONNECTED = "connected"  # what the mirror prints once a server has answered
FIRST_ANSWER_S = 5.0  # after the study, a server that has never answered gets no longer
PATIENCE_S = 3.0  # before a word about the waiting
FINISH_S = 120.0


def experiment_name() -> str:
    """Return the experiment that studies go to."""
    return os.environ.get("MLFLOW_EXPERIMENT_NAME", "tune")


class NoMirror:
    """Tracks nowhere."""

    def finish(self, status: str) -> None:
        """Take note of how the study ended."""

    def close(self) -> None:
        """Wait for nothing."""


class MirrorProcess(NoMirror):
    """A process of its own that mirrors a study, as importing mlflow alone takes seconds of a core."""

    def __init__(self, study: Path, uri: str) -> None:
        self._uri = uri
        self._status = ""  # stays so if the run ends by an error
        self._process = subprocess.Popen(
            [sys.executable, "-m", "ml_skeleton.tuning.mirror", str(study), uri, experiment_name()],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=MLFLOW_SETTINGS | os.environ,
            process_group=0,  # Ctrl-C is for tune, which tells the mirror the end
        )

    def finish(self, status: str) -> None:
        """Take note of how the study ended: FINISHED, FAILED or KILLED."""
        self._status = status

    def close(self) -> None:
        """Tell the mirror that the run is over, and wait until it has sent the rest."""
        with self._process as process:
            assert process.stdin is not None
            try:
                process.stdin.write(self._status.encode("ascii"))
                process.stdin.close()
                self._await_end()
                complete = process.returncode == 0
            except (BrokenPipeError, KeyboardInterrupt, subprocess.TimeoutExpired):
                complete = False
            finally:
                process.kill()
        if not complete:
            warn(f"MLflow at {self._uri}: not everything was sent; the files are there, the next run sends the rest")

    def _await_end(self) -> None:
        assert self._process.stdout is not None
        if is_server(self._uri) and not select.select([self._process.stdout], [], [], FIRST_ANSWER_S)[0]:
            raise subprocess.TimeoutExpired(self._process.args, FIRST_ANSWER_S)
        try:
            self._process.wait(PATIENCE_S)
        except subprocess.TimeoutExpired:
            note("waiting for MLflow to take the rest; Ctrl-C leaves it for the next run")
            self._process.wait(FINISH_S)


@contextmanager
def mirror_of(study: Path, uri: str) -> Iterator[NoMirror]:
    """Yield a mirror of `study` into MLflow at `uri`; one that tracks nowhere for "off".

    One mirror sends the trials of all workers; a second one would make each run twice.
    """
    with ExitStack() as stack:
        mirror = NoMirror()
        if uri not in ("", "off"):
            with suppress(BusyError):
                stack.enter_context(only_run(study / "mlflow"))
                mirror = MirrorProcess(study, uri)
        stack.callback(mirror.close)
        yield mirror
