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
    return [audio[start : start + length] for start in window_starts(len(audio), length)]


def window_starts(samples: int, length: int) -> list[int]:
    """Return where the windows of a crop begin that spread evenly over it; one at 0 for a crop that is shorter."""
    count = max(1, -(-samples // length))
    starts: list[int] = np.linspace(0, max(0, samples - length), count).round().astype(int).tolist()
    return starts


def filled(audio: npt.NDArray[Number], length: int) -> npt.NDArray[Number]:
    """Return the audio, repeated as often as it takes to reach `length` samples."""
    if len(audio) == 0:
        return np.zeros(length, dtype=audio.dtype)
    if len(audio) >= length:
        return audio
    return np.tile(audio, -(-length // len(audio)))[:length]
