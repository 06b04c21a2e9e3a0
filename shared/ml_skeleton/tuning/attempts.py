"""The attempts of a study: several may belong to one trial, of which the newest says how it stands.

Optuna counts attempts. A trial that was interrupted or is tried again is a new
attempt with the number, the seed and the folder of the first one. Numbers are
given when a trial is taken, one after the other, so that they have no gaps.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from optuna.trial import FrozenTrial, TrialState

KEPT = "tune"  # the attribute of an attempt that holds what is known of it here


@dataclass(frozen=True)
class Attempt:
    """One go at a trial."""

    number: int  # of the trial
    attempt: int  # of Optuna
    failures: int  # of earlier attempts
    interruptions: int  # that the command itself reported
    chosen: dict[str, Any]  # what was suggested, as Optuna keeps it
    worker: Mapping[str, Any] | None  # the lease of who works on it; None if the taking was never finished


def attempt_of(trial: FrozenTrial) -> Attempt:
    """Return what is known of an attempt; its number is -1 if it has none yet."""
    kept = trial.user_attrs.get(KEPT, {})
    foreign = trial.state in (TrialState.COMPLETE, TrialState.PRUNED)  # and not numbered: another program's trial
    return Attempt(
        number=kept.get("trial", trial.number if foreign else -1),
        attempt=trial.number,
        failures=kept.get("failures", 0),
        interruptions=kept.get("interruptions", 0),
        chosen=trial.system_attrs.get("fixed_params", {}) | trial.params,
        worker=kept.get("worker"),
    )


class Attempts:
    """Which trials there are and how they stand; reads again only what may have changed."""

    def __init__(self) -> None:
        self.newest: dict[int, int] = {}  # attempt by trial
        self.finished: set[int] = set()  # trials
        self.running: list[FrozenTrial] = []  # attempts, the newest of their trials or not
        self._settled = 0  # so many attempts from the first on have ended for good

    def update(self, attempts: Sequence[FrozenTrial]) -> None:
        """Take in all attempts of the study, in their order."""
        self.running = [trial for trial in attempts[self._settled :] if trial.state == TrialState.RUNNING]
        for trial in attempts[self._settled :]:
            number = attempt_of(trial).number
            if number >= 0:
                self.newest[number] = trial.number
                (self.finished.add if trial.state.is_finished() else self.finished.discard)(number)
        while self._settled < len(attempts) and attempts[self._settled].state.is_finished():
            self._settled += 1

    def is_newest(self, attempt: Attempt) -> bool:
        """Tell whether no later attempt at the same trial exists."""
        return self.newest.get(attempt.number, attempt.attempt) == attempt.attempt

    @property
    def taken(self) -> int:
        """The number of trials that are finished or being worked on."""
        return len(self.finished) + sum(self.is_newest(attempt_of(trial)) for trial in self.running)

    @property
    def next_number(self) -> int:
        """The number of the next trial."""
        return max(self.newest, default=-1) + 1
