"""What the end of a command means for its trial."""

import re
import signal
from dataclasses import dataclass
from typing import Literal

from ml_skeleton.errors import BUSY, INTERRUPTED, TERMINATED, WRONG_USAGE
from ml_skeleton.tuning.objective import Score
from ml_skeleton.tuning.process import StopReason
from ml_skeleton.tuning.trial_folder import State

INFEASIBLE = 64  # EX_USAGE of sysexits.h: these parameters cannot be run
STOP_ACCEPTED = BUSY
_FAILS_AGAIN = (WRONG_USAGE, 126, 127)  # and the shell's "not executable" and "not found"
_INTERRUPTIONS = (INTERRUPTED, TERMINATED, -signal.SIGINT, -signal.SIGTERM)
_OUT_OF_MEMORY = re.compile(r"out of memory|OutOfMemory|MemoryError|bad_alloc|Cannot allocate memory", re.IGNORECASE)


@dataclass(frozen=True)
class Verdict:
    """The state of a trial; `interrupted` is none, and the trial runs again."""

    state: State | Literal["interrupted"]
    value: float | None = None
    reason: str = ""
    worth_a_retry: bool = False


def judge(
    exit_code: int | None,
    stopped: StopReason | None,
    stop_file: bool,
    score: Score,
    last_words: str,
    timeout_s: float | None,
) -> Verdict:
    """Return the verdict on a command that has ended; `last_words` is its last line on standard error.

    Exit 75 is the acceptance of a stop only where the stop file is there, made
    by tune or by hand; the tools of this repository also end so when another
    run holds their lock.
    """
    if stopped == "pruned":
        return Verdict("pruned", reason="the pruner stopped it")
    if stopped is None and exit_code == STOP_ACCEPTED and stop_file:
        return Verdict("pruned", reason="it found the stop file and stopped (exit 75)")
    if stopped == "timeout":
        return Verdict("failed", reason=f"still running after {timeout_s:g} s", worth_a_retry=True)
    if stopped == "interrupted" or exit_code in _INTERRUPTIONS:
        return Verdict("interrupted", reason=exit_in_words(exit_code))
    words = f": {last_words}" if last_words else ""
    if exit_code == INFEASIBLE:
        return Verdict("infeasible", reason=f"infeasible parameters (exit 64){words}")
    if exit_code == BUSY:
        return Verdict("failed", None, f"exit 75 without a stop: busy, or out of something for now{words}", True)
    if exit_code != 0:
        again = exit_code not in _FAILS_AGAIN and not _OUT_OF_MEMORY.search(last_words)
        return Verdict("failed", None, f"{exit_in_words(exit_code)}{words}", again)
    if score.value is None:
        return Verdict("failed", reason=score.reason, worth_a_retry=True)
    return Verdict("complete", score.value)


def exit_in_words(code: int | None) -> str:
    """Return `exit 1`, or the name of the signal that ended a command."""
    if code is None:
        return "not started"
    if code >= 0:
        return f"exit {code}"
    try:
        return f"killed by {signal.Signals(-code).name}"
    except ValueError:
        return f"killed by signal {-code}"
