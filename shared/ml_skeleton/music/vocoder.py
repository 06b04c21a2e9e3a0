"""Time and pitch of a batch of waveforms, each window by a factor of its own."""

import math

import torch
from torch import Tensor

N_FFT = 1024
HOP = 256


def resampled(audio: Tensor, factor: Tensor) -> Tensor:
    """Return audio (B, T) played `factor` (B, 1) times as fast, higher by as much; it begins anew where it ends."""
    position = torch.arange(audio.shape[1], device=audio.device) * factor  # (B, T)
    left = position.long()
    share = position - left
    length = audio.shape[1]
    return audio.gather(1, left % length) * (1 - share) + audio.gather(1, (left + 1) % length) * share


def stretched(audio: Tensor, rate: Tensor) -> Tensor:
    """Return audio (B, T) played `rate` (B, 1) times as fast at the same pitch; it begins anew where it ends.

    A phase vocoder (Flanagan and Golden 1966): magnitudes are read between the
    frames, phases go on by what they advance there.
    """
    window = torch.hann_window(N_FFT, device=audio.device)
    spectrum = torch.stft(audio, N_FFT, HOP, window=window, return_complex=True)  # (B, F, L)
    frames = spectrum.shape[2]
    position = torch.arange(frames, device=audio.device) * rate % (frames - 1)  # (B, L)
    left = position.long()
    share = (position - left)[:, None]  # (B, 1, L)
    here, there = (_frames_at(spectrum, index) for index in (left, left + 1))
    expected = torch.linspace(0, math.pi * HOP, N_FFT // 2 + 1, device=audio.device)[:, None]  # of a hop, (F, 1)
    advance = there.angle() - here.angle() - expected
    advance = expected + advance - 2 * math.pi * torch.round(advance / (2 * math.pi))
    phase = here.angle()[:, :, :1] + torch.cumsum(advance, dim=2) - advance
    magnitude = here.abs() * (1 - share) + there.abs() * share
    return torch.istft(torch.polar(magnitude, phase), N_FFT, HOP, window=window, length=audio.shape[1])


def _frames_at(spectrum: Tensor, index: Tensor) -> Tensor:
    """Return the frames of each spectrum (B, F, L) at its indices (B, L)."""
    return spectrum.gather(2, index[:, None].expand(-1, spectrum.shape[1], -1))
