"""One run of a command: its own process group, output to files, and an end that always comes.

A stop goes to the whole group: the file of $TUNE_STOP appears, then SIGTERM,
and SIGKILL for whatever is left when the grace has passed.
"""

import json
import os
import signal
import socket
import subprocess
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO, Literal

from ml_skeleton.errors import UserError
from ml_skeleton.tuning.trial_folder import TrialFolder

StopReason = Literal["pruned", "timeout", "interrupted"]

GROUP_POLL_S = 0.05  # the end of grandchildren sends no signal


class CannotStart(Exception):
    """The program of this trial cannot be started; the message says why."""


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
        self._process = _start(argv, folder, environment, cwd)

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
        elif self.exit_code is not None and not _group_lives(self._process.pid):
            self.over = True
        elif now >= self._kill_at:
            _signal_group(self._process.pid, signal.SIGKILL)
            self.over = self.exit_code is not None

    def stop(self, reason: StopReason) -> None:
        """Ask the command to stop; `over` once it has, by force after the grace."""
        if self.over or self._kill_at is not None:
            return
        self.stopped = reason
        self._kill_at = time.monotonic() + self._grace_s
        with suppress(OSError):  # a full disk must not keep the signal from being sent
            self._folder.stop.touch()
        _signal_group(self._process.pid, signal.SIGTERM)

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
    argv: Sequence[str], folder: TrialFolder, environment: Mapping[str, str], cwd: Path
) -> "subprocess.Popen[bytes]":
    with _log(folder.stdout) as stdout, _log(folder.stderr) as stderr:
        try:
            process = subprocess.Popen(
                argv, stdin=subprocess.DEVNULL, stdout=stdout, stderr=stderr, env=environment, cwd=cwd, process_group=0
            )
        except OSError as error:
            raise CannotStart(f"{argv[0]}: cannot start: {error.strerror}") from None
    try:
        _write_lease(folder.lease, process.pid)
    except OSError as error:
        _signal_group(process.pid, signal.SIGKILL)  # nobody would find it after a crash
        process.wait()
        raise UserError(f"{folder.lease}: cannot write: {error.strerror}") from None
    return process


def _log(path: Path) -> BinaryIO:
    try:
        return open(path, "ab")
    except OSError as error:
        raise UserError(f"{path}: cannot write: {error.strerror}") from None


def end_orphan(lease: Path, grace_s: float) -> bool:
    """End the command that a killed run left behind, if it still runs on this machine; tell whether it did.

    A process is told apart from a later one of the same number by the boot and
    the tick it was started in; where the system does not tell, nothing is ended.
    """
    try:
        held = json.loads(lease.read_bytes())
        host, pid, mark = held["host"], int(held["pid"]), held["mark"]
    except (FileNotFoundError, ValueError, TypeError, KeyError):
        return False
    if host != socket.gethostname() or mark is None or _mark(pid) != mark:
        return False
    _signal_group(pid, signal.SIGTERM)
    end = time.monotonic() + grace_s
    while _mark(pid) == mark and _group_lives(pid) and time.monotonic() < end:
        time.sleep(GROUP_POLL_S)
    _signal_group(pid, signal.SIGKILL)
    return True


def lease_lives(lease: Path) -> bool:
    """Tell whether the command of a lease runs on this machine at this moment."""
    try:
        held = json.loads(lease.read_bytes())
        mark = held["mark"]
        return mark is not None and held["host"] == socket.gethostname() and _mark(int(held["pid"])) == mark
    except (FileNotFoundError, ValueError, TypeError, KeyError):
        return False


def _write_lease(path: Path, pid: int) -> None:
    held = {"host": socket.gethostname(), "pid": pid, "mark": _mark(pid), "tune_pid": os.getpid()}
    path.write_text(json.dumps(held), encoding="ascii")


def _mark(pid: int) -> str | None:
    """Return what tells a process from any other that ever had its number, or None if there is no such process."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        fields = Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()
    except OSError:
        return None
    state, started = fields[0], fields[19]
    return None if state in (b"Z", b"X") else f"{boot}/{started.decode('ascii')}"


def _signal_group(group: int, number: int) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(group, number)


def _group_lives(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
