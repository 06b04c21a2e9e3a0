"""A control without learning: what music information retrieval measured before networks, by librosa."""

import librosa
import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

Array = npt.NDArray[np.float32]

N_FFT, HOP = 2048, 512
COEFFICIENTS = 20  # of the cepstrum
LOWEST_HZ = 100.0  # of the octave bands in which contrast is measured


class HandcraftedEncoder(nn.Module):
    """Timbre, harmony, contrast, tempo and dynamics of each window.

    Mean, deviation and maximum over time of 20 MFCC and of their change, 12
    chroma, spectral contrast, centroid, bandwidth, flatness, zero crossings and
    loudness; tempo, onset strength and range of loudness. Runs on the CPU, one
    window at a time, so that a window's vector depends on nothing else.
    """

    def __init__(self, sample_rate: int = 16000) -> None:
        super().__init__()
        self.sample_rate = sample_rate
        octaves = int(np.log2(sample_rate / 2 / LOWEST_HZ))
        self.contrast_bands = max(1, octaves - 1)
        self.dimension = len(self.measured(np.zeros(sample_rate, dtype=np.float32)))

    def forward(self, audio: Tensor) -> Tensor:
        """Return features (B, D)."""
        windows = audio.detach().float().cpu().numpy()
        return torch.from_numpy(np.stack([self.measured(window) for window in windows])).to(audio.device)

    def get_embedding_dim(self) -> int:
        return self.dimension

    def measured(self, window: Array) -> Array:
        """Return the features (D,) of a window (T,)."""
        magnitude = np.abs(librosa.stft(window, n_fft=N_FFT, hop_length=HOP))  # (F, L)
        frames = np.concatenate([*self._timbre(magnitude, window), *self._harmony(magnitude)])  # (K, L)
        pooled = [frames.mean(axis=1), frames.std(axis=1), frames.max(axis=1)]
        features: Array = np.nan_to_num(np.concatenate([*pooled, self._rhythm(magnitude)])).astype(np.float32)
        return features

    def _timbre(self, magnitude: Array, window: Array) -> list[Array]:
        mel = librosa.feature.melspectrogram(S=magnitude**2, sr=self.sample_rate)
        cepstrum = librosa.feature.mfcc(S=librosa.power_to_db(mel), n_mfcc=COEFFICIENTS)
        loudness = librosa.feature.rms(S=magnitude, frame_length=N_FFT)
        return [
            cepstrum,
            np.gradient(cepstrum, axis=1),
            librosa.feature.spectral_centroid(S=magnitude, sr=self.sample_rate),
            librosa.feature.spectral_bandwidth(S=magnitude, sr=self.sample_rate),
            librosa.feature.spectral_flatness(S=magnitude),
            librosa.feature.zero_crossing_rate(window, frame_length=N_FFT, hop_length=HOP),
            librosa.amplitude_to_db(loudness, amin=1e-3, top_db=None),
        ]

    def _harmony(self, magnitude: Array) -> list[Array]:
        return [
            librosa.feature.chroma_stft(S=magnitude**2, sr=self.sample_rate, tuning=0.0),
            librosa.feature.spectral_contrast(
                S=magnitude, sr=self.sample_rate, fmin=LOWEST_HZ, n_bands=self.contrast_bands
            ),
        ]

    def _rhythm(self, magnitude: Array) -> Array:
        mel = librosa.power_to_db(librosa.feature.melspectrogram(S=magnitude**2, sr=self.sample_rate))
        onsets = librosa.onset.onset_strength(S=mel, sr=self.sample_rate)
        tempo = librosa.feature.tempo(onset_envelope=onsets, sr=self.sample_rate, hop_length=HOP)
        loudness = librosa.feature.rms(S=magnitude, frame_length=N_FFT)[0]
        soft, loud = np.quantile(librosa.amplitude_to_db(loudness, amin=1e-3, top_db=None), [0.1, 0.9])
        return np.array([np.log2(max(float(tempo[0]), 1.0)), onsets.mean(), onsets.std(), loud - soft])
