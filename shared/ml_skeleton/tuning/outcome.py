"""How a run of a study ended, in figures, in words and as an exit code."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, get_args

from ml_skeleton.console import Terminated
from ml_skeleton.errors import NO_INPUT, TERMINATED, UserError
from ml_skeleton.tuning.objective import Objective
from ml_skeleton.tuning.pareto import pareto_front
from ml_skeleton.tuning.trial_folder import Result, State, trial_folder


class NoTrialComplete(UserError):
    """The study has its trials, and no value."""

    exit_code = NO_INPUT


class TooManyFailures(UserError):
    """More trials failed than --max-fail allows."""

    exit_code = 4


@dataclass
class Outcome:
    """The trials of a study that are over, and what ended the run."""

    study: Path
    objectives: Sequence[Objective]
    target: int
    results: dict[int, Result] = field(default_factory=dict)
    signal_code: int | None = None  # 130 or 143 if a signal came
    out_of_time: bool = False

    def count(self, state: State) -> int:
        """Return how many trials are in `state`."""
        return sum(result.state == state for result in self.results.values())

    def same_as(self, identity: str) -> Result | None:
        """Return a trial of that identity which would end as it has when run again, None if there is none."""
        lasting = (result for result in self.results.values() if result.state in ("complete", "infeasible"))
        return next((result for result in lasting if result.identity == identity), None)

    @property
    def best(self) -> Result | None:
        """The trial that keeps all constraints with the best value of the first objective."""
        feasible = [result for result in self.results.values() if result.feasible]
        return min(feasible, key=lambda result: self.objectives[0].cost(result.value or 0.0), default=None)

    @property
    def front(self) -> list[Result]:
        """The trials that no other beats in every objective, best in the first one first."""
        feasible = [result for result in self.results.values() if result.feasible]
        return pareto_front(feasible, self.objectives)

    def in_words(self, result: Result) -> str:
        """Return the objectives of a complete trial."""
        values = zip(self.objectives, result.values, strict=True)
        return ", ".join(f"{objective.metric} {value:g}" for objective, value in values)

    @property
    def run_status(self) -> Literal["FINISHED", "FAILED", "KILLED"]:
        """The state of the study in a tracker's words."""
        if self.signal_code is not None and len(self.results) < self.target:
            return "KILLED"
        return "FINISHED" if self.best else "FAILED"

    @property
    def counted(self) -> str:
        """How many trials are finished, and how they ended."""
        counts = ", ".join(f"{self.count(state)} {state}" for state in get_args(State) if self.count(state))
        return f"{len(self.results)} of {self.target} trials finished{f': {counts}' if counts else ''}"

    @property
    def praised(self) -> str:
        """The best trial, and how large the front is where there is one; nothing while none is complete."""
        if self.best is None:
            return ""
        front = f"{len(self.front)} on the Pareto front; " if len(self.objectives) > 1 else ""
        return f"{front}best {self.in_words(self.best)} in trial {self.best.trial}"

    def __str__(self) -> str:
        time = "the time of the study is up" if self.out_of_time else ""
        return "; ".join(part for part in (self.counted, self.praised, time) if part)

    def leave_if_bad(self, max_fail: int | None) -> None:
        """Leave with 130 or 143 after a signal, 4 with too many failures, 3 without a complete trial."""
        if self.signal_code is not None and len(self.results) < self.target:
            raise Terminated if self.signal_code == TERMINATED else KeyboardInterrupt
        if max_fail is not None and self.count("failed") > max_fail:
            raise TooManyFailures(
                f"{self.study}: {self.count('failed')} trials failed, --max-fail is {max_fail}; {self._first_reason()}"
            )
        if self.best is None:
            lack = "keeps the constraints" if self.count("complete") else "is complete"
            raise NoTrialComplete(f"{self.study}: none of {len(self.results)} trials {lack}{self._first_reason('; ')}")

    def _first_reason(self, before: str = "") -> str:
        first = next((result for result in self.results.values() if result.reason), None)
        if first is None:
            return ""
        output = trial_folder(self.study, first.trial).path
        return f"{before}trial {first.trial}: {first.reason}; its output is in {output}"
