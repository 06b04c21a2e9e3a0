"""What is heard in a song: the three measures that the listener of the demo library goes by."""

from dataclasses import dataclass

import numpy as np

from ml_skeleton_demo_library.piece import Samples

LOWEST_HZ, HIGHEST_HZ = 60.0, 8000.0  # what is left of every song at 16 kHz, so that the rule can be heard there too
BANDS = 24
AUDIBLE = 1e-3  # of the mean power: what is 30 dB below it is masked
LEVEL_S = 0.4  # about how long the ear takes to judge loudness


@dataclass(frozen=True)
class Heard:
    """The measures of one song; none of them changes when the song is made louder."""

    brightness: float  # log2 of the spectral centroid in Hz
    pulse: float  # how far strokes stand out of what sounds between them: deviation of the onsets over their mean
    dynamics_db: float  # spread of the short-time level
    rms_db: float  # level below full scale; the listener does not care, a player's volume knob evens it out


def hear(samples: Samples, rate: int) -> Heard:
    """Return the measures of `samples` (frames, channels) at `rate` Hz."""
    mono = samples.mean(axis=1) if samples.shape[1] > 1 else samples[:, 0]
    window = 2 ** round(np.log2(0.046 * rate))
    hz = np.fft.rfftfreq(window, 1 / rate)
    audible = slice(*np.searchsorted(hz, (LOWEST_HZ, HIGHEST_HZ)))
    framed = np.lib.stride_tricks.sliding_window_view(mono, window)[:: window // 2]
    spectra = np.fft.rfft(framed * np.hanning(window).astype(np.float32))[:, audible]
    power = spectra.real**2 + spectra.imag**2  # (frames, bins)
    magnitude = np.sqrt(power.mean(axis=0))
    centroid = float((hz[audible] * magnitude).sum() / (magnitude.sum() + 1e-12))
    return Heard(
        brightness=float(np.log2(max(centroid, LOWEST_HZ))),
        pulse=_pulse(power),
        dynamics_db=_spread_of_level(mono, round(LEVEL_S * rate)),
        rms_db=float(10 * np.log10(np.mean(mono**2) + 1e-12)),
    )


def _pulse(power: np.ndarray) -> float:
    """Return how unevenly the onsets lie in time: 0.1 where everything glides, 2 where there are only strokes."""
    edges = np.unique(np.geomspace(1, power.shape[1], BANDS + 1).astype(int) - 1)[:-1]
    bands = np.log(np.add.reduceat(power, edges, axis=1) / (2 * power.mean() + 1e-12) + AUDIBLE)
    onsets = np.maximum(np.diff(bands, axis=0), 0).sum(axis=1)
    return float(onsets.std() / (onsets.mean() + 1e-9))


def _spread_of_level(mono: Samples, block: int) -> float:
    """Return the distance in dB between the quiet and the loud tenth of the blocks."""
    whole = mono[: len(mono) // block * block].reshape(-1, block)
    if len(whole) < 2:
        return 0.0
    power = np.mean(whole**2, axis=1)
    quiet, loud = np.percentile(10 * np.log10(power / (power.mean() + 1e-12) + AUDIBLE), (10, 90))
    return float(loud - quiet)
