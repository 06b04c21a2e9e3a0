"""A trial as a fork of this process, for functions that no other process can be given."""

import os
import signal
import sys
import traceback
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

from ml_skeleton.tuning.process import Start, Started


class ForkedProcess:
    """A child of this process, as subprocess shows its own."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self._code: int | None = None

    def poll(self) -> int | None:
        """Return how it ended, negative for a signal; None while it runs."""
        if self._code is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            self._code = os.waitstatus_to_exitcode(status) if pid else None
        return self._code

    def wait(self) -> int:
        """Wait for its end."""
        if self._code is None:
            self._code = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
        return self._code


def forked(run: Callable[[], int]) -> Start:
    """Return how to start a trial that calls `run`, whose result is the exit code, in a fork of this process."""

    def start(
        _argv: Sequence[str], stdout: BinaryIO, stderr: BinaryIO, environment: Mapping[str, str], cwd: Path
    ) -> Started:
        sys.stdout.flush()
        sys.stderr.flush()
        pid = os.fork()
        if pid == 0:
            _live_as_child(run, stdout.fileno(), stderr.fileno(), environment, cwd)
        with suppress(OSError):  # the child was quicker, or is gone
            os.setpgid(pid, pid)
        return ForkedProcess(pid)

    return start


def _live_as_child(run: Callable[[], int], stdout: int, stderr: int, environment: Mapping[str, str], cwd: Path) -> None:
    """Run, and leave without any of the clean-up that belongs to the parent."""
    code = 1
    try:
        os.setpgid(0, 0)
        signal.set_wakeup_fd(-1)
        for number in (signal.SIGINT, signal.SIGHUP, signal.SIGCHLD, signal.SIGTERM):
            signal.signal(number, signal.SIG_DFL)
        nothing = os.open(os.devnull, os.O_RDONLY)
        for own, standard in ((nothing, 0), (stdout, 1), (stderr, 2)):
            os.dup2(own, standard)
        sys.stdout, sys.stderr = os.fdopen(1, "w"), os.fdopen(2, "w")  # a notebook's go elsewhere
        os.environ.clear()
        os.environ.update(environment)
        os.chdir(cwd)
        code = run()
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
