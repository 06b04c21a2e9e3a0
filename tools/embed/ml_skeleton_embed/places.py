"""Batches of a fixed shape in which the place of a window depends on its song alone.

A network's last bits depend on the shape of a batch and on the row within it: libraries
choose other kernels for other shapes, and vector instructions end elsewhere than the data.
They don't depend on what stands in the other rows. So every batch has the same
number of rows, and the windows of a song go to rows that follow from its audio_id;
a row for which no window waits is left silent. What else is in a run, in what order,
then cannot change a bit of a vector, while songs still share batches.

With 8 batches of windows waiting, 19 rows in 20 are filled (simulated, 16 rows, songs of 12 windows).
"""

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from zlib import crc32

import numpy as np
import numpy.typing as npt
from ml_skeleton.artifacts.crops import Waveform
from ml_skeleton.artifacts.parts import FULL_SCALE
from ml_skeleton.music.windows import cut_windows

Vector = npt.NDArray[np.float32]  # (D,)

BATCHES_WAITING = 8


@dataclass
class Song:
    """A song whose windows are on their way."""

    audio_id: str
    windows: list[Vector | None]  # what each became so far

    @property
    def is_done(self) -> bool:
        """Whether all its windows have come back."""
        return all(window is not None for window in self.windows)

    def vector(self) -> Vector:
        """Return the mean over all windows (D,)."""
        windows = np.stack([window for window in self.windows if window is not None])  # (W, D)
        vector: Vector = windows.mean(axis=0, dtype=np.float64).astype(np.float32)
        return vector


@dataclass(frozen=True)
class Batch:
    """Windows as the crops hold them; `(samples - mean) * scale` is z-normalised."""

    samples: npt.NDArray[np.int16]  # (B, T)
    mean: npt.NDArray[np.float32]  # (B,) in units of a sample
    scale: npt.NDArray[np.float32]  # (B,) 0 for silence
    places: tuple[tuple[int, Song, int], ...]  # row, song, number of the window in it


@dataclass(frozen=True)
class _Waiting:
    song: Song
    number: int
    samples: npt.NDArray[np.int16]
    mean: float
    scale: float


def batches(songs: Iterable[tuple[str, Sequence[Waveform]]], rows: int, length: int) -> Iterator[Batch]:
    """Yield all windows of the songs in batches of `rows` windows of `length` samples."""
    queues: list[deque[_Waiting]] = [deque() for _ in range(rows)]
    waiting = 0
    for audio_id, waveforms in songs:
        windows = [(waveform, window) for waveform in waveforms for window in cut_windows(waveform.samples, length)]
        song, first = Song(audio_id, [None] * len(windows)), first_row(audio_id, rows)
        for number, (waveform, window) in enumerate(windows):
            scale = 1.0 / (waveform.std * FULL_SCALE) if waveform.std > 0 else 0.0
            queues[(first + number) % rows].append(_Waiting(song, number, window, waveform.mean * FULL_SCALE, scale))
        waiting += len(windows)
        while waiting >= BATCHES_WAITING * rows:
            batch = _next(queues, length)
            waiting -= len(batch.places)
            yield batch
    while any(queues):
        yield _next(queues, length)


def first_row(audio_id: str, rows: int) -> int:
    """Return where the windows of a song begin: any row, the same for the same song."""
    return crc32(audio_id.encode()) % rows


def _next(queues: Sequence[deque[_Waiting]], length: int) -> Batch:
    samples = np.zeros((len(queues), length), np.int16)
    mean, scale = np.zeros(len(queues), np.float32), np.zeros(len(queues), np.float32)
    places = []
    for row, queue in enumerate(queues):
        if queue:
            window = queue.popleft()
            samples[row], mean[row], scale[row] = window.samples, window.mean, window.scale
            places.append((row, window.song, window.number))
    return Batch(samples, mean, scale, tuple(places))
