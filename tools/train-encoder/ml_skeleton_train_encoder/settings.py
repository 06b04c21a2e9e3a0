"""What train-encoder was asked to do."""

from dataclasses import asdict, dataclass, field
from typing import Any

from ml_skeleton.music.objectives import AUGMENTATIONS, PRESETS, uses_unrated


@dataclass(frozen=True)
class Settings:
    """Everything that decides the weights, and so everything that the checkpoint remembers."""

    encoder: str
    encoder_arguments: dict[str, Any] = field(default_factory=dict)
    loss: dict[str, float] = field(default_factory=lambda: dict(PRESETS["multitask"]))  # weight of each part
    augment: dict[str, float] = field(default_factory=lambda: dict(AUGMENTATIONS))  # how likely each is
    epochs: int = 10
    batch_size: int = 32
    lr: float = 3e-4
    weight_decay: float = 0.01
    window_s: float = 5.0
    windows_per_crop: int = 2
    val_fraction: float = 0.15
    test_fraction: float = 0.2
    max_speech: float = 0.5
    seed: int = 42

    def as_dict(self) -> dict[str, Any]:
        """Return the settings as JSON values."""
        return asdict(self)

    @property
    def uses_unrated(self) -> bool:
        """Whether the loss learns something from songs without a rating."""
        return uses_unrated(self.loss)
