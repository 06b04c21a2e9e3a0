"""The search: which parameters come next and which trial is hopeless, as Optuna sees it.

Optuna counts attempts; a trial that was interrupted or is tried again is a new
attempt with the number, the seed and the folder of the first one.
"""

import logging
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import Any

import optuna
from optuna.trial import FrozenTrial, TrialState

from ml_skeleton.artifacts.files import fingerprint_of
from ml_skeleton.errors import UsageError, UserError
from ml_skeleton.tuning.objective import Direction, Point
from ml_skeleton.tuning.space import Number, Parameter, Setting, Space, nearest
from ml_skeleton.tuning.storage import DIRECTIONS, open_storage
from ml_skeleton.tuning.trial_folder import State

_STATES: dict[State, TrialState] = {
    "complete": TrialState.COMPLETE,
    "pruned": TrialState.PRUNED,
    "failed": TrialState.FAIL,
    "infeasible": TrialState.FAIL,
}
_PRUNERS = {
    "median": "MedianPruner",
    "asha": "SuccessiveHalvingPruner",
    "hyperband": "HyperbandPruner",
    "none": "NopPruner",
}
_SAMPLERS = {"tpe": "TPESampler", "random": "RandomSampler", "gp": "GPSampler", "cmaes": "CmaEsSampler"}
_SAMPLER_NEEDS = {"GPSampler": ("scipy", "torch"), "CmaEsSampler": ("cmaes",)}


@dataclass(frozen=True)
class SearchSettings:
    """How to search."""

    sampler: str  # tpe, random, gp, cmaes, or a class of Optuna
    pruner: str  # median, asha, hyperband, none, or a class of Optuna
    seed: int
    parallel: bool = False
    storage: str | None = None  # URL of a database; None: the journal in the study's folder
    name: str = "study"  # in that database


@dataclass(frozen=True)
class Attempt:
    """One go at a trial."""

    number: int  # of the trial
    attempt: int  # of Optuna
    failures: int  # of earlier attempts
    interruptions: int  # that the command itself reported
    chosen: dict[str, Any]  # what was suggested, as Optuna keeps it


class Search:
    """A study of Optuna in a journal file, in a database, or in memory."""

    def __init__(
        self, place: Path | str | None, space: Space, direction: Direction, settings: SearchSettings, study: str
    ) -> None:
        """Open the journal or database, or begin one; `study` is the fingerprint that the sampler's seed hangs on."""
        optuna.logging.set_verbosity(logging.WARNING)
        self._space = space
        self._study = optuna.create_study(
            storage=open_storage(place) if place else None,
            study_name=settings.name,
            direction=DIRECTIONS[direction],
            pruner=_made(optuna.pruners, _PRUNERS.get(settings.pruner, settings.pruner), "Pruner"),
            load_if_exists=True,
        )
        attempts = self._study.get_trials(deepcopy=False)
        self._study.sampler = _sampler(settings, seed_of(settings.seed, study, len(attempts), "worker 0"))
        self._live: dict[int, optuna.trial.Trial] = {}
        newest = {attempt_of(trial).number: trial for trial in attempts}
        self._newest = {number: trial.number for number, trial in newest.items()}
        self.finished = {number for number, trial in newest.items() if trial.state.is_finished()}

    def ask(self) -> tuple[Attempt, dict[str, Setting]]:
        """Return the next attempt and its settings; one that was queued again comes first."""
        trial = self._study.ask()
        settings = self._space.settle(lambda parameter: _suggest(trial, parameter))
        attempt = attempt_of(trial)
        self._live[attempt.attempt] = trial
        self._newest[attempt.number] = attempt.attempt
        return attempt, settings

    def report(self, attempt: Attempt, points: list[Point]) -> None:
        """Pass on what a trial has reached so far."""
        for point in points:
            self._live[attempt.attempt].report(point.value, point.step)

    def hopeless(self, attempt: Attempt) -> bool:
        """Tell whether the pruner would end the trial at the last point it reached."""
        return self._live[attempt.attempt].should_prune()

    def tell(self, attempt: Attempt, state: State, value: float | None) -> None:
        """Say how a trial ended."""
        values = value if state == "complete" else None
        self._study.tell(attempt.attempt, values, _STATES[state], skip_if_finished=True)
        self._live.pop(attempt.attempt, None)
        self.finished.add(attempt.number)

    def again(self, attempt: Attempt, failures: int, interruptions: int) -> None:
        """Queue the trial of an attempt again, with the same parameters, and end the attempt.

        The new one is queued first: a crash in between leaves an attempt that is
        found running, and is then ended because a newer one exists.
        """
        if self.is_newest(attempt):
            carried = {"trial": attempt.number, "failures": failures, "interruptions": interruptions}
            self._study.enqueue_trial(attempt.chosen, user_attrs=carried)
            self._newest[attempt.number] = len(self._study.get_trials(deepcopy=False)) - 1
        self._study.tell(attempt.attempt, state=TrialState.FAIL, skip_if_finished=True)
        self._live.pop(attempt.attempt, None)

    def is_newest(self, attempt: Attempt) -> bool:
        """Tell whether no later attempt at the same trial exists."""
        return self._newest[attempt.number] == attempt.attempt

    def knows(self, number: int) -> bool:
        """Tell whether there was an attempt at that trial."""
        return number in self._newest

    def running(self) -> list[Attempt]:
        """Return the attempts that nobody has ended; all of them dead when a study is opened."""
        return [attempt_of(trial) for trial in self._study.get_trials(deepcopy=False, states=(TrialState.RUNNING,))]


def seed_of(*parts: object) -> int:
    """Return a number below 2**31 that stands for `parts`."""
    return int(fingerprint_of(*(str(part) for part in parts))[:8], 16) >> 1


def attempt_of(trial: optuna.trial.Trial | FrozenTrial) -> Attempt:
    """Return which go at which trial an attempt of Optuna is."""
    kept = trial.user_attrs
    return Attempt(
        number=kept.get("trial", trial.number),
        attempt=trial.number,
        failures=kept.get("failures", 0),
        interruptions=kept.get("interruptions", 0),
        chosen=dict(trial.params),
    )


def _suggest(trial: optuna.trial.Trial, parameter: Parameter) -> float | str:
    domain = parameter.domain
    if not isinstance(domain, Number):
        return str(trial.suggest_categorical(parameter.name, domain.texts))
    if domain.whole:
        low, high, step = int(domain.low), int(domain.high), int(domain.step or 1)
        return trial.suggest_int(parameter.name, low, high, step=step, log=domain.log)
    return trial.suggest_float(parameter.name, domain.low, domain.high, step=domain.step, log=domain.log)


def _sampler(settings: SearchSettings, seed: int) -> optuna.samplers.BaseSampler:
    name = _SAMPLERS.get(settings.sampler, settings.sampler)
    for package in _SAMPLER_NEEDS.get(name, ()):
        if find_spec(package) is None:  # Optuna itself would find out in the middle of the study
            raise UserError(f"sampler {settings.sampler}: needs the package {package}; install it first")
    parallel = {"constant_liar": settings.parallel} if name == "TPESampler" else {}
    sampler: optuna.samplers.BaseSampler = _made(optuna.samplers, name, "Sampler", seed=seed, **parallel)
    return sampler


def _made(module: ModuleType, name: str, ending: str, **arguments: Any) -> Any:
    """Return an object of a class of Optuna; raise UsageError for one that does not exist or wants to know more."""
    known = sorted(one for one in dir(module) if one.endswith(ending) and not one.startswith("Base"))
    if name not in known:
        raise UsageError(f"{ending.lower()} {name}: Optuna has no such class{nearest(name, known)}")
    try:
        return getattr(module, name)(**arguments)
    except TypeError as error:
        raise UsageError(f"{ending.lower()} {name}: cannot be made without further settings: {error}") from None
