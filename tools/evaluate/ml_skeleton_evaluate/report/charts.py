"""Charts: three kinds of pictures of figures with intervals, each with its numbers as a table."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from ml_skeleton.artifacts.evaluations import Figure

from ml_skeleton_evaluate.report.drawing import Plane, Point
from ml_skeleton_evaluate.report.html import Picture, shown

ROW_HEIGHT = 24
NAMES_WIDTH = 160
SIZE = (440, 300)
ROOM = 0.06  # of the range, left free beyond the outermost interval


@dataclass(frozen=True)
class Row:
    """A named figure."""

    name: str
    figure: Figure
    look: str = "other"
    remark: str = ""


@dataclass(frozen=True)
class Marked:
    """A figure over a value, such as a number of ratings."""

    at: float
    figure: Figure
    remark: str = ""


def rows_chart(
    title: str,
    caption: str,
    rows: Sequence[Row],
    axis: str,
    zero: float | None = 0.0,
    within: Sequence[Figure] = (),
) -> Picture:
    """Return figures below each other with their intervals; a figure that is not defined has a row and no dot.

    The axis holds also the figures `within`, so that pictures of one kind share it.
    """
    ends = [end for figure in [*(row.figure for row in rows), *within] for end in _ends(figure)]
    ends += [] if zero is None else [zero]
    plane = Plane(_range(ends), (max(len(rows), 1), 0), (axis, ""), (460, ROW_HEIGHT * len(rows) + 54), NAMES_WIDTH)
    plane.x_ticks()
    plane.y_ticks([(place + 0.5, row.name) for place, row in enumerate(rows)])
    if zero is not None:
        plane.line([(zero, 0), (zero, len(rows))], "zero")
    for place, row in enumerate(rows):
        _figure(plane, row.figure, place + 0.5, row.look, f"{row.name}: {shown(row.figure)} {row.remark}")
    numbers = [(row.name, shown(row.figure), row.remark) for row in rows]
    return Picture(title, caption, plane.svg(title), ("", axis, ""), numbers)


def curve_chart(
    title: str,
    caption: str,
    points: Sequence[Marked],
    axes: tuple[str, str],
    ranges: tuple[Point | None, Point | None] = (None, None),
    reference: Sequence[Point] = (),
    labels: Sequence[str] | None = None,
) -> Picture:
    """Return figures over values, joined by a line, with a `reference` line to compare with."""
    ends = [end for point in points for end in _ends(point.figure)] + [y for _, y in reference]
    x_range = ranges[0] or _range([point.at for point in points])
    plane = Plane(x_range, ranges[1] or _range(ends), axes, SIZE)
    plane.x_ticks(list(zip([point.at for point in points], labels, strict=True)) if labels else None)
    plane.y_ticks()
    if reference:
        plane.line(reference, "zero")
    known = [(point.at, point.figure.value) for point in points if point.figure.value is not None]
    if known:
        plane.line(known, "model")
    for point in points:
        if point.figure.value is not None:
            low, high = point.figure.low, point.figure.high
            if low is not None and high is not None:
                plane.line([(point.at, low), (point.at, high)], "model")
            plane.dot((point.at, point.figure.value), "model", f"{shown(point.figure)} {point.remark}")
    names = labels or [f"{point.at:.4g}" for point in points]
    numbers = [(name, shown(point.figure), point.remark) for name, point in zip(names, points, strict=True)]
    return Picture(title, caption, plane.svg(title), (*axes, ""), numbers)


def grid_chart(
    title: str, caption: str, counts: npt.NDArray[np.int64], names: Sequence[str], axes: tuple[str, str]
) -> Picture:
    """Return how often (R, C) the name on the left came with the name below; rows and columns have the same names."""
    size = len(names)
    plane = Plane((0, size), (0, size), axes, (440, 380))
    plane.x_ticks([(place + 0.5, name) for place, name in enumerate(names)])
    plane.y_ticks([(place + 0.5, name) for place, name in enumerate(names)])
    most = np.maximum(counts.sum(axis=1, keepdims=True), 1)
    for row, column in zip(*np.nonzero(counts), strict=True):
        count, share = int(counts[row, column]), float(counts[row, column] / most[row, 0])
        hint = f"{axes[1]} {names[row]}, {axes[0]} {names[column]}: {count}"
        plane.box(((column, row), (column + 1, row + 1)), "cell", hint, share)
        plane.write((column + 0.5, row + 0.5), str(count), "middle count")
    plane.line([(0, 0), (size, size)], "zero")
    numbers = [(name, *map(str, line)) for name, line in zip(names, counts.tolist(), strict=True)]
    return Picture(title, caption, plane.svg(title), ("", *names), numbers)


def _figure(plane: Plane, figure: Figure, y: float, look: str, hint: str) -> None:
    if figure.value is None:
        return
    if figure.low is not None and figure.high is not None:
        plane.line([(figure.low, y), (figure.high, y)], look)
    plane.dot((figure.value, y), look, hint.strip())


def _ends(figure: Figure) -> list[float]:
    return [end for end in (figure.value, figure.low, figure.high) if end is not None]


def _range(values: Sequence[float]) -> Point:
    """Return a range that holds the values, and is one where there is none or only one."""
    low, high = min(values, default=0.0), max(values, default=1.0)
    if high - low < 1e-9:
        low, high = low - 0.5, high + 0.5
    room = ROOM * (high - low)
    return low - room, high + room
