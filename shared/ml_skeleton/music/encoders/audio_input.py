"""Audio as a pretrained model wants it: at its rate, its level and its length."""

import torch
import torchaudio
from torch import Tensor, nn

LEVEL = 0.1  # root mean square of music at full scale 1, -20 dB; z-normalised audio has 1


class Resample(nn.Module):
    """Audio (B, T) from one sample rate in Hz to another."""

    def __init__(self, before: int, after: int) -> None:
        super().__init__()
        same = before == after
        self.resample = nn.Identity() if same else torchaudio.transforms.Resample(before, after)

    def forward(self, audio: Tensor) -> Tensor:
        resampled: Tensor = self.resample(audio)
        return resampled


def spread(sequence: Tensor, length: int) -> Tensor:
    """Return (B, T, …) as N stretches of `length`, evenly from its start to its end: (B, N, length, …).

    Neighbours overlap by less than one; a sequence that is too short is repeated.
    """
    total = sequence.shape[1]
    if total < length:
        repeated = [1, -(-length // total), *[1] * (sequence.dim() - 2)]
        return sequence.repeat(*repeated)[:, None, :length]
    count = -(-total // length)
    starts = [round(number * (total - length) / max(count - 1, 1)) for number in range(count)]
    return torch.stack([sequence[:, start : start + length] for start in starts], dim=1)
