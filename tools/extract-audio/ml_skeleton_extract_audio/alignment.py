"""Compares the sound of two crops closely, where their sketches leave it open whether they are one recording.

The logarithmic power in bands, every 16 ms, is freed of what an equaliser, a gain
or a compressor changes: of each band's mean over two seconds, and of each
moment's mean over the bands. What is left is correlated piece by piece. A piece
may lie a little earlier or later than its neighbours, as it does after a change
of speed.
"""

import numpy as np
from numpy.typing import NDArray

HOP_S, WINDOW_S = 0.016, 0.064
BANDS = 32
LOWEST_HZ, HIGHEST_HZ = 150.0, 3500.0
FLOOR = 1e-4  # of a band's mean power: what lies deeper is a codec's noise
LOCAL_MEAN_S = 2.0
PIECE_S = 8.0
SLACK_S = 0.5  # a piece is looked for so far from its place
QUIET = 1e-3  # norm of a piece that is silent or does not change

Pattern = NDArray[np.float32]  # (L, BANDS)


def pattern(samples: NDArray[np.int16], rate: int) -> Pattern:
    """Return how a crop's spectrum changes, whatever its level and tone. (L, BANDS)"""
    hop, window = round(HOP_S * rate), round(WINDOW_S * rate)
    if len(samples) < window:
        return np.zeros((0, BANDS), np.float32)
    audio = samples.astype(np.float32) / np.float32(32768)
    views = np.lib.stride_tricks.sliding_window_view(audio, window)[::hop]
    edges = np.round(np.geomspace(LOWEST_HZ, min(HIGHEST_HZ, rate / 2), BANDS + 1) / (rate / window)).astype(int)
    spectrum = np.fft.rfft(views * np.hanning(window).astype(np.float32), axis=1)[:, : edges[-1] + 1]
    power = np.add.reduceat(spectrum.real**2 + spectrum.imag**2, edges, axis=1)[:, :BANDS]
    level = np.log(power + np.maximum(FLOOR * power.mean(axis=0), 1e-9))
    level -= _local_mean(level, round(LOCAL_MEAN_S / HOP_S) // 2)
    found: Pattern = (level - level.mean(axis=1, keepdims=True)).astype(np.float32)
    return found


def agreement(one: Pattern, other: Pattern, shift_s: float) -> float:
    """Return the mean correlation of the pieces of `one` with `other`, which begins `shift_s` earlier; 1 is the same.

    0 where the two do not overlap, or are silent.
    """
    shift = round(shift_s / HOP_S)
    first, last = max(0, -shift), min(len(one), len(other) - shift)
    size = round(PIECE_S / HOP_S)
    starts = range(first, max(first + 1, last - size + 1), size)
    found = [_best_correlation(one[start : min(start + size, last)], other, start + shift) for start in starts]
    heard = [value for value in found if value is not None]
    return float(np.mean(heard)) if heard else 0.0


def _best_correlation(piece: Pattern, other: Pattern, start: int) -> float | None:
    """Return the best correlation of `piece` with `other` around `start`; None if there is no sound in it."""
    norm = np.linalg.norm(piece)
    if norm < QUIET:
        return None
    slack = round(SLACK_S / HOP_S)
    places = range(max(0, start - slack), min(start + slack, len(other) - len(piece)) + 1)
    there = [other[place : place + len(piece)] for place in places]
    return max((float(np.vdot(piece, part) / (norm * np.linalg.norm(part) + QUIET)) for part in there), default=0.0)


def _local_mean(level: NDArray[np.floating], reach: int) -> NDArray[np.floating]:
    """Return the mean of the rows up to `reach` away."""
    total = np.concatenate([np.zeros((1, level.shape[1])), np.cumsum(level, axis=0, dtype=np.float64)])
    position = np.arange(len(level))
    low, high = np.maximum(position - reach, 0), np.minimum(position + reach + 1, len(level))
    mean: NDArray[np.floating] = (total[high] - total[low]) / (high - low)[:, None]
    return mean
