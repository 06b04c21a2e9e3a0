"""The objective: which figure of a trial counts, and how it is found in what the command left behind.

The first of these that names the metric decides: `metrics.jsonl` (what the
command appended to $TUNE_METRICS), `metrics.json` in the trial's folder, JSON
lines on standard output, and the regular expression of --regex.
"""

import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from ml_skeleton.artifacts.metrics import MetricsReader
from ml_skeleton.errors import UsageError
from ml_skeleton.tuning.constraints import Constraint, missing_figure
from ml_skeleton.tuning.space import text_of
from ml_skeleton.tuning.trial_folder import TrialFolder

Direction = Literal["min", "max"]
Reduce = Literal["last", "best", "mean"]

NEWEST_OUTPUT_BYTES = 16 << 20  # what is looked at in an output of any length


@dataclass(frozen=True)
class Objective:
    """The metric that is to become small or large."""

    metric: str
    direction: Direction
    reduce: Reduce = "last"
    regex: str | None = None

    def cost(self, value: float) -> float:
        """Return what is small for a good value."""
        return value if self.direction == "min" else -value

    def __str__(self) -> str:
        return f"{self.metric}:{self.direction}"


ANY_METRIC = Objective("", "min")  # no figure is called so: all are shown and none is judged


@dataclass(frozen=True)
class Score:
    """What a trial is worth: a finite value, or the reason why there is none; and all its last figures."""

    value: float | None
    reason: str = ""
    metrics: dict[str, float] = field(default_factory=dict)
    skipped_lines: int = 0
    values: tuple[float, ...] = ()  # of all objectives, if the trial has each


@dataclass(frozen=True)
class Point:
    """The objective at one step of a trial."""

    step: int
    value: float


def parse_objectives(metrics: Sequence[str], reduce: Reduce, regex: str | None) -> tuple[Objective, ...]:
    """Return the objectives of all `-m`; raise UsageError for a metric that is there twice."""
    objectives = tuple(parse_objective(text, reduce, regex) for text in metrics)
    names = [objective.metric for objective in objectives]
    for name in names:
        if names.count(name) > 1:
            raise UsageError(f"-m {name}: is there twice")
    if len(objectives) > 1 and regex:
        raise UsageError("--regex finds one figure; with several -m the command has to print JSON")
    return objectives


def parse_objective(text: str, reduce: Reduce, regex: str | None) -> Objective:
    """Return the objective of `-m NAME:min`; raise UsageError for anything else."""
    metric, _, direction = text.rpartition(":")
    if not metric or direction not in ("min", "max"):
        raise UsageError(f"-m {text}: expected NAME:min or NAME:max, such as val_loss:min")
    try:
        re.compile(regex or "")
    except re.error as error:
        raise UsageError(f"--regex {regex}: not a regular expression: {error}") from None
    return Objective(metric, "min" if direction == "min" else "max", reduce, regex)


class TrialFigures:
    """Reads the figures of one trial, one objective or several."""

    def __init__(self, folder: TrialFolder, objectives: Sequence[Objective]) -> None:
        self._each = [TrialMetrics(folder, objective) for objective in objectives]

    def new_points(self) -> list[Point]:
        """Return the points of the first objective since the last call."""
        return self._each[0].new_points()

    def score(self, constraints: Sequence[Constraint] = ()) -> Score:
        """Return what a trial that has ended is worth: a value only if it has all that is asked of it."""
        scores = [one.score() for one in self._each]
        metrics = {name: figure for score in scores for name, figure in score.metrics.items()}
        lacking = next((score.reason for score in scores if score.value is None), "")
        lacking = lacking or missing_figure(constraints, metrics)
        values = tuple(score.value for score in scores if score.value is not None)
        if lacking:
            return Score(None, lacking, metrics, scores[0].skipped_lines)
        return Score(values[0], "", metrics, scores[0].skipped_lines, values)


class TrialMetrics:
    """Reads the figures of one objective of a trial while it runs and after it."""

    def __init__(self, folder: TrialFolder, objective: Objective) -> None:
        self._folder = folder
        self._objective = objective
        self._file = _Lines(MetricsReader(folder.metrics), objective.metric)
        self._output = _Lines(MetricsReader(folder.stdout, NEWEST_OUTPUT_BYTES), objective.metric)
        self._offered: set[int] = set()

    def new_points(self) -> list[Point]:
        """Return the points since the last call; each step once."""
        points = self._file.read_new()
        if not self._file.count:
            points = self._output.read_new()
        fresh: dict[int, Point] = {}
        for point in points:
            if point.step not in self._offered and math.isfinite(point.value):
                fresh.setdefault(point.step, point)
        self._offered |= fresh.keys()
        return list(fresh.values())

    def score(self) -> Score:
        """Return the value of a trial that has ended."""
        self._file.read_new()
        self._output.read_new()
        summary = _read_summary(self._folder.summary)
        found = [self._file.value(self._objective), summary.get(self._objective.metric, _ABSENT)]
        found += [self._output.value(self._objective), self._matched()]
        value = next((one for one in found if one is not _ABSENT), _ABSENT)
        metrics = self._output.latest | figures_of(summary) | self._file.latest
        skipped = self._file.reader.skipped
        if value is _ABSENT:
            return Score(None, self._absence(metrics), metrics, skipped)
        number = as_number(value)
        if not math.isfinite(number):
            return Score(
                None, f"{self._objective.metric} is {text_of(value)}, expected a finite number", metrics, skipped
            )
        return Score(number, "", metrics | {self._objective.metric: number}, skipped)

    def _matched(self) -> Any:
        for path in (self._folder.stdout, self._folder.stderr) if self._objective.regex else ():
            found = list(re.finditer(self._objective.regex or "", _newest_text(path), re.MULTILINE))
            if found:
                return found[-1][1] if found[-1].re.groups else found[-1][0]
        return _ABSENT

    def _absence(self, metrics: Mapping[str, float]) -> str:
        there = f"found {', '.join(sorted(metrics))}" if metrics else "found no metrics at all"
        skipped = f"; {self._file.reader.skipped} lines are not JSON" if self._file.reader.skipped else ""
        half = [lines.reader.path.name for lines in (self._file, self._output) if lines.reader.unfinished]
        unfinished = f"; the last line of {' and '.join(half)} has no newline at its end" if half else ""
        regex = "; --regex matches nothing" if self._objective.regex else ""
        places = "in $TUNE_METRICS, metrics.json and stdout"
        return f"no {self._objective.metric}: {there} {places}{skipped}{unfinished}{regex}"


class _Absent:
    """Stands for a figure that is not there, as null is one that is."""


_ABSENT = _Absent()


class _Lines:
    """What is known of one source of JSON lines."""

    def __init__(self, reader: MetricsReader, metric: str) -> None:
        self.reader = reader
        self.count = 0
        self.latest: dict[str, float] = {}
        self._metric = metric
        self._result: Any = _ABSENT
        self._values: list[Any] = []

    def read_new(self) -> list[Point]:
        points: list[Point] = []
        for line in self.reader.read_new():
            self.count += 1
            self.latest |= figures_of(line)
            if self._metric not in line:
                continue
            if "step" not in line:
                self._result = line[self._metric]
                continue
            self._values.append(line[self._metric])
            step = as_number(line["step"])
            if step >= 0 and step.is_integer():
                points.append(Point(int(step), as_number(line[self._metric])))
        return points

    def value(self, objective: Objective) -> Any:
        """Return the result, or else what the points come down to."""
        if self._result is not _ABSENT or not self._values:
            return self._result
        if objective.reduce == "last":
            return self._values[-1]
        numbers = [number for number in map(as_number, self._values) if math.isfinite(number)]
        if not numbers:
            return self._values[-1]
        return min(numbers, key=objective.cost) if objective.reduce == "best" else math.fsum(numbers) / len(numbers)


def as_number(value: Any) -> float:
    """Return a figure as float, numbers written as text included; NaN for what is none."""
    try:
        return math.nan if isinstance(value, bool) else float(value)
    except (TypeError, ValueError, OverflowError):
        return math.nan


def figures_of(line: Mapping[str, Any]) -> dict[str, float]:
    """Return the finite numbers of a metrics line."""
    numbers = {name: as_number(value) for name, value in line.items() if name != "step"}
    return {name: number for name, number in numbers.items() if math.isfinite(number)}


def _read_summary(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _newest_text(path: Path) -> str:
    try:
        with open(path, "rb") as file:
            size = file.seek(0, 2)
            file.seek(max(0, size - NEWEST_OUTPUT_BYTES))
            return file.read().decode("utf-8", "replace")
    except FileNotFoundError:
        return ""
