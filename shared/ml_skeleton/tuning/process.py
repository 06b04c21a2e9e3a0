"""One run of a command: its own process group, output to files, and an end that always comes.

A stop goes to the whole group: the file of $TUNE_STOP appears, then SIGTERM,
and SIGKILL for whatever is left when the grace has passed.
"""

import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO, Literal, Protocol

from ml_skeleton.errors import UserError
from ml_skeleton.tuning.groups import group_lives, signal_group
from ml_skeleton.tuning.lease import write_lease
from ml_skeleton.tuning.trial_folder import TrialFolder

StopReason = Literal["pruned", "timeout", "interrupted"]

GROUP_POLL_S = 0.05  # the end of grandchildren sends no signal


class CannotStart(Exception):
    """The program of this trial cannot be started; the message says why."""


class Started(Protocol):
    """A process that leads a group of its own."""

    @property
    def pid(self) -> int:
        """Its number, and that of its group."""

    def poll(self) -> int | None:
        """Return how it ended, negative for a signal; None while it runs."""

    def wait(self) -> int:
        """Wait for its end."""


# argv, stdout, stderr, environment, folder to run in; raises OSError if there is no such program
Start = Callable[[Sequence[str], BinaryIO, BinaryIO, Mapping[str, str], Path], Started]


def start_program(
    argv: Sequence[str], stdout: BinaryIO, stderr: BinaryIO, environment: Mapping[str, str], cwd: Path
) -> Started:
    """Start the program that `argv` names."""
    return subprocess.Popen(
        argv, stdin=subprocess.DEVNULL, stdout=stdout, stderr=stderr, env=environment, cwd=cwd, process_group=0
    )


class CommandProcess:
    """A command that runs in the background until `over`."""

    def __init__(
        self,
        argv: Sequence[str],
        folder: TrialFolder,
        environment: Mapping[str, str],
        cwd: Path,
        timeout_s: float | None,
        grace_s: float,
        start: Start = start_program,
    ) -> None:
        """Start the command; raise CannotStart if there is no such program, UserError if the folder takes no files."""
        self.exit_code: int | None = None  # negative: the signal that ended it
        self.stopped: StopReason | None = None
        self.over = False
        self._folder = folder
        self._grace_s = grace_s
        self._started = time.monotonic()
        self._deadline = None if timeout_s is None else self._started + timeout_s
        self._kill_at: float | None = None
        self._process = _start(start, argv, folder, environment, cwd)

    @property
    def seconds(self) -> float:
        """Seconds since the start."""
        return time.monotonic() - self._started

    def advance(self) -> None:
        """Look at the command and do what is due: note its end, stop it at its timeout, kill it after the grace."""
        if self.exit_code is None:
            self.exit_code = self._process.poll()
        now = time.monotonic()
        if self._kill_at is None:
            self.over = self.exit_code is not None
            if not self.over and self._deadline is not None and now >= self._deadline:
                self.stop("timeout")
        elif self.exit_code is not None and not group_lives(self._process.pid):
            self.over = True
        elif now >= self._kill_at:
            signal_group(self._process.pid, signal.SIGKILL)
            self.over = self.exit_code is not None

    def stop(self, reason: StopReason) -> None:
        """Ask the command to stop; `over` once it has, by force after the grace. One that has just ended, has ended."""
        if self.over or self._kill_at is not None:
            return
        if self.exit_code is None:
            self.exit_code = self._process.poll()
        if self.exit_code is not None:
            self.over = True
            return
        self.stopped = reason
        self._kill_at = time.monotonic() + self._grace_s
        with suppress(OSError):  # a full disk must not keep the signal from being sent
            self._folder.stop.touch()
        signal_group(self._process.pid, signal.SIGTERM)

    def kill(self) -> None:
        """End the command without grace."""
        self.stop("interrupted")
        self._kill_at = 0.0

    def next_look_s(self) -> float | None:
        """Return in how many seconds `advance` has something to do if no signal comes before; None for never."""
        if self._kill_at is not None:
            return GROUP_POLL_S if self.exit_code is not None else max(self._kill_at - time.monotonic(), GROUP_POLL_S)
        return None if self._deadline is None else max(self._deadline - time.monotonic(), 0.0)


def _start(
    start: Start, argv: Sequence[str], folder: TrialFolder, environment: Mapping[str, str], cwd: Path
) -> Started:
    with _log(folder.stdout) as stdout, _log(folder.stderr) as stderr:
        try:
            process = start(argv, stdout, stderr, environment, cwd)
        except OSError as error:
            raise CannotStart(f"{argv[0]}: cannot start: {error.strerror}") from None
    try:
        write_lease(folder.lease, process.pid)
    except OSError as error:
        signal_group(process.pid, signal.SIGKILL)  # nobody would find it after a crash
        process.wait()
        raise UserError(f"{folder.lease}: cannot write: {error.strerror}") from None
    return process


def _log(path: Path) -> BinaryIO:
    try:
        return open(path, "ab")
    except OSError as error:
        raise UserError(f"{path}: cannot write: {error.strerror}") from None
