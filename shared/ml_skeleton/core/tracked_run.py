"""A training function called with its run: what goes in and what comes out is logged, however it ends."""

from collections.abc import Mapping
from pathlib import Path

from ml_skeleton.artifacts.files import make_folder
from ml_skeleton.console import warn
from ml_skeleton.core.protocols import TrainFunction, TrainingContext, TrainingResult
from ml_skeleton.errors import UserError
from ml_skeleton.utils.seed import setup_reproducibility

MODEL_FOLDER = "model"


def run_tracked(
    train_fn: TrainFunction, context: TrainingContext, tags: Mapping[str, str], deterministic: bool
) -> TrainingResult:
    """Call `train_fn`, log parameters, tags, final metrics, best model and artifacts, and return its result.

    What is imported by now is seeded first; a function that imports torch itself seeds it itself, from `context.seed`.
    Raises what the function raises, and UserError if it returns something else than a TrainingResult, if there is no
    place for its files, or for a seed that there is none of.
    """
    for folder in (context.artifact_dir, context.checkpoint_dir):
        make_folder(Path(folder))
    if context.seed is not None:
        setup_reproducibility(context.seed, deterministic)
    with context.tracker as tracker:
        tracker.log_params(context.hyperparameters)
        tracker.set_tags(tags)
        result = train_fn(context)
        if not isinstance(result, TrainingResult):
            name = getattr(train_fn, "__name__", "train_fn")
            raise UserError(f"{name} returned {type(result).__name__}, expected a TrainingResult")
        tracker.log_metrics({**result.metrics, result.primary_metric_name: result.primary_metric})
        tracker.set_tags({"epochs_completed": result.epochs_completed, "early_stopped": result.early_stopped})
        _log_files(context, result)
    return result


def _log_files(context: TrainingContext, result: TrainingResult) -> None:
    model = {MODEL_FOLDER: result.best_model_path} if result.best_model_path else {}
    for folder, path in {**model, **result.artifacts}.items():
        if Path(path).exists():
            context.tracker.log_artifact(path, folder)
        else:
            warn(f"{path}: no such file; the result names it as {folder}, and it is not kept")
