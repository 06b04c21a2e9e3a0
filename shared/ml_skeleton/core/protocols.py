"""What a training function is given and what it gives back."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

if TYPE_CHECKING:
    from ml_skeleton.tracking.null_tracker import NullTracker


class Framework(StrEnum):
    """The library that a training function trains with."""

    PYTORCH = "pytorch"
    TENSORFLOW = "tensorflow"


@dataclass
class TrainingContext:
    """All that a training function is told about its run."""

    hyperparameters: dict[str, Any]
    tracker: NullTracker  # an ExplrTracker where runs are tracked; both have the same methods
    trial_id: str | None = None  # of a tuning trial
    trial_number: int | None = None
    experiment_name: str = "default"
    run_name: str | None = None
    device: str = "cuda"
    artifact_dir: str = "./artifacts"
    checkpoint_dir: str = "./checkpoints"
    framework: Framework = Framework.PYTORCH
    seed: int | None = None


@dataclass
class TrainingResult:
    """What a training function has reached."""

    primary_metric: float  # what tuning compares
    primary_metric_name: str = "val_loss"
    minimize: bool = True
    metrics: dict[str, float] = field(default_factory=dict)
    best_model_path: str | None = None
    artifacts: dict[str, str] = field(default_factory=dict)  # name to path of a file or folder
    epochs_completed: int = 0
    early_stopped: bool = False


@runtime_checkable
class TrainFunction(Protocol):
    """Any function that trains: `def train_model(ctx: TrainingContext) -> TrainingResult`."""

    def __call__(self, ctx: TrainingContext, /) -> TrainingResult:
        """Train, and return what was reached."""
        ...
