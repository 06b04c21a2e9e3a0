"""Controls: encoders that have learned nothing, which every trained one has to beat."""

import torch

from ml_skeleton.music.encoders.freezing import Freezable
from ml_skeleton.music.encoders.networks import SpectrogramEncoder


class RandomEncoder(Freezable, SpectrogramEncoder):
    """The default encoder with the weights it begins with; the same seed gives the same ones, whatever ran before."""

    def __init__(
        self, sample_rate: int = 16000, seed: int = 42, embedding_dim: int = 128, width: int = 24, mel_bands: int = 64
    ) -> None:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            super().__init__(sample_rate, embedding_dim, width, mel_bands, dropout=0.0)
        self.freeze_unless(False)
