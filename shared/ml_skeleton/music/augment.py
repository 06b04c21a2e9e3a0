"""Augmentation: what makes two windows of a song differ, on the device, on z-normalised waveforms."""

import math
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from ml_skeleton.music.vocoder import resampled, stretched

GAIN_DB = 6.0  # at most, up or down
EQ_DB, EQ_POINTS = 4.0, 8  # deviation of the random curve, and its points over the octaves
SNR_DB = (10.0, 40.0)
TIME_MASKED = 0.2  # of the window, at most
OCTAVES_MASKED = 1.0  # at most
LOWEST_HZ = 60.0  # of what an equaliser or a mask changes
STRETCH = 1.25  # faster or slower, at most
SEMITONES = 2.0  # up or down, at most


class Augment(nn.Module):
    """Changes each window in ways that do not make it another song; in eval mode, none.

    Every change has a probability of its own, by the names of
    objectives.AUGMENTATIONS; what is not named is off. Chance comes from a
    generator of its own, whose state is part of state_dict.
    """

    def __init__(self, probabilities: Mapping[str, float], sample_rate: int, seed: int) -> None:
        super().__init__()
        self.probabilities = {name: share for name, share in probabilities.items() if share > 0}
        self.sample_rate = sample_rate
        self._generator = torch.Generator().manual_seed(seed)

    def reseed(self, seed: int) -> None:
        """Begin a new sequence of chance."""
        self._generator.manual_seed(seed)

    @torch.no_grad()
    def forward(self, audio: Tensor) -> Tensor:
        """Return audio (B, T) float32, changed."""
        if not self.training or not self.probabilities:
            return audio
        self._follow(audio.device)
        for change in (self._stretch, self._pitch, self._filter, self._noise, self._mask_time, self._gain):
            audio = change(audio)
        return audio

    def _stretch(self, audio: Tensor) -> Tensor:
        """Play faster or slower at the same pitch."""
        chosen = self._chosen("stretch", audio)
        if chosen is None:
            return audio
        return torch.where(chosen, stretched(audio, STRETCH ** self._between(-1, 1, audio)), audio)

    def _pitch(self, audio: Tensor) -> Tensor:
        """Play higher or lower at the same speed."""
        chosen = self._chosen("pitch", audio)
        if chosen is None:
            return audio
        factor = 2 ** (self._between(-SEMITONES, SEMITONES, audio) / 12)
        return torch.where(chosen, stretched(resampled(audio, factor), 1 / factor), audio)

    def _filter(self, audio: Tensor) -> Tensor:
        """Colour the sound by a smooth random curve, and stop a band."""
        equalised, stopped = self._chosen("eq", audio), self._chosen("frequency-mask", audio)
        if equalised is None and stopped is None:
            return audio
        octave = self._octaves(audio)  # (F,)
        response = torch.ones(len(audio), len(octave), device=audio.device)
        if equalised is not None:
            response = torch.where(equalised, 10 ** (self._curve_db(octave, audio) / 20), response)
        if stopped is not None:
            low = self._between(0, 1, audio) * octave[-1]
            width = self._between(0, OCTAVES_MASKED, audio)
            response = response.masked_fill(stopped & (octave >= low) & (octave < low + width), 0.0)
        filtered: Tensor = torch.fft.irfft(torch.fft.rfft(audio) * response, n=audio.shape[1])
        return filtered

    def _noise(self, audio: Tensor) -> Tensor:
        """Add white noise."""
        chosen = self._chosen("noise", audio)
        if chosen is None:
            return audio
        level = audio.square().mean(dim=1, keepdim=True).sqrt() * 10 ** (-self._between(*SNR_DB, audio) / 20)
        noise = torch.randn(audio.shape, generator=self._generator, device=audio.device)
        return audio + noise * level * chosen

    def _mask_time(self, audio: Tensor) -> Tensor:
        """Silence a stretch."""
        chosen = self._chosen("time-mask", audio)
        if chosen is None:
            return audio
        place = torch.linspace(0, 1, audio.shape[1], device=audio.device)
        width = self._between(0, TIME_MASKED, audio)
        start = self._between(0, 1, audio) * (1 - width)
        return audio.masked_fill(chosen & (place >= start) & (place < start + width), 0.0)

    def _gain(self, audio: Tensor) -> Tensor:
        """Make it louder or softer."""
        chosen = self._chosen("gain", audio)
        if chosen is None:
            return audio
        return torch.where(chosen, audio * 10 ** (self._between(-GAIN_DB, GAIN_DB, audio) / 20), audio)

    def _chosen(self, name: str, audio: Tensor) -> Tensor | None:
        """Return which windows are to be changed, (B, 1), or None if the change is off."""
        share = self.probabilities.get(name)
        return None if share is None else self._between(0, 1, audio) < share

    def _between(self, low: float, high: float, audio: Tensor) -> Tensor:
        """Return a random number for each window, (B, 1)."""
        return low + (high - low) * torch.rand(len(audio), 1, generator=self._generator, device=audio.device)

    def _octaves(self, audio: Tensor) -> Tensor:
        """Return how many octaves above LOWEST_HZ each frequency of the spectrum is, (F,); below it, negative."""
        frequencies = torch.fft.rfftfreq(audio.shape[1], 1 / self.sample_rate, device=audio.device)
        return torch.log2(frequencies.clamp(min=1.0) / LOWEST_HZ)

    def _curve_db(self, octave: Tensor, audio: Tensor) -> Tensor:
        """Return random decibels, piecewise linear over the octaves, (B, F)."""
        points = EQ_DB * torch.randn(len(audio), EQ_POINTS, generator=self._generator, device=audio.device)
        top = math.log2(self.sample_rate / 2 / LOWEST_HZ)
        position = (octave / top * (EQ_POINTS - 1)).clamp(0, EQ_POINTS - 1.001)
        left, share = position.long(), position.frac()
        return points[:, left] * (1 - share) + points[:, left + 1] * share

    def _follow(self, device: torch.device) -> None:
        """Move the generator to the device of the audio, where it goes on from its seed."""
        if self._generator.device != device:
            self._generator = torch.Generator(device).manual_seed(self._generator.initial_seed())

    def get_extra_state(self) -> dict[str, Any]:
        """Return the state of chance, for state_dict."""
        return {"device": str(self._generator.device), "state": self._generator.get_state()}

    def set_extra_state(self, state: dict[str, Any]) -> None:
        """Take over the state of chance from a state_dict."""
        self._generator = torch.Generator(state["device"])
        self._generator.set_state(state["state"])
