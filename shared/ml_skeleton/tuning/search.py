"""The search: which parameters come next, and which trial is hopeless. Several workers may share it."""

import logging
import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import optuna
from optuna.trial import FrozenTrial, TrialState

from ml_skeleton.artifacts.files import fingerprint_of
from ml_skeleton.tuning.attempts import KEPT, Attempt, Attempts, attempt_of
from ml_skeleton.tuning.lease import process_lease
from ml_skeleton.tuning.objective import Point
from ml_skeleton.tuning.samplers import check_sampler, new_pruner, new_sampler
from ml_skeleton.tuning.space import Number, Parameter, Setting
from ml_skeleton.tuning.storage import DIRECTIONS
from ml_skeleton.tuning.trial_folder import Result, State

if TYPE_CHECKING:
    from ml_skeleton.tuning.database import DatabaseStore
    from ml_skeleton.tuning.journal import JournalStore
    from ml_skeleton.tuning.study import Plan

_STATES: dict[State, TrialState] = {
    "complete": TrialState.COMPLETE,
    "pruned": TrialState.PRUNED,
    "failed": TrialState.FAIL,
    "infeasible": TrialState.FAIL,
}
_RESULT, _BEAT, _PLAN = "result", "beat", "study.json"  # attributes of trials, and of the study


Asked = tuple[Attempt, dict[str, Setting]]


@dataclass(frozen=True)
class SearchSettings:
    """How to search."""

    sampler: str  # tpe, random, gp, cmaes, or a class of Optuna
    pruner: str  # median, asha, hyperband, none, or a class of Optuna
    seed: int
    parallel: bool = False
    storage: str | None = None  # URL of a database; None: the journal in the study's folder
    name: str = "study"  # in that database


class Search:
    """A study of Optuna in a store, or in memory."""

    def __init__(self, store: "JournalStore | DatabaseStore | None", plan: "Plan", settings: SearchSettings) -> None:
        """Open the study in the store, or begin it; with no store it is in memory."""
        optuna.logging.set_verbosity(logging.WARNING)
        check_sampler(settings.sampler)
        self.plan = plan
        self._store, self._settings = store, settings
        with self.claim():
            self._study = optuna.create_study(
                storage=store.storage if store else None,
                study_name=settings.name,
                directions=[DIRECTIONS[one.direction] for one in plan.objectives],
                pruner=new_pruner(settings.pruner),
                load_if_exists=True,
            )
        self._attempts = Attempts()
        self._live: dict[int, optuna.trial.Trial] = {}
        self.refresh()

    @contextmanager
    def claim(self) -> Iterator[None]:
        """Hold the lock of the study, which whoever takes a trial or takes one over does."""
        with self._store.claim() if self._store else nullcontext():
            yield

    def refresh(self) -> None:
        """Take in what other workers have done."""
        self._attempts.update(self._study.get_trials(deepcopy=False))

    @property
    def finished(self) -> set[int]:
        """The trials that are over."""
        return self._attempts.finished

    def ask(self, worker: Mapping[str, Any] | None = None) -> Asked:
        """Return the next attempt and its settings; one that was queued comes first.

        `worker` is the lease of who will work on it, that of this process if left out.
        """
        number = self._attempts.next_number
        busy = self._settings.parallel or bool(self._attempts.running)
        seed = seed_of(self._settings.seed, self.plan.fingerprint, number, "sampler")
        self._study.sampler = new_sampler(self._settings.sampler, seed, busy)
        trial = self._study.ask()
        trial.set_user_attr(
            KEPT, {"trial": number, **trial.user_attrs.get(KEPT, {}), "worker": worker or process_lease(os.getpid())}
        )
        settings = self.plan.space.settle(lambda parameter: _suggest(trial, parameter))
        self._live[trial.number] = trial
        return attempt_of(self._frozen(trial.number)), settings

    def ask_within(
        self, target: int, worker: Mapping[str, Any] | None = None
    ) -> tuple[Attempt, dict[str, Setting]] | None:
        """Return the next attempt, or None while `target` trials are finished or being worked on, wherever."""
        with self.claim():
            self.refresh()
            return self.ask(worker) if self._attempts.taken < target else None

    def lend(self, attempt: Attempt, worker: Mapping[str, Any]) -> None:
        """Change the lease of an attempt."""
        trial = self._trial(attempt)
        trial.set_user_attr(KEPT, trial.user_attrs[KEPT] | {"worker": worker})

    def report(self, attempt: Attempt, points: list[Point]) -> None:
        """Pass on what a trial has reached so far; with several objectives there is no pruning, and no need to."""
        if len(self.plan.objectives) == 1:
            for point in points:
                self._trial(attempt).report(point.value, point.step)

    def hopeless(self, attempt: Attempt) -> bool:
        """Tell whether the pruner would end the trial at the last point it reached."""
        return len(self.plan.objectives) == 1 and bool(self._trial(attempt).should_prune())

    def beat(self, attempt: Attempt) -> bool:
        """Say that the attempt is being worked on, and tell whether it still is this worker's."""
        owned = self.owns(attempt)
        if owned and self._store and self._store.keeps_leases:
            self._trial(attempt).set_user_attr(_BEAT, time.time())
        return owned

    def owns(self, attempt: Attempt) -> bool:
        """Tell whether nobody has ended the attempt since it was asked for."""
        return self._frozen(attempt.attempt).state == TrialState.RUNNING

    def tell(self, attempt: Attempt, result: Result) -> None:
        """Say how a trial ended."""
        trial = self._trial(attempt)
        trial.set_user_attr(_RESULT, asdict(result))
        for constraint, violation in zip(self.plan.constraints, result.violations, strict=False):
            trial.set_constraint(str(constraint), violation)
        values = result.values if result.state == "complete" else None
        self._end(attempt, _STATES[result.state], values)

    def again(self, attempt: Attempt, failures: int, interruptions: int) -> None:
        """Queue the trial of an attempt again, with the same parameters, and end the attempt.

        The new one is queued first: a crash in between leaves an attempt that is
        found running, and is then ended because a newer one exists.
        """
        if self._attempts.is_newest(attempt):
            carried = {"trial": attempt.number, "failures": failures, "interruptions": interruptions}
            self._study.enqueue_trial(attempt.chosen, user_attrs={KEPT: carried} if attempt.number >= 0 else None)
        self._end(attempt, TrialState.FAIL, None)

    def retry(self, number: int) -> None:
        """Queue a trial again that is over."""
        chosen = attempt_of(self._frozen(self._attempts.newest[number])).chosen
        self._study.enqueue_trial(chosen, user_attrs={KEPT: {"trial": number}})
        self.refresh()

    def enqueue(self, chosen: Mapping[str, Any]) -> None:
        """Queue a new trial with these values, unless one was; what is not there is chosen as ever."""
        attempts = self._study.get_trials(deepcopy=False)
        if chosen not in [trial.system_attrs.get("fixed_params") for trial in attempts]:
            self._study.enqueue_trial(dict(chosen))

    def is_newest(self, attempt: Attempt) -> bool:
        """Tell whether no later attempt at the same trial exists."""
        return self._attempts.is_newest(attempt)

    def knows(self, number: int) -> bool:
        """Tell whether there was an attempt at that trial."""
        return number in self._attempts.newest

    def running(self) -> list[Attempt]:
        """Return the attempts that nobody has ended."""
        return [attempt_of(trial) for trial in self._attempts.running]

    def result(self, number: int) -> Result | None:
        """Return how a finished trial ended, as its worker told it; None if it was killed before it could."""
        kept = self._frozen(self._attempts.newest[number]).user_attrs.get(_RESULT)
        return Result(**kept) if kept else None

    def settings(self, number: int) -> dict[str, Setting]:
        """Return the settings of a trial that was asked for."""
        chosen = attempt_of(self._frozen(self._attempts.newest[number])).chosen
        return self.plan.space.settle(lambda parameter: chosen[parameter.name])

    def last_beat(self, attempt: Attempt) -> object:
        """Return what changes whenever the worker of an attempt says that it is alive."""
        return self._frozen(attempt.attempt).user_attrs.get(_BEAT)

    def kept_plan(self) -> str | None:
        """Return what `keep_plan` kept, None if nobody did."""
        return _kept_plan(self._study)

    def keep_plan(self, text: str) -> None:
        """Keep the text of study.json beside the trials, for workers that do not share the folder."""
        self._study.set_user_attr(_PLAN, text)

    def _end(self, attempt: Attempt, state: TrialState, values: list[float] | None) -> None:
        self._study.tell(attempt.attempt, values, state, skip_if_finished=True)
        self._live.pop(attempt.attempt, None)
        self.refresh()

    def _frozen(self, attempt: int) -> FrozenTrial:
        return self._study.get_trials(deepcopy=False)[attempt]

    def _trial(self, attempt: Attempt) -> optuna.trial.Trial:
        if attempt.attempt not in self._live:
            self._live[attempt.attempt] = optuna.trial.Trial(self._study, self._frozen(attempt.attempt)._trial_id)
        return self._live[attempt.attempt]


def read_kept_plan(store: "JournalStore | DatabaseStore", name: str) -> str | None:
    """Return the text that `Search.keep_plan` kept with the study of that name; None if there is no such study."""
    names = [summary.study_name for summary in optuna.get_all_study_summaries(store.storage, include_best_trial=False)]
    return _kept_plan(optuna.load_study(study_name=name, storage=store.storage)) if name in names else None


def seed_of(*parts: object) -> int:
    """Return a number below 2**31 that stands for `parts`."""
    return int(fingerprint_of(*(str(part) for part in parts))[:8], 16) >> 1


def _suggest(trial: optuna.trial.Trial, parameter: Parameter) -> float | str:
    domain = parameter.domain
    if not isinstance(domain, Number):
        return str(trial.suggest_categorical(parameter.name, domain.texts))
    if domain.whole:
        low, high, step = int(domain.low), int(domain.high), int(domain.step or 1)
        return trial.suggest_int(parameter.name, low, high, step=step, log=domain.log)
    return trial.suggest_float(parameter.name, domain.low, domain.high, step=domain.step, log=domain.log)


def _kept_plan(study: optuna.Study) -> str | None:
    kept = study.user_attrs.get(_PLAN)
    return None if kept is None else str(kept)
