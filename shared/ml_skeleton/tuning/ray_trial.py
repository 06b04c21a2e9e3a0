"""One trial in a worker of Ray: the function, told what it needs and answered by Ray's scheduler."""

import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ml_skeleton.core.config import ExperimentConfig
from ml_skeleton.core.devices import default_device
from ml_skeleton.core.protocols import Framework, TrainFunction, TrainingContext
from ml_skeleton.core.tracked_run import run_tracked
from ml_skeleton.core.trackers import experiment_name, tracker_of
from ml_skeleton.tuning.live_trial import OBJECTIVE, TrialPruned

Report = Callable[[dict[str, Any], Path], None]  # figures, and a folder that a copy of the trial could go on from


@dataclass(frozen=True)
class RayTask:
    """What all trials of a search have in common."""

    train_fn: TrainFunction
    config: ExperimentConfig
    parent_run_id: str | None


class RayTrial:
    """A trial that reports to Ray, whose scheduler ends a hopeless one while it reports."""

    def __init__(self, number: int, params: Mapping[str, Any], checkpoints: Path, report: Report) -> None:
        self.number = number
        self.params = dict(params)
        self._checkpoints, self._report = checkpoints, report

    def report(self, value: float, step: int) -> None:
        """Say what the trial has reached; raise TrialPruned if that is not enough."""
        try:
            self._report({OBJECTIVE: float(value), "step": int(step)}, self._checkpoints)
        except SystemExit:  # how Ray ends a function
            raise TrialPruned from None

    def should_prune(self) -> bool:
        """Tell whether to stop; a trial that Ray wants to end does not come to ask."""
        return False


def run_ray_trial(
    task: RayTask, number: int, folder: Path, params: Mapping[str, Any], report: Report, start_from: Path | None
) -> None:
    """Run the function and report its result; with `start_from`, on a copy of the checkpoints there."""
    config, name = task.config, f"trial {number}"
    checkpoints = folder / "checkpoints"
    if start_from:
        shutil.copytree(start_from, checkpoints, dirs_exist_ok=True)
    trial = RayTrial(number, params, checkpoints, report)
    context = TrainingContext(
        hyperparameters={**config.hyperparameters, **params},
        tracker=tracker_of(config, name, task.parent_run_id),
        trial_id=folder.name,
        trial_number=number,
        experiment_name=experiment_name(config),
        run_name=name,
        device=default_device(),
        artifact_dir=str(folder / "artifacts"),
        checkpoint_dir=str(checkpoints),
        framework=Framework(config.framework),
        seed=config.seed,
    )
    vars(context)["_optuna_trial"] = trial  # where scripts look for it
    result = run_tracked(task.train_fn, context, {}, config.deterministic)
    said = {"metric": result.primary_metric_name, "minimize": result.minimize, "complete": True}
    report({OBJECTIVE: float(result.primary_metric), **said}, checkpoints)
