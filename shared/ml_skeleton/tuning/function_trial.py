"""One trial of a function in a process of its own: the command that a study of a function runs.

python -m ml_skeleton.tuning.function_trial FUNCTION.PKL LABEL
"""

import json
import math
import pickle
import signal
import sys
import traceback
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import wraps
from pathlib import Path
from types import FrameType
from typing import Any

from ml_skeleton.artifacts.files import write_text
from ml_skeleton.artifacts.metrics import MetricsLog
from ml_skeleton.core.config import ExperimentConfig
from ml_skeleton.core.devices import default_device
from ml_skeleton.core.protocols import Framework, TrainFunction, TrainingContext, TrainingResult
from ml_skeleton.core.tracked_run import run_tracked
from ml_skeleton.errors import CANNOT, OK, TERMINATED, UserError
from ml_skeleton.tracking.ends import Sigterm, is_pruned
from ml_skeleton.tracking.explr_tracker import ExplrTracker
from ml_skeleton.tracking.null_tracker import NullTracker
from ml_skeleton.tracking.run_writer import Place
from ml_skeleton.tuning.live_trial import OBJECTIVE, LiveTrial, TrialPruned, trial_of_environment
from ml_skeleton.tuning.trial_folder import TrialFolder
from ml_skeleton.tuning.verdict import STOP_ACCEPTED

RETURNED = "returned.json"  # in the trial's folder: what the function says of its metric


@dataclass(frozen=True)
class FunctionTask:
    """What all trials of a study of a function have in common."""

    train_fn: TrainFunction
    config: ExperimentConfig
    choices: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)  # by parameter and text
    tracking_uri: str | None = None  # None: not tracked
    experiment: str = "default"
    parent: str | None = None  # folder of the study's run


def main() -> None:
    """Run the pickled function and leave with an exit code that says how it went."""
    content = pickle.loads(Path(sys.argv[1]).read_bytes())
    sys.path[:] = content["sys_path"]
    sys.exit(run_trial(pickle.loads(content["task"])))


def run_trial(task: FunctionTask) -> int:
    """Run the function as the trial that the environment names, and return the exit code of its process."""
    folder = trial_of_environment()
    trial = LiveTrial(folder, _params(folder, task.choices))
    _heed_sigterm(trial)
    try:
        result = run_tracked(
            _until_pruned(task.train_fn, trial), _context(task, trial, folder), {}, task.config.deterministic
        )
    except Sigterm:
        return TERMINATED
    except UserError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    except Exception as error:
        if is_pruned(error):
            folder.stop.touch()  # also where the function itself thought of it, or the exit would say busy
            return STOP_ACCEPTED
        traceback.print_exc()
        return CANNOT
    if not math.isfinite(result.primary_metric):
        print(f"{result.primary_metric_name} is {result.primary_metric}, expected a finite number", file=sys.stderr)
        return CANNOT
    write_text(folder.path / RETURNED, json.dumps({"metric": result.primary_metric_name, "minimize": result.minimize}))
    figures = {**result.metrics, result.primary_metric_name: result.primary_metric, OBJECTIVE: result.primary_metric}
    MetricsLog(None).result({name: float(value) for name, value in figures.items()})
    return OK


def _until_pruned(train_fn: TrainFunction, trial: LiveTrial) -> TrainFunction:
    """Return a function whose result does not count when it was told to stop and came to a decent end."""

    @wraps(train_fn)
    def train(context: TrainingContext) -> TrainingResult:
        result = train_fn(context)
        if trial.pruned:
            raise TrialPruned
        return result

    return train


def _params(folder: TrialFolder, choices: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    params = folder.read_params()
    return {name: choices[name][value] if name in choices else value for name, value in params.items()}


def _context(task: FunctionTask, trial: LiveTrial, folder: TrialFolder) -> TrainingContext:
    config, name = task.config, f"trial {trial.number}"
    tracker = (
        NullTracker()
        if task.tracking_uri is None
        else ExplrTracker(task.tracking_uri, task.experiment, run_name=name, place=Place(parent=task.parent))
    )
    context = TrainingContext(
        hyperparameters={**config.hyperparameters, **trial.params},
        tracker=tracker,
        trial_id=str(trial.number),
        trial_number=trial.number,
        experiment_name=task.experiment,
        run_name=name,
        device=default_device(),
        artifact_dir=str(folder.path / "artifacts"),
        checkpoint_dir=str(folder.path / "checkpoints"),
        framework=Framework(config.framework),
        seed=config.seed,
    )
    vars(context)["_optuna_trial"] = trial  # where scripts look for it
    return context


def _heed_sigterm(trial: LiveTrial) -> None:
    """Unwind at SIGTERM, but leave a function alone that has been told it is pruned: it is on its way out."""

    def leave(_signal: int, _frame: FrameType | None) -> None:
        if not (trial.pruned or trial.asking):
            raise Sigterm(TERMINATED)

    signal.signal(signal.SIGTERM, leave)


if __name__ == "__main__":
    main()
