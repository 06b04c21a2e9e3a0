"""Which windows an epoch hears in which order, and the windows themselves, ahead of time.

The order follows from the audio_ids of the songs and the seed alone: neither from
the order in which crops were written nor from where they are kept.
"""

from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from ml_skeleton.artifacts.crop_samples import CropIndex, Integers
from ml_skeleton.errors import UserError
from torch import Tensor

from ml_skeleton_train_encoder.parallel import ALONE, Team
from ml_skeleton_train_encoder.stores import Store, Windows

AHEAD = 2  # batches on their way while the device is busy with another
READERS = 2  # threads


@dataclass(frozen=True)
class Batch:
    """Windows of one step, as the crops hold them."""

    samples: Tensor  # (B, T) int16
    mean: Tensor  # (B, 1) float32, in units of a sample
    scale: Tensor  # (B, 1) float32; 0 for silence

    def audio(self) -> Tensor:
        """Return z-normalised audio (B, T) float32."""
        return self.samples.float().sub_(self.mean).mul_(self.scale)


@dataclass(frozen=True)
class Step:
    """What one step of the training hears; N processes hear a share each."""

    windows: Windows  # of this process
    songs: Integers  # of the windows of all processes, one process after the other; rows of the training songs
    shares: tuple[int, ...]  # windows of each process


class Epochs:
    """The steps of every epoch: all windows of a song stand in one batch, and batches are as even as songs allow."""

    def __init__(
        self, index: CropIndex, batch_size: int, windows_per_crop: int, length: int, seed: int, team: Team = ALONE
    ) -> None:
        """Plan for the crops of `index`; `batch_size` is the most windows of a batch, unless one song has more."""
        _, self.first, self.crops = np.unique(index.audio_ids, return_index=True, return_counts=True)  # of each song
        self.windows_per_crop, self.seed, self.team = windows_per_crop, seed, team
        self.spare = np.maximum(index.samples - length, 0)
        if len(self.first) < team.size:
            raise UserError(f"{len(self.first)} songs for {team.size} processes: each needs one; start fewer")
        songs_per_batch = max(1, batch_size // (int(self.crops.max()) * windows_per_crop))
        self.steps = min(-(-len(self.first) // songs_per_batch), len(self.first) // team.size)
        self.songs, self.windows = len(self.first), len(index) * windows_per_crop

    def plan(self, epoch: int) -> list[Step]:
        """Return the steps of an epoch, counted from 0."""
        random = np.random.default_rng([self.seed, epoch])
        order = random.permutation(self.songs)
        places = random.random((len(self.spare), self.windows_per_crop))  # in its crop, 0 to 1
        return [self._step(songs, places) for songs in np.array_split(order, self.steps)]

    def _step(self, songs: Integers, places: npt.NDArray[np.float64]) -> Step:
        cut = [self._cut(songs[rank :: self.team.size], places) for rank in range(self.team.size)]
        return Step(
            windows=cut[self.team.rank][0],
            songs=np.concatenate([songs_of_windows for _, songs_of_windows in cut]),
            shares=tuple(len(windows) for windows, _ in cut),
        )

    def _cut(self, songs: Integers, places: npt.NDArray[np.float64]) -> tuple[Windows, Integers]:
        """Return all windows of these songs, and the song of each."""
        counts = self.crops[songs]
        within = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
        crops = np.repeat(self.first[songs], counts) + within
        starts = (places[crops] * (self.spare[crops, None] + 1)).astype(np.int64)
        windows = Windows(np.repeat(crops, self.windows_per_crop), starts.ravel())
        return windows, np.repeat(songs, counts * self.windows_per_crop)


def fetched(store: Store, plan: Sequence[Windows], device: torch.device) -> Iterator[Batch]:
    """Yield the windows of a plan; from a store that reads ahead, the next ones are fetched by threads meanwhile."""
    if not store.reads_ahead:
        for windows in plan:
            yield _on_device(store, store.fetch(windows), windows, device)
        return
    with ThreadPoolExecutor(READERS) as readers:
        coming: deque[Future[Tensor]] = deque(readers.submit(store.fetch, windows) for windows in plan[:AHEAD])
        try:
            for number, windows in enumerate(plan):
                samples = coming.popleft().result()
                if number + AHEAD < len(plan):
                    coming.append(readers.submit(store.fetch, plan[number + AHEAD]))
                yield _on_device(store, samples, windows, device)
        finally:
            for future in coming:
                future.cancel()


def _on_device(store: Store, samples: Tensor, windows: Windows, device: torch.device) -> Batch:
    measures = np.stack([store.index.mean[windows.rows], store.index.scale[windows.rows]])
    mean, scale = torch.from_numpy(measures).to(device, non_blocking=True)[:, :, None]  # (2, B, 1)
    return Batch(samples.to(device, non_blocking=True), mean, scale)
