"""What the pipeline asks of an encoder, and how frames become one vector."""

from typing import Protocol, cast, runtime_checkable

import torch
from torch import Tensor

from ml_skeleton.errors import UsageError
from ml_skeleton.music.inputs import BESIDE_PARTS


@runtime_checkable
class AudioEncoder(Protocol):
    """Turns windows of audio into vectors; it must also be a torch module.

    One without a trainable parameter is written as it is, without training. One
    with an attribute `hears_level` that is true is called as forward(audio, level),
    level (B,) being the root mean square of each crop at full scale 1, which
    z-normalised audio does not tell. One with a method `get_embedding_parts` says
    what its vectors are made of, see `embedding_parts`.
    """

    def forward(self, audio: Tensor) -> Tensor:
        """Return embeddings (B, D) of z-normalised audio (B, T) float32."""
        ...

    def get_embedding_dim(self) -> int:
        """Return D."""
        ...


def embedding_parts(encoder: object) -> dict[str, int]:
    """Return name and width of the parts that an encoder says its vectors are made of, in order; none if it does not.

    A classifier finds out by the ratings what each part counts. Raises UsageError
    unless the widths come to its D, and for a name that means something else to classifiers.
    """
    told = getattr(encoder, "get_embedding_parts", None)
    parts = {str(name): int(width) for name, width in told().items()} if told else {}
    dimension = cast(AudioEncoder, encoder).get_embedding_dim()
    if parts and (sum(parts.values()) != dimension or min(parts.values()) < 1):
        raise UsageError(
            f"{type(encoder).__name__}: get_embedding_parts() gives {parts}, "
            f"which does not come to the {dimension} numbers of get_embedding_dim()"
        )
    for name in sorted(parts.keys() & set(BESIDE_PARTS)):
        raise UsageError(
            f"{type(encoder).__name__}: get_embedding_parts() names a part {name!r}; rename it, as train-classifier "
            f"calls other things {', '.join(BESIDE_PARTS)}"
        )
    return parts


def pool_over_time(frames: Tensor) -> Tensor:
    """Return mean, maximum and deviation of (B, C, L) over L, as (B, 3C)."""
    deviation = (frames.var(dim=2, unbiased=False) + 1e-6).sqrt()
    return torch.cat([frames.mean(dim=2), frames.amax(dim=2), deviation], dim=1)
