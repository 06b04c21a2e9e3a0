"""The live view of a study on a terminal: what is finished, the best so far, what runs."""

import os
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TextIO

from ml_skeleton.console import drawn_below, duration_in_words
from ml_skeleton.tuning.objective import Point
from ml_skeleton.tuning.outcome import Outcome
from ml_skeleton.tuning.trial import Trial
from ml_skeleton.tuning.view import View

from ml_skeleton_tune.footer import Footer

DRAW_EVERY_S = 0.1
RUNNING_SHOWN = 12


def live_view(quiet: bool) -> View | None:
    """Return a live view if somebody looks at a terminal that can move its cursor, None otherwise."""
    if quiet or not sys.stderr.isatty() or os.environ.get("TERM", "dumb") == "dumb":
        return None
    return LiveView(sys.stderr)


class LiveView:
    """Draws the state of a study at the foot of a terminal, below the lines that are said."""

    def __init__(self, terminal: TextIO) -> None:
        self._footer = Footer(terminal)
        self._points: dict[int, Point] = {}
        self._since: dict[int, float] = {}  # by trial, when this worker began it
        self._drawn = 0.0

    @contextmanager
    def shown(self, outcome: Outcome) -> Iterator[None]:
        """Draw `outcome`, which the loop keeps up to date, while the block runs."""
        self._outcome, self._known = outcome, len(outcome.results)
        self._begun = time.monotonic()
        with drawn_below(self._footer.wipe):
            try:
                yield
            finally:
                self._footer.wipe()

    def reached(self, trial: int, point: Point) -> None:
        """Take note of the newest point of a running trial."""
        self._points[trial] = point

    def look(self, running: Sequence[Trial]) -> None:
        """Draw, unless that was done a moment ago."""
        now = time.monotonic()
        if now - self._drawn < DRAW_EVERY_S:
            return
        self._drawn = now
        numbers = [trial.attempt.number for trial in running]
        self._since = {number: self._since.get(number, now) for number in numbers}
        self._points = {number: point for number, point in self._points.items() if number in self._since}
        self._footer.draw(self._lines(now))

    def _lines(self, now: float) -> list[str]:
        outcome = self._outcome
        lines = [outcome.counted, self._pace(now), *([outcome.praised] if outcome.praised else [])]
        lines += [self._running(number, now) for number in list(self._since)[:RUNNING_SHOWN]]
        more = len(self._since) - RUNNING_SHOWN
        return lines + ([f"and {more} more running"] if more > 0 else [])

    def _pace(self, now: float) -> str:
        results = self._outcome.results
        ended, left = len(results) - self._known, self._outcome.target - len(results)
        if ended <= 0 or left <= 0:
            return f"running for {duration_in_words(now - self._begun)}"
        mean_s = sum(result.seconds for result in results.values()) / len(results)
        each = duration_in_words(mean_s) if mean_s >= 10 else f"{mean_s:.2g} s"
        return f"{each} a trial, {duration_in_words((now - self._begun) / ended * left)} left"

    def _running(self, number: int, now: float) -> str:
        point = self._points.get(number)
        metric = self._outcome.objectives[0].metric
        reached = f"step {point.step}, {metric} {point.value:g}" if point else "no value yet"
        return f"trial {number}: {duration_in_words(now - self._since[number])}, {reached}"
