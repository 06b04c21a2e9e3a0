"""The musicnn tagger as a torch network, and the same network untrained as a control.

Pons and Serra 2019, "musicnn: pre-trained convolutional neural networks for music
audio tagging". Filters that are high see timbre, filters that are long see rhythm;
three dense layers in time; maximum and mean over time; one dense layer of 200.
"""

import torch
import torchaudio
from torch import Tensor, nn
from torch.nn import functional

from ml_skeleton.music.encoders.audio_input import LEVEL, Resample, spread
from ml_skeleton.music.encoders.freezing import Freezable

SAMPLE_RATE = 16000
N_FFT, HOP, MEL_BANDS = 512, 256, 96
PATCH = 187  # frames, 3 s
TIMBRE_CHANNELS, RHYTHM_CHANNELS = 204, 51
TIMBRE_HEIGHTS = (38, 67)  # mel bands
RHYTHM_LENGTHS = (128, 64, 32)  # frames
COMPRESSION = 10000.0
EPSILON = 1e-3  # of the original's normalisations


class LogMel(nn.Module):
    """log10(1 + 10000 · mel power) of z-normalised audio (B, T), brought to the level of music: (B, L, F)."""

    def __init__(self, sample_rate: int) -> None:
        super().__init__()
        self.resample = Resample(sample_rate, SAMPLE_RATE)
        self.mel = torchaudio.transforms.MelSpectrogram(
            SAMPLE_RATE, N_FFT, hop_length=HOP, n_mels=MEL_BANDS, norm="slaney", mel_scale="slaney"
        )

    def forward(self, audio: Tensor) -> Tensor:
        with torch.autocast(audio.device.type, enabled=False):  # the original's float16 overflows on loud music
            power = self.mel(self.resample(audio) * LEVEL)
            return torch.log10(1 + COMPRESSION * power).transpose(1, 2)


class Rectified(nn.Module):
    """A convolution, rectified and then normalised, as the original does it."""

    def __init__(self, convolution: nn.Conv1d | nn.Conv2d) -> None:
        super().__init__()
        self.convolution = convolution
        normalise = nn.BatchNorm2d if isinstance(convolution, nn.Conv2d) else nn.BatchNorm1d
        self.norm = normalise(convolution.out_channels, eps=EPSILON)

    def forward(self, maps: Tensor) -> Tensor:
        normalised: Tensor = self.norm(functional.relu(self.convolution(maps)))
        return normalised


class MusiCNN(nn.Module):
    """The network from a patch (B, L, F) of LogMel on; `frames` are what all later figures are pooled from."""

    def __init__(self, middle_channels: int = 64) -> None:
        super().__init__()
        self.norm = nn.BatchNorm2d(1, eps=EPSILON)
        self.timbre = nn.ModuleList(
            Rectified(nn.Conv2d(1, TIMBRE_CHANNELS, (7, height), padding=(3, 0))) for height in TIMBRE_HEIGHTS
        )
        self.rhythm = nn.ModuleList(
            nn.Sequential(  # padded by hand, as torch warns of even lengths
                nn.ZeroPad2d((0, 0, (length - 1) // 2, length // 2)),
                Rectified(nn.Conv2d(1, RHYTHM_CHANNELS, (length, 1))),
            )
            for length in RHYTHM_LENGTHS
        )
        front = TIMBRE_CHANNELS * len(TIMBRE_HEIGHTS) + RHYTHM_CHANNELS * len(RHYTHM_LENGTHS)
        self.middle = nn.ModuleList(
            Rectified(nn.Conv1d(channels, middle_channels, 7, padding=3))
            for channels in (front, middle_channels, middle_channels)
        )
        self.channels = front + middle_channels * len(self.middle)

    def forward(self, patch: Tensor) -> Tensor:
        """Return the channels of all layers over time, (B, C, L)."""
        image = self.norm(patch[:, None])  # (B, 1, L, F)
        front = torch.cat([block(image).amax(dim=3) for block in (*self.timbre, *self.rhythm)], dim=1)
        layers = [front]
        for number, block in enumerate(self.middle):
            layers.append(block(layers[-1]) + (layers[-1] if number else 0.0))
        return torch.cat(layers, dim=1)


def max_and_mean(frames: Tensor) -> Tensor:
    """Return maximum and mean of (B, C, L) over L, as (B, 2C): both of a channel beside each other."""
    return torch.stack([frames.amax(dim=2), frames.mean(dim=2)], dim=2).flatten(1)


class MusiCNNEncoder(Freezable):
    """The 200 numbers before the tags, for each patch of three seconds, averaged over the patches of a window."""

    def __init__(
        self, sample_rate: int = SAMPLE_RATE, middle_channels: int = 64, units: int = 200, trainable: bool = False
    ) -> None:
        super().__init__()
        self.log_mel = LogMel(sample_rate)
        self.network = MusiCNN(middle_channels)
        self.pooled_norm = nn.BatchNorm1d(2 * self.network.channels, eps=EPSILON)
        self.dense = nn.Linear(2 * self.network.channels, units)
        self.norm = nn.BatchNorm1d(units, eps=EPSILON)
        self.freeze_unless(trainable)

    def forward(self, audio: Tensor) -> Tensor:
        return self.of_log_mel(self.log_mel(audio))

    def of_log_mel(self, log_mel: Tensor) -> Tensor:
        """Return embeddings (B, D) of a LogMel (B, L, F)."""
        patches = spread(log_mel, PATCH)  # (B, N, PATCH, F)
        pooled = self.pooled_norm(max_and_mean(self.network(patches.flatten(0, 1))))
        units: Tensor = self.norm(functional.relu(self.dense(pooled)))  # (B · N, D)
        return units.reshape(*patches.shape[:2], -1).mean(dim=1)

    def get_embedding_dim(self) -> int:
        return self.dense.out_features


class RandomWideEncoder(Freezable):
    """A network of musicnn's form that has learned nothing: maximum and mean over time of every channel.

    Pons and Serra 2019, "Randomly weighted CNNs for (music) audio classification":
    what the form of a network knows without training is more than one expects.
    """

    def __init__(self, sample_rate: int = SAMPLE_RATE, seed: int = 42, middle_channels: int = 64) -> None:
        super().__init__()
        self.log_mel = LogMel(sample_rate)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.network = MusiCNN(middle_channels)
        self.freeze_unless(False)

    def forward(self, audio: Tensor) -> Tensor:
        """Return embeddings (B, 2C)."""
        return max_and_mean(self.network(self.log_mel(audio)))

    def get_embedding_dim(self) -> int:
        return 2 * self.network.channels
