"""An experiment: a training function and its configuration become a tracked run, or a search over hyperparameters."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ml_skeleton.core.config import ExperimentConfig, TunerType
from ml_skeleton.core.devices import default_device
from ml_skeleton.core.protocols import Framework, TrainFunction, TrainingContext, TrainingResult
from ml_skeleton.core.tracked_run import run_tracked
from ml_skeleton.core.trackers import experiment_name, tracker_of
from ml_skeleton.errors import UsageError


class Experiment:
    """What a configuration makes of any training function."""

    def __init__(self, config: ExperimentConfig) -> None:
        """Take a configuration; raise UsageError for a framework that there is none of."""
        if config.framework not in list(Framework):
            raise UsageError(f"framework: found {config.framework!r}, known are {', '.join(Framework)}")
        self.config = config

    def run(self, train_fn: TrainFunction, hyperparameters: Mapping[str, Any] | None = None) -> TrainingResult:
        """Call `train_fn` in this process and return its result; all of it is tracked, also how it fails.

        `hyperparameters` go before those of the configuration.
        """
        config = self.config
        context = TrainingContext(
            hyperparameters={**config.hyperparameters, **(hyperparameters or {})},
            tracker=tracker_of(config),
            experiment_name=experiment_name(config),
            device=default_device(),
            artifact_dir=config.artifact_dir,
            checkpoint_dir=config.checkpoint_dir,
            framework=Framework(config.framework),
            seed=config.seed,
        )
        described = {"mlflow.note.content": config.description} if config.description else {}
        return run_tracked(train_fn, context, {**config.tags, **described}, config.deterministic)

    def tune(self, train_fn: TrainFunction) -> dict[str, Any]:
        """Search good hyperparameters and return best_params, best_value, n_trials and study.

        Raises UsageError if the configuration names no tuner, UserError if no trial is complete.
        """
        if self.config.tuning.tuner_type == TunerType.OPTUNA:
            from ml_skeleton.tuning.optuna_tuner import OptunaTuner  # here, as importing Optuna takes its time

            return OptunaTuner(train_fn, self.config).optimize()
        if self.config.tuning.tuner_type == TunerType.RAY_TUNE:
            from ml_skeleton.tuning.ray_tuner import RayTuneTuner

            return RayTuneTuner(train_fn, self.config).optimize()
        raise UsageError("tuning.tuner_type: found none, expected optuna or ray_tune")


def run_experiment(
    train_fn: TrainFunction,
    config: ExperimentConfig,
    tune: bool = False,
    hyperparameters: Mapping[str, Any] | None = None,
) -> TrainingResult | dict[str, Any]:
    """Run `train_fn` once and return its result; with `tune`, search and return a dictionary with the best."""
    experiment = Experiment(config)
    return experiment.tune(train_fn) if tune else experiment.run(train_fn, hyperparameters)
