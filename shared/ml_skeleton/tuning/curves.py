"""The curves of a trial: what each figure was at each step."""

import math

from ml_skeleton.artifacts.metrics import MetricsReader
from ml_skeleton.tuning.objective import NEWEST_OUTPUT_BYTES, Point, as_number, figures_of
from ml_skeleton.tuning.trial_folder import TrialFolder


def read_curves(folder: TrialFolder) -> dict[str, list[Point]]:
    """Return the points of each figure in the order of their lines, from the metrics file or else from the output."""
    lines = MetricsReader(folder.metrics).read_new() or MetricsReader(folder.stdout, NEWEST_OUTPUT_BYTES).read_new()
    curves: dict[str, list[Point]] = {}
    for line in lines:
        step = as_number(line.get("step"))
        if math.isfinite(step):
            for name, value in figures_of(line).items():
                curves.setdefault(name, []).append(Point(int(step), value))
    return curves
