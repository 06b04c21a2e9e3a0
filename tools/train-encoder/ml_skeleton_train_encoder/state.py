"""The state of an unfinished training run, on disk beside the checkpoint to be."""

from collections.abc import Mapping
from copy import deepcopy
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


@dataclass
class TrainingState:
    """How far a run is; every finished epoch is on disk."""

    path: Path
    purpose: str  # fingerprint of the data and the settings
    parts: Mapping[str, Any]  # by name, each with state_dict and load_state_dict
    epoch: int = 0  # finished ones
    best_epoch: int = 0
    best_loss: float | None = None
    best_weights: dict[str, Tensor] = field(default_factory=dict)
    history: list[dict[str, float | None]] = field(default_factory=list)

    def finish_epoch(self, figures: dict[str, float | None], encoder: nn.Module, *, better: bool) -> None:
        """Count the epoch, remember the weights if it was the best, and write all of it."""
        self.epoch += 1
        self.history.append(figures)
        if better:
            self.best_epoch, self.best_loss = self.epoch, figures["val_loss"]
            self.best_weights = {name: tensor.detach().cpu().clone() for name, tensor in encoder.state_dict().items()}
        self._write()

    def discard(self) -> None:
        """Remove the file; the checkpoint takes its place."""
        self.path.unlink(missing_ok=True)

    def _write(self) -> None:
        content = {
            "model": KIND,
            "arguments": {},
            "weights": self.best_weights,
            "purpose": self.purpose,
            "epoch": self.epoch,
            "best_epoch": self.best_epoch,
            "best_loss": self.best_loss,
            "history": self.history,
            "parts": {name: deepcopy(part.state_dict()) for name, part in self.parts.items()},
        }
        save_checkpoint(self.path, Provenance(KIND, FORMAT, TOOL), content)

    def take_over(self) -> bool:
        """Take over the state on disk if it belongs to the same data and settings."""
        header = read_header(self.path, KIND)
        content, tensors = header.content, load_tensors(header)
        if content["purpose"] != self.purpose:
            return False
        for name, part in self.parts.items():
            part.load_state_dict(tensors["parts"][name])
        self.epoch, self.best_epoch, self.best_loss = content["epoch"], content["best_epoch"], content["best_loss"]
        self.best_weights, self.history = tensors["weights"], content["history"]
        return True


def resume_or_start(out: Path, purpose: str, parts: Mapping[str, Any], fresh: bool) -> TrainingState:
    """Return the state of the unfinished run for `out`, or that of a new one."""
    state = TrainingState(out.with_name(f".{out.name}.state"), purpose, parts)
    if fresh or not state.path.exists():
        return state
    try:
        if state.take_over():
            note(f"going on after epoch {state.epoch}")
    except InputError:
        warn(f"{state.path}: the state of an earlier run is damaged; starting anew")
    return state
