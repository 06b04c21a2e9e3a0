"""What a person sees of a study while it runs: by default a line now and then."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Protocol

from ml_skeleton.console import drawn_below, progress
from ml_skeleton.tuning.objective import Point
from ml_skeleton.tuning.outcome import Outcome
from ml_skeleton.tuning.trial import Trial


class View(Protocol):
    """Shows how a study gets on."""

    @contextmanager
    def shown(self, outcome: Outcome) -> Iterator[None]:
        """Show `outcome`, which the loop keeps up to date, while the block runs."""
        yield

    def look(self, running: Sequence[Trial]) -> None:
        """Take note of the trials that run now; called several times a second."""

    def reached(self, trial: int, point: Point) -> None:
        """Take note of the newest point of a running trial."""


class PlainView:
    """Counts the trials that end, in a line every half a minute."""

    @contextmanager
    def shown(self, outcome: Outcome) -> Iterator[None]:
        self._outcome, self._known = outcome, len(outcome.results)
        left = max(0, outcome.target - self._known)
        with progress("trials", left, "finished") as self._progress, drawn_below(self._progress.close):
            yield

    def look(self, running: Sequence[Trial]) -> None:
        more = len(self._outcome.results) - self._known
        if more > 0:
            best = self._outcome.best
            self._known += more
            self._progress.advance(more, remark=f"best {best.value:g} in trial {best.trial}" if best else "")

    def reached(self, trial: int, point: Point) -> None:
        """A line now and then has no room for it."""
