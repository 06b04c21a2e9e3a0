"""The search: which parameters come next and which trial is hopeless. All that knows Optuna is here.

Optuna counts attempts; a trial that was interrupted or is tried again is a new
attempt with the number, the seed and the folder of the first one.
"""

import fcntl
import json
import logging
import os
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any, BinaryIO

import optuna
from optuna.storages.journal import JournalFileBackend, JournalStorage
from optuna.trial import FrozenTrial, TrialState

from ml_skeleton.artifacts.files import fingerprint_of
from ml_skeleton.errors import UserError
from ml_skeleton.tuning.objective import Direction, Point
from ml_skeleton.tuning.space import Number, Parameter, Setting, Space
from ml_skeleton.tuning.trial_folder import State

_STUDY_NAME = "study"
_CREATE_TRIAL, _SET_TRIAL_STATE = 4, 6  # operations of Optuna's journal that must survive a power failure
_STATES: dict[State, TrialState] = {
    "complete": TrialState.COMPLETE,
    "pruned": TrialState.PRUNED,
    "failed": TrialState.FAIL,
    "infeasible": TrialState.FAIL,
}
_PRUNERS = {
    "median": optuna.pruners.MedianPruner,
    "asha": optuna.pruners.SuccessiveHalvingPruner,
    "hyperband": optuna.pruners.HyperbandPruner,
    "none": optuna.pruners.NopPruner,
}
_SAMPLER_NEEDS = {"gp": ("scipy", "torch"), "cmaes": ("cmaes",)}


@dataclass(frozen=True)
class SearchSettings:
    """How to search."""

    sampler: str  # tpe, random, gp or cmaes
    pruner: str  # median, asha, hyperband or none
    seed: int
    parallel: bool = False


@dataclass(frozen=True)
class Attempt:
    """One go at a trial."""

    number: int  # of the trial
    attempt: int  # of Optuna
    failures: int  # of earlier attempts
    interruptions: int  # that the command itself reported
    chosen: dict[str, Any]  # what was suggested, as Optuna keeps it


class Search:
    """A study of Optuna in a journal file, or in memory."""

    def __init__(
        self, journal: Path | None, space: Space, direction: Direction, settings: SearchSettings, study: str
    ) -> None:
        """Open the journal, or begin one; `study` is the fingerprint that the sampler's seed hangs on."""
        optuna.logging.set_verbosity(logging.WARNING)
        self._space = space
        self._study = optuna.create_study(
            storage=JournalStorage(_Journal(journal)) if journal else None,
            study_name=_STUDY_NAME,
            direction="minimize" if direction == "min" else "maximize",
            pruner=_PRUNERS[settings.pruner](),
            load_if_exists=True,
        )
        attempts = self._study.get_trials(deepcopy=False)
        self._study.sampler = _sampler(settings, seed_of(settings.seed, study, len(attempts), "worker 0"))
        self._live: dict[int, optuna.trial.Trial] = {}
        newest = {_attempt(trial).number: trial for trial in attempts}
        self._newest = {number: trial.number for number, trial in newest.items()}
        self.finished = {number for number, trial in newest.items() if trial.state.is_finished()}

    def ask(self) -> tuple[Attempt, dict[str, Setting]]:
        """Return the next attempt and its settings; one that was queued again comes first."""
        trial = self._study.ask()
        settings = self._space.settle(lambda parameter: _suggest(trial, parameter))
        attempt = _attempt(trial)
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
        return [_attempt(trial) for trial in self._study.get_trials(deepcopy=False, states=(TrialState.RUNNING,))]


def seed_of(*parts: object) -> int:
    """Return a number below 2**31 that stands for `parts`."""
    return int(fingerprint_of(*(str(part) for part in parts))[:8], 16) >> 1


def _attempt(trial: optuna.trial.Trial | FrozenTrial) -> Attempt:
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
    for package in _SAMPLER_NEEDS.get(settings.sampler, ()):
        if find_spec(package) is None:  # Optuna itself would find out in the middle of the study
            raise UserError(f"--sampler {settings.sampler}: needs the package {package}; install it first")
    if settings.sampler == "tpe":
        return optuna.samplers.TPESampler(seed=seed, constant_liar=settings.parallel)
    if settings.sampler == "gp":
        return optuna.samplers.GPSampler(seed=seed)
    return (
        optuna.samplers.CmaEsSampler(seed=seed) if settings.sampler == "cmaes" else optuna.samplers.RandomSampler(seed)
    )


class _Journal(JournalFileBackend):
    """Optuna's journal, with a lock that dies with its holder and a sync only where an end is written.

    Optuna's own lock is a file, which a killed process leaves behind for 30 s.
    """

    def __init__(self, path: Path) -> None:
        super().__init__(str(path))
        self._journal = path

    def append_logs(self, logs: list[dict[str, Any]]) -> None:
        text = "".join(json.dumps(log, separators=(",", ":")) + "\n" for log in logs)
        try:
            with open(self._journal, "r+b") as file:
                fcntl.flock(file, fcntl.LOCK_EX)
                _drop_half_line(file)
                file.write(text.encode("utf-8"))
                file.flush()
                if any(log["op_code"] in (_CREATE_TRIAL, _SET_TRIAL_STATE) for log in logs):
                    os.fsync(file.fileno())
        except OSError as error:
            raise UserError(f"{self._journal}: cannot write: {error.strerror}") from None


def _drop_half_line(file: BinaryIO) -> None:
    """Cut off what a full disk or a power failure left of a line, and leave `file` at its end."""
    end = file.seek(0, os.SEEK_END)
    file.seek(max(0, end - 1))
    if end and file.read() != b"\n":
        file.seek(0)
        file.truncate(file.read().rfind(b"\n") + 1)
    file.seek(0, os.SEEK_END)
