"""What the pipeline asks of an encoder, and how frames become one vector."""

from typing import Protocol, runtime_checkable

import torch
from torch import Tensor


@runtime_checkable
class AudioEncoder(Protocol):
    """Turns windows of audio into vectors; it must also be a torch module.

    One without a trainable parameter is written as it is, without training. One
    with an attribute `hears_level` that is true is called as forward(audio, level),
    level (B,) being the root mean square of each crop at full scale 1, which
    z-normalised audio does not tell.
    """

    def forward(self, audio: Tensor) -> Tensor:
        """Return embeddings (B, D) of z-normalised audio (B, T) float32."""
        ...

    def get_embedding_dim(self) -> int:
        """Return D."""
        ...


def pool_over_time(frames: Tensor) -> Tensor:
    """Return mean, maximum and deviation of (B, C, L) over L, as (B, 3C)."""
    deviation = (frames.var(dim=2, unbiased=False) + 1e-6).sqrt()
    return torch.cat([frames.mean(dim=2), frames.amax(dim=2), deviation], dim=1)
