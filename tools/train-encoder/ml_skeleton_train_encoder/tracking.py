"""The run in MLflow, for those who ask for it; what goes wrong there never stops the training."""

import os
import time
from collections.abc import Callable, Mapping
from typing import Any, Protocol

from ml_skeleton.console import warn

EXPERIMENT = "train-encoder"
WAITING = {
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "10",
}  # not for minutes, as by default


class Tracker(Protocol):
    """Takes the figures of a run."""

    def step(self, epoch: int, figures: Mapping[str, float | None]) -> None:
        """Take those of an epoch."""
        ...

    def end(self, done: bool) -> None:
        """End the run."""
        ...


class Untracked:
    """Tells nobody."""

    def step(self, epoch: int, figures: Mapping[str, float | None]) -> None: ...

    def end(self, done: bool) -> None: ...


class Tracked:
    """Tells a tracking server, until it fails for the first time."""

    def __init__(self, uri: str, name: str, settings: Mapping[str, Any]) -> None:
        for variable, value in WAITING.items():
            os.environ.setdefault(variable, value)
        self._uri, self._name, self._settings = uri, name, settings
        self._alive = True
        self._run = ""
        self._told(self._begin)

    def _begin(self) -> None:
        from ml_skeleton.tracking.mlflow_runs import MlflowRuns  # here, as mlflow takes seconds to import

        self._runs = MlflowRuns(self._uri, EXPERIMENT)
        self._run = self._runs.begin(self._name, {}, {name: str(value) for name, value in self._settings.items()})

    def step(self, epoch: int, figures: Mapping[str, float | None]) -> None:
        from ml_skeleton.tracking.mlflow_runs import Figure

        now = round(time.time() * 1000)
        known = [Figure(name, value, epoch, now) for name, value in figures.items() if value is not None]
        self._told(lambda: self._runs.log(self._run, known))

    def end(self, done: bool) -> None:
        self._told(lambda: self._runs.end(self._run, "FINISHED" if done else "KILLED"))

    def _told(self, tell: Callable[[], None]) -> None:
        from ml_skeleton.tracking.errors import TrackingError

        if not self._alive:
            return
        try:
            tell()
        except (TrackingError, ImportError) as error:
            self._alive = False
            warn(f"{self._uri}: tracking failed: {error}; the training goes on without it")


def tracker(uri: str | None, name: str, settings: Mapping[str, Any]) -> Tracker:
    """Return where figures go to: the server at `uri`, or nowhere."""
    return Tracked(uri, name, settings) if uri else Untracked()
