"""Figures for plotly: data and layout as plain dictionaries, colours that are seen on light and on dark."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ml_skeleton.pages.text import label
from ml_skeleton.tuning.space import Number, Parameter

BLUE, ORANGE, GREY, RED = "#4285d6", "#d97706", "#80868f", "#d1495b"
_GOLDEN = 0.618  # its multiples spread evenly, and the same way each time
_LEVEL_TEXT = 8  # letters of an option that stand beside those of the next one
_LOG_ABOVE = 1e3  # the ratio of the largest to the smallest value from which a linear axis hides most of them

Trace = dict[str, Any]


@dataclass(frozen=True)
class Figure:
    """A chart of the page."""

    title: str
    note: str  # how to read it
    data: Sequence[Trace]
    layout: Mapping[str, Any]
    wide: bool = False


def points(name: str, trials: Sequence[int], x: Sequence[Any], y: Sequence[Any], **marker: Any) -> Trace:
    """Return one mark for each trial; a click on it leads to the trial in the table."""
    return {
        "type": "scatter",
        "mode": "markers",
        "name": name,
        "x": list(x),
        "y": list(y),
        "customdata": list(trials),
        "hovertemplate": "trial %{customdata}<br>%{x:.6~g}, %{y:.6~g}<extra></extra>",
        "marker": {"size": 7, "opacity": 0.75, **marker},
    }


def line(name: str, x: Sequence[Any], y: Sequence[Any], color: str, **more: Any) -> Trace:
    """Return a line; None interrupts it."""
    style = {"color": color, "width": 2}
    return {"type": "scatter", "mode": "lines", "name": name, "x": list(x), "y": list(y), "line": style, **more}


def value_axis(title: str, values: Sequence[float]) -> dict[str, Any]:
    """Return an axis for the values of a metric, logarithmic where they span orders of magnitude."""
    positive = values and min(values) > 0 and max(values) / min(values) > _LOG_ABOVE
    return {
        "title": {"text": label(title)},
        "type": "log" if positive else "linear",
        "automargin": True,
        "exponentformat": "power",
    }


def count_axis(title: str, largest: int) -> dict[str, Any]:
    """Return an axis for the numbers of trials or steps, with ticks at whole ones."""
    axis: dict[str, Any] = {"title": {"text": title}}
    return axis | {"dtick": 1} if largest <= 10 else axis


def parameter_axis(parameter: Parameter) -> dict[str, Any]:
    """Return an axis for the values of a parameter, options in their order."""
    axis: dict[str, Any] = {"title": {"text": label(parameter.name)}, "automargin": True}
    domain = parameter.domain
    if isinstance(domain, Number):
        low, high = (math.log10(end) if domain.log else end for end in (domain.low, domain.high))
        margin = 0.04 * (high - low) or 0.5
        scale: dict[str, Any] = {"type": "log", "exponentformat": "power"} if domain.log else {"type": "linear"}
        if domain.log or domain.whole:
            scale |= {"dtick": max(1, round((high - low) / 6))}  # powers of ten, or whole numbers
        return axis | scale | {"range": [low - margin, high + margin]}
    places = list(range(len(domain.texts)))
    texts = [label(text, 24) for text in domain.texts]
    angle = -35 if max(map(len, domain.texts)) > _LEVEL_TEXT else 0  # to the left, where there is room
    ticks = {"tickvals": places, "ticktext": texts, "tickangle": angle}
    return axis | ticks | {"type": "linear", "range": [-0.5, len(places) - 0.5]}


def place_on_axis(parameter: Parameter, value: Any, trial: int) -> float:
    """Return where a value stands on `parameter_axis`; of options beside it, or the trials would hide each other."""
    if isinstance(parameter.domain, Number):
        return float(value)
    return parameter.domain.texts.index(parameter.text_for(value)) + 0.4 * (trial * _GOLDEN % 1 - 0.5)
