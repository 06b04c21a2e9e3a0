"""Waiting for children and for the person at the keyboard at once, without threads and without a busy loop."""

import os
import select
import signal
from types import FrameType, TracebackType

from ml_skeleton.console import Terminated, note_at_once
from ml_skeleton.errors import INTERRUPTED, TERMINATED

GO_ON, FINISH, STOP, KILL = range(4)
_ADVICE = {
    FINISH: "no further trials; waiting for those that run, a second signal stops them and a third kills them",
    STOP: "stopping the trials that run; they are queued again",
    KILL: "killing the trials that run; they are queued again",
}


class Signals:
    """While entered: SIGINT counts up from GO_ON to KILL, SIGTERM and SIGHUP start at STOP, and SIGCHLD wakes `wait`.

    Belongs to the main thread, as Python delivers signals nowhere else.
    """

    def __init__(self) -> None:
        self.level = GO_ON
        self.exit_code = INTERRUPTED

    def __enter__(self) -> "Signals":
        self._readable, self._writable = os.pipe()
        os.set_blocking(self._readable, False)
        os.set_blocking(self._writable, False)
        self._former_fd = signal.set_wakeup_fd(self._writable, warn_on_full_buffer=False)
        wanted = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGCHLD)
        heeded = [number for number in wanted if signal.getsignal(number) is not signal.SIG_IGN]  # nohup stays nohup
        self._former = {number: signal.signal(number, self._count) for number in {*heeded, signal.SIGCHLD}}
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, handler in self._former.items():
            signal.signal(number, handler)
        signal.set_wakeup_fd(self._former_fd)
        os.close(self._readable)
        os.close(self._writable)

    def wait(self, seconds: float | None) -> None:
        """Return when a signal came or `seconds` have passed; None waits for a signal."""
        ready, _, _ = select.select([self._readable], [], [], seconds)
        if ready:
            os.read(self._readable, 4096)

    def leave_if_asked(self) -> None:
        """Leave with 130 or 143 if a signal came that asked for the end."""
        if self.level > GO_ON:
            raise Terminated if self.exit_code == TERMINATED else KeyboardInterrupt

    def _count(self, number: int, _frame: FrameType | None) -> None:
        if number == signal.SIGCHLD:
            return
        if number != signal.SIGINT:
            self.exit_code = TERMINATED
        self.level = min(max(self.level + 1, FINISH if number == signal.SIGINT else STOP), KILL)
        note_at_once(_ADVICE[self.level])
