"""Parallel coordinates: a line for each trial across an axis for each parameter."""

import math
from collections.abc import Sequence
from typing import Any

from ml_skeleton.pages.text import label, plain
from ml_skeleton.tuning.records import TrialRecord
from ml_skeleton.tuning.space import Number, Parameter

from ml_skeleton_tune.plot.figures import Figure
from ml_skeleton_tune.plot.study import SeenStudy

_MOST_AXES = 15
_TICKS = 6
_BEST_TO_WORST = [[0.0, "#d97706"], [0.2, "#c2708a"], [0.5, "#8b7fc0"], [1.0, "#5b8fb5"]]


def parallel_coordinates(study: SeenStudy) -> list[Figure]:
    """Return the parameters and objectives of the complete trials, coloured by the rank of the first objective."""
    trials = study.complete
    shares = study.importances[0].shares
    searched = sorted(study.searched, key=lambda parameter: -shares.get(parameter.name, 0.0))[:_MOST_AXES]
    if len(trials) < 2 or not searched:
        return []
    dimensions = [_objective(study, trials, position) for position in range(len(study.objectives))]
    dimensions += [_parameter(parameter, trials) for parameter in searched]
    color = _ranks([study.plan.objective.cost(trial.values[0]) for trial in trials])
    data = {"type": "parcoords", "dimensions": dimensions, "line": {"color": color, "colorscale": _BEST_TO_WORST}}
    note = (
        "Orange: the best trials. Drag along an axis to keep the lines that pass there, click it to let go; "
        "drag a name to move the axis. A dash means that the trial does not have the parameter."
    )
    return [Figure("Parallel coordinates", note, [data], {"margin": {"l": 90, "r": 60, "t": 60, "b": 30}}, wide=True)]


def _objective(study: SeenStudy, trials: Sequence[TrialRecord], position: int) -> dict[str, Any]:
    values = [trial.values[position] for trial in trials]
    name = study.objectives[position].metric
    if min(values) > 0 and max(values) / min(values) > 1e3:
        return _axis(name, [math.log10(value) for value in values], _log_ticks(min(values), max(values)))
    return {"label": label(name, 24), "values": values}


def _parameter(parameter: Parameter, trials: Sequence[TrialRecord]) -> dict[str, Any]:
    domain = parameter.domain
    if isinstance(domain, Number):
        ticks = _log_ticks(domain.low, domain.high) if domain.log else _linear_ticks(domain)
    else:
        ticks = [(float(place), plain(text, 20)) for place, text in enumerate(domain.texts)]
    name = parameter.name
    places = [_place(parameter, trial.params[name]) if name in trial.params else None for trial in trials]
    return _with_absent(name, places, ticks)


def _place(parameter: Parameter, value: Any) -> float:
    domain = parameter.domain
    if isinstance(domain, Number):
        return math.log10(value) if domain.log else float(value)
    return float(domain.texts.index(parameter.text_for(value)))


def _with_absent(name: str, places: Sequence[float | None], ticks: list[tuple[float, str]]) -> dict[str, Any]:
    low, high = ticks[0][0], ticks[-1][0]
    below = low - 0.15 * (high - low or 1.0)
    if None in places:
        ticks = [(below, "—"), *ticks]
    return _axis(name, [below if place is None else place for place in places], ticks)


def _axis(name: str, places: Sequence[float], ticks: Sequence[tuple[float, str]]) -> dict[str, Any]:
    ends = [*places, *(place for place, _ in ticks)]
    return {
        "label": label(name, 24),
        "values": list(places),
        "range": [min(ends), max(ends)] if min(ends) < max(ends) else [min(ends) - 1, max(ends) + 1],
        "tickvals": [place for place, _ in ticks],
        "ticktext": [text for _, text in ticks],
    }


def _linear_ticks(domain: Number) -> list[tuple[float, str]]:
    places = [domain.low + (domain.high - domain.low) * step / (_TICKS - 1) for step in range(_TICKS)]
    if domain.whole:
        places = [float(round(place)) for place in places]
    return [(place, f"{place:.6g}" if domain.whole else f"{place:.3g}") for place in dict.fromkeys(places)]


def _log_ticks(low: float, high: float) -> list[tuple[float, str]]:
    """Return the ends and the powers of ten between them, thinned out."""
    powers = [float(power) for power in range(math.ceil(math.log10(low)), math.floor(math.log10(high)) + 1)]
    inner = [power for power in powers if low * 1.3 < 10**power < high / 1.3][:: max(1, len(powers) // _TICKS)]
    places = [math.log10(low), *inner, math.log10(high)]
    return [(place, f"{10**place:.3g}") for place in dict.fromkeys(places)]


def _ranks(costs: Sequence[float]) -> list[float]:
    """Return 0 for the best to 1 for the worst, evenly, so that one absurd value does not take all the colours."""
    order = sorted(range(len(costs)), key=lambda index: costs[index])
    places = {index: place / max(1, len(costs) - 1) for place, index in enumerate(order)}
    return [places[index] for index in range(len(costs))]
