"""Windows: the short stretches of a crop that an encoder hears at a time."""

from typing import TypeVar

import numpy as np
import numpy.typing as npt

from ml_skeleton.artifacts.crops import Waveform

Audio = npt.NDArray[np.float32]
Number = TypeVar("Number", np.float32, np.int16)


def all_windows(waveform: Waveform, length: int) -> Audio:
    """Return the crop as z-normalised windows (W, length), see cut_windows."""
    return np.stack(cut_windows(waveform.normalised(), length))


def cut_windows(audio: npt.NDArray[Number], length: int) -> list[npt.NDArray[Number]]:
    """Return windows (length,) of audio (T,), evenly spread from its start to its end; views where they can be.

    Neighbours overlap by less than one window. Audio shorter than a window is
    repeated until it fills one, since silence behind it would sound like its end.
    """
    audio = filled(audio, length)
    count = -(-len(audio) // length)
    starts = np.linspace(0, len(audio) - length, count).round().astype(int)
    return [audio[start : start + length] for start in starts]


def random_window(waveform: Waveform, length: int, random: np.random.Generator) -> Audio:
    """Return one window (length,) that begins anywhere in the crop."""
    spare = len(waveform.samples) - length
    if spare <= 0:
        return filled(waveform.normalised(), length)
    start = int(random.integers(spare + 1))
    cut = Waveform(waveform.audio_id, waveform.samples[start : start + length], waveform.mean, waveform.std)
    return cut.normalised()


def filled(audio: npt.NDArray[Number], length: int) -> npt.NDArray[Number]:
    """Return the audio, repeated as often as it takes to reach `length` samples."""
    if len(audio) == 0:
        return np.zeros(length, dtype=audio.dtype)
    if len(audio) >= length:
        return audio
    return np.tile(audio, -(-length // len(audio)))[:length]
