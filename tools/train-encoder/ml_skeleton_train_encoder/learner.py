"""One step of learning: windows in, parts of the loss out, weights moved."""

import hashlib
import random
from collections.abc import Sequence
from typing import Literal

import numpy as np
import torch
from ml_skeleton.music.augment import Augment
from ml_skeleton.music.losses import MultiTaskLoss
from torch import Tensor, nn

from ml_skeleton_train_encoder.batches import Batch
from ml_skeleton_train_encoder.labels import SongLabels
from ml_skeleton_train_encoder.parallel import ALONE, Team, embeddings_of_all, shared

MAX_GRADIENT = 1.0
ChosenPrecision = Literal["fp32", "bf16"]


class Learner(nn.Module):
    """An encoder with the loss it learns from."""

    def __init__(self, encoder: nn.Module, loss: MultiTaskLoss, augment: Augment, labels: SongLabels) -> None:
        super().__init__()
        self.encoder, self.loss, self.augment = encoder, loss, augment
        self.labels = labels
        self.team = ALONE
        self.precision: ChosenPrecision = "fp32"

    def forward(self, batch: Batch, songs: Tensor, shares: Sequence[int]) -> dict[str, Tensor]:
        """Return the weighted parts of the loss of the windows of all processes; `batch` holds this one's share."""
        own = self.embed(self.augment(batch.audio()))  # (B, D)
        return self.loss(embeddings_of_all(own, shares, self.team), self.labels[songs])  # type: ignore[no-any-return]

    def embed(self, audio: Tensor) -> Tensor:
        """Return embeddings (B, D) float32 of z-normalised audio (B, T)."""
        with torch.autocast(audio.device.type, torch.bfloat16, enabled=self.precision == "bf16"):
            embeddings: Tensor = self.encoder(audio)
        return embeddings.float()

    def trained(self) -> list[nn.Parameter]:
        """Return the parameters that learn."""
        return [weights for weights in self.parameters() if weights.requires_grad]


class Stepper:
    """Moves the weights of a learner, one batch after the other."""

    def __init__(self, learner: Learner, optimizer: torch.optim.Optimizer, team: Team, device: torch.device) -> None:
        self.learner, self.optimizer, self.device = learner, optimizer, device
        learner.team = team
        self.module = shared(learner, team, device)
        judge = {id(weights) for weights in learner.loss.rating.parameters()}
        self.judging = [weights for weights in learner.trained() if id(weights) in judge]
        self.others = [weights for weights in learner.trained() if id(weights) not in judge]

    def step(self, batch: Batch, songs: Tensor, shares: Sequence[int], rate: float) -> dict[str, Tensor]:
        """Learn from a batch at a learning rate, and return the parts of its loss, still on the device."""
        parts: dict[str, Tensor] = self.module(batch, songs, shares)
        self.optimizer.zero_grad(set_to_none=True)
        torch.stack(list(parts.values())).sum().backward()  # type: ignore[no-untyped-call]
        for weights in (self.judging, self.others):  # apart, or a rating head would weigh on an encoder that ignores it
            nn.utils.clip_grad_norm_(weights, MAX_GRADIENT)
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        self.optimizer.step()
        return parts


def seed_step(seed: int, step: int, rank: int, augment: Augment) -> None:
    """Let all chance in a step follow from these numbers.

    So nothing of it has to be remembered for an exact resume, in whatever
    library an encoder finds its chance.
    """
    digest = hashlib.blake2b(f"{seed} {step} {rank}".encode(), digest_size=4).digest()
    number = int.from_bytes(digest, "little")
    random.seed(number)
    np.random.seed(number)
    torch.manual_seed(number)
    augment.reseed(number)
