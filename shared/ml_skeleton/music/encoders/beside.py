"""An encoder beside fixed statistics, so that what it has learned can only add to them."""

from typing import cast

import torch
from torch import Tensor, nn

from ml_skeleton.music.encoders.protocol import AudioEncoder, embedding_parts
from ml_skeleton.music.encoders.statistics import StatisticsEncoder

LEARNED = "learned"  # the part that is no statistic


class BesideStatistics(nn.Module):
    """Any encoder, and the statistics of the same windows after its own numbers.

    Only the encoder within learns, from a loss of its own numbers alone.
    """

    hears_level = True

    def __init__(self, learned: AudioEncoder, sample_rate: int) -> None:
        super().__init__()
        assert isinstance(learned, nn.Module)
        self.learned = learned
        self.statistics = StatisticsEncoder(sample_rate)

    def forward(self, audio: Tensor, level: Tensor | None = None) -> Tensor:
        """Return embeddings (B, D) of z-normalised audio (B, T), whose crops have the level (B,)."""
        return torch.cat([heard(self.learned, audio, level).float(), self.statistics(audio, level)], dim=1)

    def get_embedding_dim(self) -> int:
        return cast(AudioEncoder, self.learned).get_embedding_dim() + self.statistics.get_embedding_dim()

    def get_embedding_parts(self) -> dict[str, int]:
        own = embedding_parts(self.learned) or {LEARNED: cast(AudioEncoder, self.learned).get_embedding_dim()}
        return own | self.statistics.get_embedding_parts()


def learning_part(encoder: nn.Module) -> nn.Module:
    """Return the encoder that learns: the one within, or all of it."""
    return cast(nn.Module, encoder.learned) if isinstance(encoder, BesideStatistics) else encoder


def fixed_part(encoder: nn.Module) -> nn.Module | None:
    """Return the statistics that stand beside the encoder that learns, if they do."""
    return encoder.statistics if isinstance(encoder, BesideStatistics) else None


def heard(encoder: nn.Module, audio: Tensor, level: Tensor | None) -> Tensor:
    """Return embeddings (B, D); an encoder that says `hears_level` is told the level (B,) as well."""
    embeddings: Tensor = encoder(audio, level) if getattr(encoder, "hears_level", False) else encoder(audio)
    return embeddings
