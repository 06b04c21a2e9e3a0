"""What train-encoder was asked to do."""

import os
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

from ml_skeleton.console import MOST_SPEECH
from ml_skeleton.errors import UsageError
from ml_skeleton.music.objectives import (
    AUGMENTATIONS,
    DEFAULT_LOSS,
    MULTITASK,
    PRESETS,
    learns_ratings,
    uses_unrated,
)

Precision = Literal["auto", "fp32", "bf16"]
CropsIn = Literal["auto", "device", "host", "disk"]
AUTO = "auto"


@dataclass(frozen=True)
class Settings:
    """Everything that decides the weights, and so everything that the checkpoint remembers."""

    encoder: str
    encoder_arguments: dict[str, Any] = field(default_factory=dict)
    loss: dict[str, float] = field(default_factory=lambda: dict(PRESETS[DEFAULT_LOSS]))  # weight of each part
    augment: dict[str, float] = field(default_factory=lambda: dict(AUGMENTATIONS))  # how likely each is
    epochs: int = 10
    batch_size: int | None = 32  # windows; None for as many as the device bears
    lr: float = 3e-4
    weight_decay: float = 0.01
    window_s: float = 5.0
    windows_per_crop: int = 2
    val_fraction: float = 0.15
    test_fraction: float = 0.2
    max_speech: float = MOST_SPEECH
    seed: int = 42
    patience: int = 10  # epochs without a better validation loss; 0 for never
    precision: Precision = "fp32"

    def as_dict(self) -> dict[str, Any]:
        """Return the settings as JSON values."""
        return asdict(self)

    @property
    def uses_unrated(self) -> bool:
        """Whether the loss learns something from songs without a rating."""
        return uses_unrated(self.loss)

    @property
    def learns_ratings(self) -> bool:
        """Whether ratings shape the embedding."""
        return learns_ratings(self.loss)

    @property
    def keeps_heads(self) -> bool:
        """Whether the heads for ratings and albums, which learn in any case, stay in the checkpoint."""
        return self.encoder.startswith(MULTITASK)

    @property
    def needs_ratings(self) -> bool:
        """Whether the checkpoint would be another one with other ratings."""
        return self.learns_ratings or self.keeps_heads


@dataclass(frozen=True)
class Manner:
    """How the training is done; on a CPU none of it changes the weights."""

    fresh: bool = False  # start anew, whatever is on disk
    metrics: Path | None = None
    tracking_uri: str | None = None
    save_every_s: float = 300.0
    crops_in: CropsIn = "auto"
    gpu_memory_gb: float | None = None  # 0 for all there is; None for what the environment says, or 24
    deterministic: bool = False


def follows_another() -> bool:
    """Return whether torchrun started this process beside another one that writes and speaks for both."""
    return int(os.environ.get("RANK", "0")) > 0


def batch_size_of(text: str) -> int | None:
    """Return the number that --batch-size names, None for auto; raise UsageError for anything else."""
    if text == AUTO:
        return None
    if not text.isdecimal() or int(text) == 0:
        raise UsageError(f"--batch-size {text}: expected a number of windows from 1 on, or auto")
    return int(text)
