"""The charts of values: history, curves, slices, importances, Pareto front."""

from collections.abc import Sequence
from itertools import accumulate, combinations

from ml_skeleton.pages.text import label
from ml_skeleton.tuning.objective import Objective, Point
from ml_skeleton.tuning.records import TrialRecord
from ml_skeleton.tuning.space import Number

from ml_skeleton_tune.plot.figures import (
    BLUE,
    GREY,
    ORANGE,
    RED,
    Figure,
    Trace,
    count_axis,
    line,
    parameter_axis,
    place_on_axis,
    points,
    value_axis,
)
from ml_skeleton_tune.plot.study import SeenStudy

CURVES_SHOWN = 80
POINTS_PER_CURVE = 200
_MOST_COLUMNS = 12  # slices; more parameters than that are seen in the parallel coordinates


def history(study: SeenStudy) -> list[Figure]:
    """Return the values in the order of the trials, a figure for each objective."""
    return [_history(study, position) for position in range(len(study.objectives))] if study.complete else []


def _history(study: SeenStudy, position: int) -> Figure:
    objective = study.objectives[position]
    kept = [trial for trial in study.complete if trial.feasible]
    broken = [trial for trial in study.complete if not trial.feasible]
    pruned = [trial for trial in study.trials if trial.state == "pruned" and study.curves[trial.trial]]
    data = [_values("complete", kept, position, color=BLUE)]
    if broken:
        data.append(_values("breaks a constraint", broken, position, color=RED, symbol="x"))
    shown = [trial.values[position] for trial in study.complete]
    if position == 0 and pruned:
        reached = [study.curves[trial.trial][-1].value for trial in pruned]
        numbers = [trial.trial for trial in pruned]
        data.append(points("pruned, last value", numbers, numbers, reached, color=GREY, symbol="triangle-down"))
        shown += reached
    if not study.plan.further:
        data.append(_best_so_far(kept, objective))
    layout = {"xaxis": count_axis("trial", study.trials[-1].trial), "yaxis": value_axis(objective.metric, shown)}
    return Figure(label(objective.metric), f"{_wanted(objective)}. Each mark is a trial.", data, layout, wide=True)


def _values(name: str, trials: Sequence[TrialRecord], position: int, **marker: object) -> Trace:
    numbers = [trial.trial for trial in trials]
    return points(name, numbers, numbers, [trial.values[position] for trial in trials], **marker)


def _best_so_far(trials: Sequence[TrialRecord], objective: Objective) -> Trace:
    better = min if objective.direction == "min" else max
    best = list(accumulate((trial.values[0] for trial in trials), better))
    trace = line("best so far", [trial.trial for trial in trials], best, ORANGE)
    trace["line"]["shape"] = "hv"
    return trace | {"hoverinfo": "skip"}


def curves(study: SeenStudy) -> list[Figure]:
    """Return the first objective over the steps: of the best trials, and of the newest."""
    drawn = [trial for trial in study.trials if len(study.curves[trial.trial]) > 1]
    objective = study.plan.objective
    best = sorted(
        (trial for trial in drawn if trial.value is not None), key=lambda trial: objective.cost(trial.value or 0.0)
    )
    chosen = {trial.trial: trial for trial in [*best[: CURVES_SHOWN // 2], *drawn[-CURVES_SHOWN // 2 :]]}
    if not chosen:
        return []
    winner = study.winners[0].trial if study.winners else None
    names = {number: _role(trial, winner) for number, trial in chosen.items()}
    roles = [("complete", BLUE), ("other", RED), ("pruned", GREY), ("running", BLUE), ("best", ORANGE)]
    data = [
        _gathered(name, color, study, [number for number in chosen if names[number] == name]) for name, color in roles
    ]
    values = [point.value for number in chosen for point in study.curves[number]]
    layout = {
        "xaxis": count_axis("step", max(point.step for number in chosen for point in study.curves[number])),
        "yaxis": value_axis(objective.metric, values),
    }
    left = f" {len(chosen)} of {len(drawn)} are drawn: the best, and the newest." if len(chosen) < len(drawn) else ""
    note = f"What each trial reported while it ran.{left}"
    return [Figure("Curves", note, [trace for trace in data if trace["x"]], layout, wide=True)]


def _role(trial: TrialRecord, winner: int | None) -> str:
    known = trial.state in ("complete", "pruned", "running")
    return "best" if trial.trial == winner else trial.state if known else "other"


def _gathered(name: str, color: str, study: SeenStudy, trials: Sequence[int]) -> Trace:
    """Return all curves of a kind as one line with gaps, as a thousand lines are a thousand times the work."""
    x: list[int | None] = []
    y: list[float | None] = []
    numbers: list[int | None] = []
    for number in trials:
        kept = _thinned(study.curves[number])
        x += [*(point.step for point in kept), None]
        y += [*(point.value for point in kept), None]
        numbers += [*(number for _ in kept), None]
    hover = "trial %{customdata}<br>step %{x}: %{y}<extra></extra>"
    trace = line(name, x, y, color, customdata=numbers, hovertemplate=hover)
    trace["line"] |= {"width": 3} if name == "best" else {"width": 1}
    return trace


def _thinned(curve: Sequence[Point]) -> list[Point]:
    stride = -(-len(curve) // POINTS_PER_CURVE)
    return [*curve[:-1:stride], curve[-1]]


def slices(study: SeenStudy) -> list[Figure]:
    """Return the first objective over each parameter, the most important ones first."""
    shares = study.importances[0].shares
    searched = sorted(study.searched, key=lambda parameter: -shares.get(parameter.name, 0.0))[:_MOST_COLUMNS]
    objective, best = study.plan.objective, {trial.trial for trial in study.winners}
    figures = []
    for parameter in searched:
        there = [trial for trial in study.complete if parameter.name in trial.params]
        if not there:
            continue
        data = []
        for name, color, winners in (("complete", BLUE, False), ("best", ORANGE, True)):
            some = [trial for trial in there if (trial.trial in best) == winners]
            x = [place_on_axis(parameter, trial.params[parameter.name], trial.trial) for trial in some]
            size = 11 if winners else 7
            y = [trial.values[0] for trial in some]
            data.append(points(name, [trial.trial for trial in some], x, y, color=color, size=size))
            if not isinstance(parameter.domain, Number):
                data[-1] |= {"hovertemplate": "trial %{customdata}<br>%{y:.6~g}<extra></extra>"}
        values = [trial.values[0] for trial in there]
        layout = {
            "xaxis": parameter_axis(parameter),
            "yaxis": value_axis(objective.metric, values),
            "showlegend": False,
        }
        figures.append(Figure(label(parameter.name), "", data, layout))
    return figures


def importances(study: SeenStudy) -> list[Figure]:
    """Return the share of each parameter, a figure for each objective that has enough trials."""
    figures = []
    for objective, found in zip(study.objectives, study.importances, strict=True):
        if found.lack:
            continue
        shares = list(found.shares.items())[:_MOST_COLUMNS][::-1]  # the largest on top
        bar = {
            "type": "bar",
            "orientation": "h",
            "x": [share for _, share in shares],
            "y": [label(name, 24) for name, _ in shares],
            "text": [f"{share:.0%}" for _, share in shares],
            "textposition": "outside",
            "cliponaxis": False,
            "hoverinfo": "skip",
            "marker": {"color": BLUE},
        }
        layout = {
            "xaxis": {"tickformat": ".0%", "rangemode": "tozero"},
            "yaxis": {"automargin": True, "type": "category"},
            "showlegend": False,
        }
        note = (
            f"What tells the best {found.top} of {found.trials} trials from the others (PED-ANOVA). An estimate: "
            "with few trials it changes with every further one."
        )
        figures.append(Figure(label(objective.metric), note, [bar], layout))
    return figures


def front(study: SeenStudy) -> list[Figure]:
    """Return each pair of objectives with the trials that no other beats in all of them."""
    best = study.winners
    return [_front(study, best, pair) for pair in combinations(range(len(study.objectives)), 2)] if best else []


def _front(study: SeenStudy, best: Sequence[TrialRecord], pair: tuple[int, int]) -> Figure:
    numbers = {trial.trial for trial in best}
    others = [trial for trial in study.complete if trial.trial not in numbers]
    kept, broken = [one for one in others if one.feasible], [one for one in others if not one.feasible]
    data = [_pairs("complete", kept, pair, color=BLUE)]
    if broken:
        data.append(_pairs("breaks a constraint", broken, pair, color=RED, symbol="x"))
    if len(study.objectives) == 2:
        x_values, y_values = ([trial.values[position] for trial in best] for position in pair)
        data.append(line("", x_values, y_values, ORANGE, showlegend=False, hoverinfo="skip"))
    data.append(_pairs("Pareto front", best, pair, color=ORANGE, size=11, opacity=1))
    x, y = (study.objectives[position] for position in pair)
    axes = [
        value_axis(one.metric, [trial.values[at] for trial in study.complete])
        for one, at in zip((x, y), pair, strict=True)
    ]
    title = f"{label(y.metric)} and {label(x.metric)}"
    return Figure(
        title,
        f"{_wanted(x)}; {_wanted(y)}.",
        data,
        {"xaxis": axes[0], "yaxis": axes[1]},
        wide=len(study.objectives) == 2,
    )


def _pairs(name: str, trials: Sequence[TrialRecord], pair: tuple[int, int], **marker: object) -> Trace:
    x, y = ([trial.values[position] for trial in trials] for position in pair)
    return points(name, [trial.trial for trial in trials], x, y, **marker)


def _wanted(objective: Objective) -> str:
    return f"{label(objective.metric)}: {'lower' if objective.direction == 'min' else 'higher'} is better"
