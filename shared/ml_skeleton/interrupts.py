"""A first Ctrl-C or SIGTERM asks a long job to finish what is in flight; a second one ends it at once."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType

from ml_skeleton.console import Terminated, note_at_once
from ml_skeleton.errors import INTERRUPTED, TERMINATED


@dataclass
class StopRequest:
    """Whether a signal asked for the end, and which exit code follows from it."""

    exit_code: int | None = None

    def __bool__(self) -> bool:
        return self.exit_code is not None

    def leave_if_asked(self) -> None:
        """Leave the process with 130 or 143 if a signal came."""
        if self.exit_code == TERMINATED:
            raise Terminated
        if self.exit_code == INTERRUPTED:
            raise KeyboardInterrupt


@contextmanager
def stop_request() -> Iterator[StopRequest]:
    """Yield an object that turns true at the first SIGINT or SIGTERM; the former handlers come back at the end."""
    request = StopRequest()

    def ask(number: int, _frame: FrameType | None) -> None:
        second = bool(request)
        request.exit_code = INTERRUPTED if number == signal.SIGINT else TERMINATED
        if second:
            request.leave_if_asked()
        note_at_once("stopping: finishing what is in flight; a second signal ends at once")

    former = {number: signal.signal(number, ask) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield request
    finally:
        for number, handler in former.items():
            signal.signal(number, handler)
