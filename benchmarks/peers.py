"""What others describe songs by, as encoders of their own: python benchmarks/quality.py names them peers:Class."""

import torch
import torchaudio
from ml_skeleton.music.encoders.statistics import StatisticsEncoder
from torch import Tensor, nn

SMALL = 1e-8
INTERVALS = [(step,) for step in range(1, 7)]
TRIADS = [(4, 7), (3, 7), (3, 6), (4, 8)]  # major, minor, diminished, augmented


class Mfcc(nn.Module):
    """Mean and deviation of 20 cepstral coefficients, as most taggers and playlist makers begin."""

    hears_level = True

    def __init__(self, sample_rate: int) -> None:
        super().__init__()
        mel = {"n_fft": 2048, "hop_length": 512, "n_mels": 64}
        self.mfcc = torchaudio.transforms.MFCC(sample_rate, 20, melkwargs=mel)

    def forward(self, audio: Tensor, level: Tensor) -> Tensor:
        found = self.mfcc(audio * level[:, None])  # (B, 20, L)
        return torch.cat([found.mean(2), found.std(2)], dim=1)

    def get_embedding_dim(self) -> int:
        return 40


class Bliss(nn.Module):
    """What bliss-audio says it measures, in 23 numbers: tempo, the shape and the loudness of the spectrum, intervals.

    Written from the description of its features, not from its code, so its own figures differ.
    """

    hears_level = True

    def __init__(self, sample_rate: int) -> None:
        super().__init__()
        self.statistics = StatisticsEncoder(sample_rate)

    def forward(self, audio: Tensor, level: Tensor) -> Tensor:
        known, audio = self.statistics, audio * level[:, None]
        frames = audio.unfold(1, known.frame, known.frame // 2)  # (B, L, N)
        power = torch.fft.rfft(frames * known.window, dim=2).abs().square() + SMALL  # (B, L, F)
        hz = torch.linspace(0, known.sample_rate / 2, power.shape[2])
        share = power / power.sum(2, keepdim=True)
        below = share.cumsum(2)
        tracks = torch.stack(
            [
                (share * hz).sum(2),
                (below < 0.95).sum(2) * hz[1],
                power.log().mean(2).exp() / power.mean(2),
                10 * (frames.square().mean(2) + SMALL).log10(),
            ],
            dim=2,
        )  # (B, L, 4)
        crossings = ((audio[:, 1:] * audio[:, :-1]) < 0).float().mean(1, keepdim=True)
        tempo = known._rhythm(audio / level.clamp(min=SMALL)[:, None])[:, 30:31]
        chroma = (power.sqrt() @ known.classes).square()
        chroma = chroma / chroma.amax(2, keepdim=True).clamp(min=SMALL)
        together = [_sounding(chroma, steps) for steps in INTERVALS + TRIADS]
        tonal = torch.stack([*together, chroma.mean((1, 2)), chroma.std(2).mean(1), chroma.std(1).mean(1)], dim=1)
        return torch.cat([tempo, crossings, tracks.mean(1), tracks.std(1), tonal], dim=1)

    def get_embedding_dim(self) -> int:
        return 23


def _sounding(chroma: Tensor, steps: tuple[int, ...]) -> Tensor:
    """Return how strongly pitch classes these steps apart sound together (B,)."""
    product = chroma
    for step in steps:
        product = product * chroma.roll(-step, dims=2)
    return product.sum(2).mean(1)
