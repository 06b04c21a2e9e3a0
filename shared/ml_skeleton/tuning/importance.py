"""Which parameters matter: PED-ANOVA (Watanabe et al. 2023, 2026 for parameters that are not in every trial)."""

import logging
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field
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

from ml_skeleton.tuning.objective import Objective
from ml_skeleton.tuning.records import TrialRecord
from ml_skeleton.tuning.space import Number, Parameter
from ml_skeleton.tuning.study import Plan

FEWEST_TRIALS = 10
_TOP_TRIALS = 5  # at least, of those that count as good; fewer make the estimate unstable
_TOP_SHARE = 0.1  # the method's own default, where it has enough trials


@dataclass(frozen=True)
class Importance:
    """The share of each parameter in what tells good trials from the others, or why that cannot be said."""

    trials: int  # that are complete
    top: int = 0  # of them count as good
    shares: dict[str, float] = field(default_factory=dict)  # they sum to 1, the largest first
    lack: str = ""


def importance(plan: Plan, trials: Sequence[TrialRecord], position: int) -> Importance:
    """Return what matters for the objective at `position` of the plan."""
    objective = plan.objectives[position]
    complete = [trial for trial in trials if trial.state == "complete" and len(trial.values) == len(plan.objectives)]
    searched = [parameter for parameter in plan.space if not _distribution(parameter).single()]
    values = [trial.values[position] for trial in complete]
    if len(searched) < 2:
        return Importance(len(complete), lack="there is nothing to compare: fewer than two parameters vary")
    if len(complete) < FEWEST_TRIALS:
        return Importance(
            len(complete), lack=f"{len(complete)} trials are complete, and at least {FEWEST_TRIALS} are needed"
        )
    if min(values) == max(values):
        return Importance(len(complete), lack=f"{objective.metric} is the same in all trials")
    share = max(_TOP_SHARE, min(0.5, _TOP_TRIALS / len(complete)))
    frozen = [_frozen(trial, searched) for trial in complete]
    return Importance(len(complete), round(share * len(complete)), _shares(frozen, objective, position, share))


def _shares(trials: Sequence[FrozenTrial], objective: Objective, position: int, top: float) -> dict[str, float]:
    optuna.logging.set_verbosity(logging.WARNING)
    study = optuna.create_study(directions=["minimize"] * len(trials[0].values))
    study.add_trials(trials)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it says what `target` is for, and how few trials are few
        found = get_param_importances(
            study,
            evaluator=PedAnovaImportanceEvaluator(target_quantile=top),
            target=lambda trial: objective.cost(trial.values[position]),
        )
    return dict(sorted(found.items(), key=lambda pair: -pair[1]))


def _frozen(trial: TrialRecord, searched: Sequence[Parameter]) -> FrozenTrial:
    there = [parameter for parameter in searched if parameter.name in trial.params]
    return create_trial(
        params={parameter.name: _kept(parameter, trial.params[parameter.name]) for parameter in there},
        distributions={parameter.name: _distribution(parameter) for parameter in there},
        values=trial.values,
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
