"""A tracker that tracks nowhere, with all the methods that training code calls."""

import os
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol, Self

from ml_skeleton.artifacts.metrics import MetricsLog


class Trial(Protocol):
    """What is asked of a tuning trial, Optuna's own or that of a process of its own."""

    def report(self, value: float, step: int) -> None:
        """Say what the trial has reached."""

    def should_prune(self) -> bool:
        """Tell whether to stop it."""


class NullTracker:
    """Tracks nowhere; under `tune`, metrics still go to $TUNE_METRICS and pruning works."""

    run_id: str | None = None
    artifact_uri: str | None = None

    def __init__(self) -> None:
        self._tune = MetricsLog(None)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End the run."""

    def log_param(self, key: str, value: Any) -> None:
        """Note a parameter."""
        self.log_params({key: value})

    def log_params(self, params: Mapping[str, Any]) -> None:
        """Note parameters."""

    def log_metric(self, key: str, value: float, step: int | None = None) -> None:
        """Note the value of a metric."""
        self.log_metrics({key: value}, step)

    def log_metrics(self, metrics: Mapping[str, float], step: int | None = None) -> None:
        """Note values of metrics, of one step."""
        if self._tune.paths:
            values = {name: float(value) for name, value in metrics.items()}
            if step is None:
                self._tune.result(values)
            else:
                self._tune.step(step, values)

    def log_artifact(self, local_path: str | Path, artifact_path: str | None = None) -> None:
        """Keep a copy of a file, in the folder `artifact_path` of the artifacts."""

    def log_artifacts(self, local_dir: str | Path, artifact_path: str | None = None) -> None:
        """Keep copies of all files in a folder."""

    def log_figure(self, figure: Any, artifact_file: str) -> None:
        """Keep a figure of matplotlib or plotly."""

    def log_image(self, image: Any, artifact_file: str) -> None:
        """Keep an image: of PIL, or an array of height, width and channels, uint8 or 0 to 1."""

    def log_text(self, text: str, artifact_file: str) -> None:
        """Keep a text."""

    def log_dict(self, dictionary: Mapping[str, Any], artifact_file: str) -> None:
        """Keep a mapping, as YAML if the name ends so, else as JSON."""

    def log_model(self, model: Any, artifact_path: str, framework: str = "pytorch", **kwargs: Any) -> None:
        """Keep a model as MLflow does; `kwargs` go to MLflow's save_model."""

    def set_tag(self, key: str, value: Any) -> None:
        """Set a tag."""
        self.set_tags({key: value})

    def set_tags(self, tags: Mapping[str, Any]) -> None:
        """Set tags."""

    def report_intermediate(self, metric: float, step: int, trial: Trial | None = None) -> bool:
        """Tell what a trial has reached so far, and return whether to go on; False: it is pruned.

        `trial` is `getattr(ctx, "_optuna_trial", None)`. Without one, the answer is
        False only after `tune` has asked its command to stop.
        """
        if trial is None:
            stop = os.environ.get("TUNE_STOP")
            return not (stop and Path(stop).exists())
        trial.report(float(metric), step)
        return not trial.should_prune()
