"""Networks of our own: a 1-D one on the waveform and a 2-D one on the spectrogram."""

from itertools import pairwise
from typing import cast

import torch
import torchaudio
from torch import Tensor, nn

from ml_skeleton.music.encoders.protocol import pool_over_time

LOG_FLOOR = 1e-5  # mel energies below it are silence; log of it is -11.5


class SimpleAudioEncoder(nn.Module):
    """A 1-D convolutional network on the waveform, pooled by mean, maximum and deviation over time."""

    def __init__(self, sample_rate: int = 16000, embedding_dim: int = 128, width: int = 32) -> None:
        super().__init__()
        channels = [1, width, width * 2, width * 4, width * 4]
        kernels = [(64, 16), (8, 4), (8, 4), (4, 2)]  # (size, stride): a frame is 512 samples, 32 ms at 16 kHz
        layers: list[nn.Module] = []
        for (before, after), (size, stride) in zip(pairwise(channels), kernels, strict=True):
            layers += [nn.Conv1d(before, after, size, stride, padding=size // 2), nn.BatchNorm1d(after), nn.GELU()]
        self.layers = nn.Sequential(*layers)
        self.head = nn.Linear(3 * channels[-1], embedding_dim)

    def forward(self, audio: Tensor) -> Tensor:
        frames = self.layers(audio[:, None, :])  # (B, C, L)
        return cast(Tensor, self.head(pool_over_time(frames)))  # (B, D)

    def get_embedding_dim(self) -> int:
        return self.head.out_features


class SpectrogramEncoder(nn.Module):
    """A 2-D convolutional network on the log-mel spectrogram, pooled over time like SimpleAudioEncoder."""

    def __init__(
        self,
        sample_rate: int = 16000,
        embedding_dim: int = 128,
        width: int = 24,
        mel_bands: int = 64,
        dropout: float = 0.1,
    ) -> None:
        super().__init__()
        self.mel = torchaudio.transforms.MelSpectrogram(
            sample_rate, n_fft=1024, hop_length=512, f_min=30.0, n_mels=mel_bands
        )
        self.norm = nn.BatchNorm2d(1)
        channels = [1, width, width * 2, width * 4, width * 6]
        self.blocks = nn.Sequential(*(_block(before, after) for before, after in pairwise(channels)))
        self.mix = nn.Conv1d(channels[-1] * (mel_bands // 16), channels[-1] * 2, 1)
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(3 * channels[-1] * 2, embedding_dim)

    def forward(self, audio: Tensor) -> Tensor:
        with torch.autocast(audio.device.type, enabled=False):  # the logarithm needs float32
            mel = torch.log(self.mel(audio) + LOG_FLOOR)  # (B, F, L)
        maps = self.blocks(self.norm(mel[:, None]))  # (B, C, F/16, L/16)
        frames = torch.nn.functional.gelu(self.mix(maps.flatten(1, 2)))  # (B, 2C, L/16)
        return cast(Tensor, self.head(self.dropout(pool_over_time(frames))))  # (B, D)

    def get_embedding_dim(self) -> int:
        return self.head.out_features


def _block(before: int, after: int) -> nn.Module:
    """Return a residual-free block that halves time and frequency."""
    return nn.Sequential(
        nn.Conv2d(before, after, 3, padding=1, bias=False), nn.BatchNorm2d(after), nn.GELU(), nn.AvgPool2d(2)
    )
