"""Encoders: networks that turn a window of audio into a vector.

An encoder takes z-normalised audio (B, T) float32 and returns (B, D) float32.
"""

import importlib
from itertools import pairwise
from typing import Any, Protocol, cast, runtime_checkable

import torch
import torchaudio
from torch import Tensor, nn

from ml_skeleton.errors import UsageError, UserError

LOG_FLOOR = 1e-5  # mel energies below it are silence; log of it is -11.5


@runtime_checkable
class AudioEncoder(Protocol):
    """What the pipeline asks of an encoder; it must also be a torch module."""

    def forward(self, audio: Tensor) -> Tensor:
        """Return embeddings (B, D) of audio (B, T) float32."""
        ...

    def get_embedding_dim(self) -> int:
        """Return D."""
        ...


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
        mel = torch.log(self.mel(audio) + LOG_FLOOR)  # (B, F, L)
        maps = self.blocks(self.norm(mel[:, None]))  # (B, C, F/16, L/16)
        frames = torch.nn.functional.gelu(self.mix(maps.flatten(1, 2)))  # (B, 2C, L/16)
        return cast(Tensor, self.head(self.dropout(pool_over_time(frames))))  # (B, D)

    def get_embedding_dim(self) -> int:
        return self.head.out_features


BUILT_IN: dict[str, type[nn.Module]] = {"simple": SimpleAudioEncoder, "spectrogram": SpectrogramEncoder}


def pool_over_time(frames: Tensor) -> Tensor:
    """Return mean, maximum and deviation of (B, C, L) over L, as (B, 3C)."""
    deviation = (frames.var(dim=2, unbiased=False) + 1e-6).sqrt()
    return torch.cat([frames.mean(dim=2), frames.amax(dim=2), deviation], dim=1)


def build_encoder(name: str, arguments: dict[str, Any]) -> nn.Module:
    """Return a new encoder: a built-in by its name, or a class of the user's as package.module:Class.

    Raises UsageError for an unknown name or arguments that the class does not take.
    """
    encoder_class = BUILT_IN.get(name) or _import_class(name)
    try:
        encoder = encoder_class(**arguments)
    except TypeError as error:
        raise UsageError(f"encoder {name}: does not take the arguments {arguments}: {error}") from None
    if not isinstance(encoder, AudioEncoder) or not isinstance(encoder, nn.Module):
        raise UsageError(f"encoder {name}: expected a torch module with forward(audio) and get_embedding_dim()")
    return encoder


def check_encoder_may_be_imported(name: str, asked: str | None) -> None:
    """Raise UserError when a checkpoint names a class that is not built in and that the user did not name."""
    if name not in BUILT_IN and name != asked:
        raise UserError(
            f"the checkpoint was made with the encoder class {name}, which is imported only "
            f"when you name it as well: --encoder-class {name}"
        )


def _import_class(name: str) -> type[nn.Module]:
    module_name, colon, class_name = name.partition(":")
    if not colon:
        known = ", ".join(sorted(BUILT_IN))
        raise UsageError(f"encoder {name}: unknown; expected one of {known}, or a class as package.module:Class")
    try:
        found = getattr(importlib.import_module(module_name), class_name)
    except (ImportError, AttributeError) as error:
        raise UsageError(f"encoder {name}: cannot be imported: {error}") from None
    return cast(type[nn.Module], found)


def _block(before: int, after: int) -> nn.Module:
    """Return a residual-free block that halves time and frequency."""
    return nn.Sequential(
        nn.Conv2d(before, after, 3, padding=1, bias=False), nn.BatchNorm2d(after), nn.GELU(), nn.AvgPool2d(2)
    )
