"""The state of an unfinished training run, on disk beside the checkpoint to be: the newest one, and the one before."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ml_skeleton.artifacts.checkpoints import FORMAT, load_tensors, read_header, save_checkpoint
from ml_skeleton.artifacts.provenance import Provenance
from ml_skeleton.console import note, warn
from ml_skeleton.errors import InputError
from torch import Tensor, nn

KIND = "training state"
TOOL = "train-encoder"
Figures = dict[str, float | None]


@dataclass
class TrainingState:
    """How far a run is. Chance follows from the seed and the number of the step, so the step is all there is of it."""

    path: Path
    purpose: str  # fingerprint of the data and the settings
    parts: Mapping[str, Any] = field(default_factory=dict)  # by name, each with state_dict and load_state_dict
    precision: str | None = None  # what was chosen when the run began
    batch_size: int | None = None
    epoch: int = 0  # finished ones
    step: int = 0  # finished ones of the epoch that has begun
    sums: dict[str, float] = field(default_factory=dict)  # parts of the loss so far in that epoch, times windows
    best_epoch: int = 0
    best_loss: float | None = None
    best_weights: dict[str, Tensor] = field(default_factory=dict)
    history: list[Figures] = field(default_factory=list)
    saved: float = field(default_factory=time.monotonic)  # when it was last written
    found: dict[str, Any] = field(default_factory=dict)  # states of the parts, as they were on disk

    def attach(self, parts: Mapping[str, Any]) -> None:
        """Keep these parts from now on; they go on where those on disk were."""
        self.parts = parts
        for name, state in self.found.items():
            parts[name].load_state_dict(state)
        self.found = {}

    def finish_epoch(self, figures: Figures, encoder: nn.Module, *, better: bool) -> None:
        """Count the epoch, and remember the weights if it was the best."""
        self.epoch, self.step, self.sums = self.epoch + 1, 0, {}
        self.history.append(figures)
        if better:
            self.best_epoch, self.best_loss = self.epoch, figures["val_loss"]
            self.best_weights = weights_of(encoder)

    def is_due(self, save_every_s: float) -> bool:
        """Return whether it is time to write again."""
        return time.monotonic() - self.saved >= save_every_s

    @property
    def before(self) -> Path:
        """Where the state before the newest one is."""
        return self.path.with_name(f"{self.path.name}.before")

    def discard(self) -> None:
        """Remove the files; the checkpoint takes their place."""
        self.path.unlink(missing_ok=True)
        self.before.unlink(missing_ok=True)

    def write(self) -> None:
        """Write all of it; the state that was the newest stays as the one before."""
        content = {
            "model": KIND,
            "arguments": {},
            "weights": self.best_weights,
            "purpose": self.purpose,
            "precision": self.precision,
            "batch_size": self.batch_size,
            "epoch": self.epoch,
            "step": self.step,
            "sums": self.sums,
            "best_epoch": self.best_epoch,
            "best_loss": self.best_loss,
            "history": self.history,
            "parts": {name: part.state_dict() for name, part in self.parts.items()},
        }
        if self.path.exists():
            self.path.replace(self.before)
        save_checkpoint(self.path, Provenance(KIND, FORMAT, TOOL), content)
        self.saved = time.monotonic()

    def take_over(self, path: Path) -> bool:
        """Take over the state at `path` if it belongs to the same data and settings."""
        header = read_header(path, KIND)
        content, tensors = header.content, load_tensors(header)
        if content["purpose"] != self.purpose:
            return False
        for name in ("precision", "batch_size", "epoch", "step", "sums", "best_epoch", "best_loss", "history"):
            setattr(self, name, content[name])
        self.best_weights, self.found = tensors["weights"], tensors["parts"]
        return True


def weights_of(encoder: nn.Module) -> dict[str, Tensor]:
    """Return a copy of the weights, on the CPU."""
    return {name: tensor.detach().cpu().clone() for name, tensor in encoder.state_dict().items()}


def resume_or_start(out: Path, purpose: str, fresh: bool) -> TrainingState:
    """Return the state of the unfinished run for `out`, or that of a new one."""
    state = TrainingState(out.with_name(f".{out.name}.state"), purpose)
    on_disk = [] if fresh else [path for path in (state.path, state.before) if path.exists()]
    for number, path in enumerate(on_disk, start=1):
        try:
            if state.take_over(path):
                note(f"going on after epoch {state.epoch}, step {state.step} of the next one")
                break
        except InputError:
            instead = "going on from the one before it" if number < len(on_disk) else "starting anew"
            warn(f"{path}: the state of an earlier run is damaged; {instead}")
    return state
