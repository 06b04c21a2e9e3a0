"""The Pareto front: the trials that no other trial beats in every objective."""

from collections.abc import Sequence
from typing import Protocol, TypeVar

from ml_skeleton.tuning.objective import Objective


class Valued(Protocol):
    """Has one value for each objective."""

    @property
    def values(self) -> list[float]: ...


T = TypeVar("T", bound=Valued)


def pareto_front(trials: Sequence[T], objectives: Sequence[Objective]) -> list[T]:
    """Return the trials that no other is at least as good as in all objectives and better in one.

    Sorted by the first objective, the best first; of trials with the same values the first stays.
    """
    front: list[tuple[list[float], T]] = []
    costs = [[one.cost(value) for one, value in zip(objectives, trial.values, strict=True)] for trial in trials]
    for cost, trial in sorted(zip(costs, trials, strict=True), key=lambda pair: pair[0]):
        if not any(all(a <= b for a, b in zip(better, cost, strict=True)) for better, _ in front):
            front.append((cost, trial))
    return [trial for _, trial in front]
