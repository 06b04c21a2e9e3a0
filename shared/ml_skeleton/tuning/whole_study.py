"""A study as a whole: looked at from outside a run, turned round, or handed to somebody else."""

import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import optuna
from optuna.trial import FrozenTrial

from ml_skeleton.tuning.attempts import attempt_of
from ml_skeleton.tuning.objective import Direction
from ml_skeleton.tuning.storage import DIRECTIONS, open_storage


def direction_of(place: Path | str, name: str) -> Direction | None:
    """Return which way is better in a study, or None if there is no such study yet."""
    storage = open_storage(place)
    if name not in optuna.study.get_all_study_names(storage):
        return None
    minimised = optuna.load_study(study_name=name, storage=storage).direction == optuna.study.StudyDirection.MINIMIZE
    return "min" if minimised else "max"


def finished_in(place: Path | str, name: str) -> int:
    """Return how many trials of a study are over, 0 if there is no such study."""
    if direction_of(place, name) is None:
        return 0
    trials = optuna.load_study(study_name=name, storage=open_storage(place)).get_trials(deepcopy=False)
    newest = {attempt_of(trial).number: trial for trial in trials}
    return sum(number >= 0 and trial.state.is_finished() for number, trial in newest.items())


def turn(place: Path | str, name: str, direction: Direction) -> None:
    """Make `direction` the better one in a study whose first trials ran before that was known; nothing else changes."""
    if direction_of(place, name) == direction:
        return
    former = optuna.load_study(study_name=name, storage=open_storage(place)).get_trials()
    if isinstance(place, Path):
        turned = place.with_name(f"{place.name}.turned")
        turned.unlink(missing_ok=True)
        _begin(turned, name, direction).add_trials(former)
        turned.replace(place)
    else:
        optuna.delete_study(study_name=name, storage=open_storage(place))
        _begin(place, name, direction).add_trials(former)


def plain_study(place: Path | str, name: str, choices: Mapping[str, Mapping[str, Any]]) -> optuna.Study:
    """Return a study in memory with one trial per trial, not per attempt, and the choices as the function got them."""
    kept = optuna.load_study(study_name=name, storage=open_storage(place))
    newest = {attempt_of(trial).number: trial for trial in kept.get_trials()}
    study = optuna.create_study(study_name=name, direction=kept.direction)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Choices for a categorical distribution")  # a tuple is one, too
        study.add_trials([_plain_trial(newest[number], choices) for number in sorted(newest) if number >= 0])
    return study


def _begin(place: Path | str, name: str, direction: Direction) -> optuna.Study:
    return optuna.create_study(study_name=name, storage=open_storage(place), direction=DIRECTIONS[direction])


def _plain_trial(trial: FrozenTrial, choices: Mapping[str, Mapping[str, Any]]) -> FrozenTrial:
    for name in choices.keys() & trial.params.keys():
        original = choices[name]
        trial.distributions[name] = optuna.distributions.CategoricalDistribution(tuple(original.values()))
        trial.params[name] = original[trial.params[name]]
    return trial
