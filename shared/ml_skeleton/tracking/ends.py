"""How a run ends: which status follows from an exception, and SIGTERM as an exception."""

import signal
import threading
from types import FrameType
from typing import NoReturn

from ml_skeleton.console import Terminated
from ml_skeleton.errors import TERMINATED
from ml_skeleton.tracking.runs import Status


class Sigterm(SystemExit):
    """SIGTERM arrived while a run was open: leave as for sys.exit(143), through every `finally`."""


def status_of(error: BaseException | None) -> Status:
    """Return the status of a run that `error` has ended; Optuna's TrialPruned is no failure."""
    if error is None or (isinstance(error, SystemExit) and not isinstance(error, Sigterm) and not error.code):
        return "FINISHED"
    stopped = isinstance(error, KeyboardInterrupt | Terminated | Sigterm) or is_pruned(error)
    return "KILLED" if stopped else "FAILED"


def is_pruned(error: BaseException) -> bool:
    """Tell whether an exception is `optuna.TrialPruned`, without importing Optuna."""
    return any(kind.__name__ == "TrialPruned" for kind in type(error).__mro__)


class SigtermUnwinds:
    """Between `begin` and `end`, SIGTERM raises Sigterm, where it would have ended the process on the spot."""

    def __init__(self) -> None:
        self._mine = False

    def begin(self) -> None:
        """Take SIGTERM, unless somebody else has or this is not the thread that gets signals."""
        main_thread = threading.current_thread() is threading.main_thread()
        if main_thread and signal.getsignal(signal.SIGTERM) is signal.SIG_DFL:
            signal.signal(signal.SIGTERM, _raise)
            self._mine = True

    def end(self) -> None:
        """Give it back."""
        if self._mine:
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            self._mine = False


def _raise(_signal: int, _frame: FrameType | None) -> NoReturn:
    raise Sigterm(TERMINATED)
