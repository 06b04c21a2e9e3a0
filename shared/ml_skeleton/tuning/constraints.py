"""Constraints: figures of a trial that must not be above or below a bound, such as `size_mb<=50`."""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ml_skeleton.errors import UsageError

_WRITTEN = re.compile(r"\s*(.+?)\s*(<=|>=)\s*(\S+)\s*")


@dataclass(frozen=True)
class Constraint:
    """`metric` has to be at most, or at least, `bound`."""

    metric: str
    relation: str  # <= or >=
    bound: float

    def violation(self, metrics: Mapping[str, float]) -> float:
        """Return by how much a trial is beyond the bound, negative within; NaN where the figure is missing."""
        beyond = metrics.get(self.metric, math.nan) - self.bound
        return beyond if self.relation == "<=" else -beyond

    def __str__(self) -> str:
        return f"{self.metric}{self.relation}{repr(self.bound).removesuffix('.0')}"


def parse_constraint(written: str) -> Constraint:
    """Return the constraint of `--constraint 'NAME<=NUMBER'`; raise UsageError for anything else."""
    found = _WRITTEN.fullmatch(written)
    try:
        bound = float(found[3]) if found else math.nan
    except ValueError:
        bound = math.nan
    if found is None or not math.isfinite(bound):
        raise UsageError(f"--constraint {written}: expected NAME<=NUMBER or NAME>=NUMBER, such as 'size_mb<=50'")
    return Constraint(found[1], found[2], bound)


def missing_figure(constraints: Sequence[Constraint], metrics: Mapping[str, float]) -> str:
    """Return why a trial cannot be held against its constraints, nothing if it can."""
    missing = [one for one in constraints if one.metric not in metrics]
    return f"no {missing[0].metric}, which --constraint {missing[0]} needs" if missing else ""


def broken_in_words(constraints: Sequence[Constraint], metrics: Mapping[str, float]) -> str:
    """Return which constraints a trial breaks and with which figures; nothing if none."""
    broken = [one for one in constraints if one.violation(metrics) > 0]
    return ", ".join(f"{one.metric} is {metrics[one.metric]:g}, wanted {one}" for one in broken)
