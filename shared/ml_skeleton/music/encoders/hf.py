"""Transformers on waveforms (HuBERT, wav2vec 2.0, WavLM, MERT and the like) as encoders."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from transformers import AutoConfig, AutoModel

from ml_skeleton.errors import UsageError
from ml_skeleton.music.encoders.audio_input import LEVEL, Resample
from ml_skeleton.music.encoders.freezing import Freezable
from ml_skeleton.music.encoders.protocol import pool_over_time

# model_type in config.json of what takes plain audio and returns one frame after the other
WAVEFORM_MODELS = (
    *("hubert", "wav2vec2", "wavlm", "data2vec-audio", "unispeech", "unispeech-sat", "sew", "sew-d"),
    "wav2vec2-conformer",
)
POOLINGS: dict[
    str, tuple[int, Callable[[Tensor], Tensor]]
] = {  # of frames (B, C, L): how many C long, and the function
    "mean": (1, lambda frames: frames.mean(dim=2)),
    "mean-max": (2, lambda frames: torch.cat([frames.mean(dim=2), frames.amax(dim=2)], dim=1)),
    "mean-max-deviation": (3, pool_over_time),
}
MEAN_OF_LAYERS = "mean"
NO_CHANCE = {"apply_spec_augment": False, "layerdrop": 0.0}  # drawn by a generator that a training run does not seed


class WaveformTransformer(Freezable):
    """Hidden states of a layer, or the mean of all layers, pooled over time.

    `config` is that of the model, `model_rate` the Hz that it hears; with
    `normalise` it wants each window z-normalised, else audio at the level of music.
    """

    def __init__(
        self,
        sample_rate: int,
        config: dict[str, Any],
        model_rate: int,
        normalise: bool,
        layer: int | str = MEAN_OF_LAYERS,
        pooling: str = "mean-max-deviation",
        trainable: bool = False,
    ) -> None:
        super().__init__()
        if pooling not in POOLINGS:
            raise UsageError(f"encoder hf: pooling {pooling!r}; expected one of {', '.join(POOLINGS)}")
        self.resample = Resample(sample_rate, model_rate)
        self.model = AutoModel.from_config(AutoConfig.for_model(**{**config, **NO_CHANCE}))  # type: ignore[no-untyped-call]
        self.normalise, self.layer = normalise, layer
        self.times, self.pool = POOLINGS[pooling]
        layers = self.model.config.num_hidden_layers
        if layer != MEAN_OF_LAYERS and not (isinstance(layer, int) and -layers <= layer <= layers):
            raise UsageError(f"encoder hf: layer {layer!r}; expected 0 (what goes in) to {layers}, or 'mean' of all")
        self.freeze_unless(trainable)

    def forward(self, audio: Tensor) -> Tensor:
        """Return embeddings (B, D)."""
        audio = self.resample(audio)
        if self.normalise:
            audio = (audio - audio.mean(dim=1, keepdim=True)) / (audio.var(dim=1, keepdim=True) + 1e-7).sqrt()
        else:
            audio = audio * LEVEL
        layers: tuple[Tensor, ...] = self.model(audio, output_hidden_states=True).hidden_states  # each (B, L, C)
        frames = torch.stack(layers).mean(dim=0) if self.layer == MEAN_OF_LAYERS else layers[int(self.layer)]
        return self.pool(frames.transpose(1, 2))

    def get_embedding_dim(self) -> int:
        return self.times * int(self.model.config.hidden_size)
