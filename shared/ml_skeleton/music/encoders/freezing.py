"""Weights that stay as they are."""

from typing import Self

from torch import nn


class Freezable(nn.Module):
    """A module whose weights stay as they are unless it is trainable; frozen, it is always in eval mode.

    A frozen one that went into training mode would drop out units and renew
    the statistics of its normalisations, and so give other vectors.
    """

    trainable = False

    def freeze_unless(self, trainable: bool) -> None:
        """Settle whether the weights learn; called when all of them are there."""
        self.trainable = trainable
        self.requires_grad_(trainable)
        self.train()

    def train(self, mode: bool = True) -> Self:
        return super().train(mode and self.trainable)
