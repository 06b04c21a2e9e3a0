"""A sketch of how a crop sounds: 32 bits for each eighth of a second, which survive another encoding.

After Haitsma and Kalker, "A Highly Robust Audio Fingerprinting System" (2002):
a bit says whether the difference of two neighbouring bands grows or shrinks with
time, so level, equaliser and codec matter little. Theirs has a frame every 12 ms
and compares neighbouring ones. Ours steps ten times wider, over windows and
changes of a second: it costs a tenth and bears a shift of half a step. Measured
on a real library, 47 of 48 songs are found again that were moved by 50 ms, where
windows of half a second find 33.
"""

import numpy as np
from numpy.typing import NDArray

STEP_S = 0.128
STEPS_PER_WINDOW = 8
STEPS_OF_CHANGE = 8
BITS = 32
LOWEST_HZ, HIGHEST_HZ = 200.0, 1900.0
SILENCE = 1e-7  # mean square of a frame, full scale being 1: -70 dB
NOTHING = np.uint32(0)  # the bits of silence

Bits = NDArray[np.uint32]


def sketch(samples: NDArray[np.int16], rate: int) -> Bits:
    """Return the bits of a crop, 0 where it is silent; empty for one of less than 2.4 s. (L,)"""
    step = round(STEP_S * rate)
    frames = len(samples) // step - 1
    if frames <= STEPS_PER_WINDOW + STEPS_OF_CHANGE:
        return np.zeros(0, np.uint32)
    power = _band_power(samples, step, frames, rate)
    total = np.cumsum(power, axis=0, dtype=np.float64)
    window = np.log(total[STEPS_PER_WINDOW:] - total[:-STEPS_PER_WINDOW] + 1e-12)  # (L', BITS + 1)
    contrast = np.diff(window, axis=1)
    change = contrast[STEPS_OF_CHANGE:] - contrast[:-STEPS_OF_CHANGE]
    bits = np.packbits(change > 0, axis=1, bitorder="little").view("<u4")[:, 0].astype(np.uint32)
    bits[_silent(samples, step)[: len(bits)]] = NOTHING
    return bits


def _band_power(samples: NDArray[np.int16], step: int, frames: int, rate: int) -> NDArray[np.float32]:
    """Return the power in BITS + 1 bands of a frame of two steps, at each step. (frames, BITS + 1)"""
    audio = samples.astype(np.float32) / np.float32(32768)
    views = np.lib.stride_tricks.sliding_window_view(audio, 2 * step)[::step][:frames]
    spectrum = np.fft.rfft(views * np.hanning(2 * step).astype(np.float32), axis=1)
    edges_hz = np.geomspace(LOWEST_HZ, HIGHEST_HZ, BITS + 2)
    edges = np.round(edges_hz / (rate / (2 * step))).astype(int)
    wanted = spectrum[:, : edges[-1]]
    power = wanted.real**2 + wanted.imag**2
    sums: NDArray[np.float32] = np.add.reduceat(power, edges[:-1], axis=1)
    return sums


def _silent(samples: NDArray[np.int16], step: int) -> NDArray[np.bool_]:
    """Return at which steps the window is silent. (L,)"""
    whole = samples[: len(samples) // step * step].reshape(-1, step)
    energy = np.array([np.dot(row, row) for row in whole.astype(np.float32) / np.float32(32768)]) / step
    loudest: NDArray[np.float64] = np.lib.stride_tricks.sliding_window_view(energy, STEPS_PER_WINDOW + 1).max(axis=1)
    return loudest < SILENCE
