"""PED-ANOVA (Watanabe et al. 2023; 2026 for parameters that are not in every trial), as Optuna has it."""

import logging
import warnings
from collections.abc import Sequence
from typing import Any

import optuna
from optuna.distributions import (
    BaseDistribution,
    CategoricalChoiceType,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)
from optuna.importance import PedAnovaImportanceEvaluator, get_param_importances
from optuna.trial import FrozenTrial, create_trial

from ml_skeleton.tuning.records import TrialRecord
from ml_skeleton.tuning.space import Number, Parameter


def shares_of(
    searched: Sequence[Parameter], trials: Sequence[TrialRecord], costs: Sequence[float], top: float
) -> dict[str, float]:
    """Return what each parameter contributes to a trial being among the share `top` with the lowest costs.

    The contributions sum to 1, the largest comes first.
    """
    optuna.logging.set_verbosity(logging.WARNING)
    study = optuna.create_study()
    study.add_trials([_frozen(trial, searched, cost) for trial, cost in zip(trials, costs, strict=True)])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it says which way is up, and how few trials are few
        found = get_param_importances(study, evaluator=PedAnovaImportanceEvaluator(target_quantile=top))
    return dict(sorted(found.items(), key=lambda pair: -pair[1]))


def _frozen(trial: TrialRecord, searched: Sequence[Parameter], cost: float) -> FrozenTrial:
    there = [parameter for parameter in searched if parameter.name in trial.params]
    return create_trial(
        params={parameter.name: _kept(parameter, trial.params[parameter.name]) for parameter in there},
        distributions={parameter.name: _distribution(parameter) for parameter in there},
        value=cost,
    )


def _distribution(parameter: Parameter) -> BaseDistribution:
    domain = parameter.domain
    if not isinstance(domain, Number):
        return CategoricalDistribution(domain.texts)
    if domain.whole:
        return IntDistribution(int(domain.low), int(domain.high), domain.log, int(domain.step or 1))
    return FloatDistribution(domain.low, domain.high, domain.log, domain.step)


def _kept(parameter: Parameter, value: Any) -> CategoricalChoiceType:
    """Return a value as the search has it: of options their text."""
    return value if isinstance(parameter.domain, Number) else parameter.text_for(value)
