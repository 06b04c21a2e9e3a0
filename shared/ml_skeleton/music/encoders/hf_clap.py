"""The audio tower of CLAP as an encoder."""

from typing import Any

import torch
from torch import Tensor, nn
from transformers import ClapAudioConfig, ClapAudioModelWithProjection
from transformers.audio_utils import mel_filter_bank

from ml_skeleton.errors import UsageError
from ml_skeleton.music.encoders.audio_input import LEVEL, Resample, spread
from ml_skeleton.music.encoders.freezing import Freezable

LAYERS = ("projection", "tower")
QUIETEST = 1e-10  # power, -100 dB


class ClapMel(nn.Module):
    """What ClapFeatureExtractor of transformers computes, for a batch on the device: (B, T) to dB (B, L, F)."""

    filters: Tensor  # (bins, F)
    window: Tensor

    def __init__(self, features: dict[str, Any]) -> None:
        super().__init__()
        fused = features["truncation"] == "fusion"
        self.fft, self.hop = int(features["fft_window_size"]), int(features["hop_length"])
        filters = mel_filter_bank(
            num_frequency_bins=self.fft // 2 + 1,
            num_mel_filters=features["feature_size"],
            min_frequency=features["frequency_min"],
            max_frequency=features["frequency_max"],
            sampling_rate=features["sampling_rate"],
            norm=None if fused else "slaney",
            mel_scale="htk" if fused else "slaney",
        )
        self.register_buffer("filters", torch.tensor(filters, dtype=torch.float32), persistent=False)
        self.register_buffer("window", torch.hann_window(self.fft), persistent=False)

    def forward(self, audio: Tensor) -> Tensor:
        with torch.autocast(audio.device.type, enabled=False):
            spectrum = torch.stft(audio, self.fft, self.hop, window=self.window, return_complex=True)  # (B, bins, L)
            power = spectrum.abs().square().transpose(1, 2) @ self.filters
            return 10 * torch.log10(power.clamp(min=QUIETEST))


class ClapTower(Freezable):
    """The vector of CLAP's audio tower: behind its projection, or the wider one before it.

    Windows shorter than the model's ten seconds are repeated and then followed by
    silence, as in its training; longer ones are averaged over stretches of ten.
    """

    def __init__(
        self,
        sample_rate: int,
        config: dict[str, Any],
        features: dict[str, Any],
        layer: str = "projection",
        trainable: bool = False,
    ) -> None:
        super().__init__()
        if layer not in LAYERS:
            raise UsageError(f"encoder hf: layer {layer!r} of a CLAP model; expected one of {', '.join(LAYERS)}")
        self.resample = Resample(sample_rate, int(features["sampling_rate"]))
        self.length = int(features["sampling_rate"] * features["max_length_s"])  # samples
        self.mel = ClapMel(features)
        self.model = ClapAudioModelWithProjection(ClapAudioConfig(**config))
        self.layer = layer
        self.freeze_unless(trainable)

    def forward(self, audio: Tensor) -> Tensor:
        """Return embeddings (B, D)."""
        stretches = self._of_length(self.resample(audio) * LEVEL)  # (B, N, length)
        mel = self.mel(stretches.flatten(0, 1))[:, None]  # (B · N, 1, L, F)
        if self.model.config.enable_fusion:
            mel = mel.expand(-1, 4, -1, -1)  # nothing to fuse: four times the same
        longer = torch.zeros(len(mel), 1, dtype=torch.bool, device=mel.device)
        if self.layer == "projection":
            vectors = self.model(mel, is_longer=longer).audio_embeds
        else:
            vectors = self.model.audio_model(mel, is_longer=longer).pooler_output
        averaged: Tensor = vectors.reshape(*stretches.shape[:2], -1).mean(dim=1)
        return averaged

    def _of_length(self, audio: Tensor) -> Tensor:
        """Return audio (B, T) as (B, N, length)."""
        times = self.length // audio.shape[1]
        if times == 0:
            return spread(audio, self.length)
        repeated = audio.repeat(1, times)
        return nn.functional.pad(repeated, (0, self.length - repeated.shape[1]))[:, None]

    def get_embedding_dim(self) -> int:
        config = self.model.config
        return int(config.projection_dim if self.layer == "projection" else config.hidden_size)
