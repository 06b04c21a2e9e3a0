"""Which parameters matter, or why that cannot be said."""

from collections.abc import Sequence
from dataclasses import dataclass, field

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
    searched = [parameter for parameter in plan.space if _varies(parameter)]
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
    from ml_skeleton.tuning.ped_anova import shares_of  # here, as it imports scikit-learn where that is installed

    costs = [objective.cost(value) for value in values]
    return Importance(len(complete), round(share * len(complete)), shares_of(searched, complete, costs, share))


def _varies(parameter: Parameter) -> bool:
    domain = parameter.domain
    return domain.low < domain.high if isinstance(domain, Number) else len(domain.texts) > 1
