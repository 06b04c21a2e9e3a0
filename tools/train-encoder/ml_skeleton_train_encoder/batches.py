"""Batches of windows, cut out of the crops while they are read."""

from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor

import numpy as np
import torch
from ml_skeleton.artifacts.crops import CropGroup, Crops, Waveform
from ml_skeleton.music.splits import TRAIN
from ml_skeleton.music.windows import Audio, random_window
from torch import Tensor

from ml_skeleton_train_encoder.songs import SongSet

READ_AHEAD = 4  # groups of eight crops: 60 MB at 60 s and 16 kHz
SHUFFLED_GROUPS = 16  # groups whose songs are mixed with each other, within a shuffled order of all groups


def waveforms(crops: Crops, groups: Sequence[CropGroup], wanted: set[str]) -> Iterator[Waveform]:
    """Yield the wanted crops of `groups` in order; a thread reads ahead."""
    groups = [group for group in groups if wanted.intersection(group.audio_ids)]
    with ThreadPoolExecutor(1) as reader:
        ahead: deque[Future[list[Waveform]]] = deque()
        for position in range(len(groups) + READ_AHEAD):
            if position < len(groups):
                ahead.append(reader.submit(crops.read, groups[position]))
            if position >= READ_AHEAD:
                yield from (crop for crop in ahead.popleft().result() if crop.audio_id in wanted)


def training_batches(
    songs: SongSet, length: int, batch_size: int, windows_per_crop: int, random: np.random.Generator
) -> Iterator[tuple[Tensor, Tensor]]:
    """Yield one epoch: audio (B, length) float32 and rows of their songs (B,), every crop `windows_per_crop` times.

    Groups of crops are read in a random order, the crops of neighbouring groups
    are shuffled, so that the disk sees large reads at any size of library.
    """
    row_of = {recording.audio_id: row for row, recording in enumerate(songs.sides[TRAIN])}
    order = [songs.crops.groups[i] for i in random.permutation(len(songs.crops.groups))]
    held: list[tuple[Audio, int]] = []
    capacity = SHUFFLED_GROUPS * 8 * windows_per_crop
    for waveform in waveforms(songs.crops, order, set(row_of)):
        for _ in range(windows_per_crop):
            held.append((random_window(waveform, length, random), row_of[waveform.audio_id]))
        while len(held) >= capacity + batch_size:
            yield _batch(held, batch_size, random)
    while held:
        yield _batch(held, min(batch_size, len(held)), random)


def _batch(held: list[tuple[Audio, int]], size: int, random: np.random.Generator) -> tuple[Tensor, Tensor]:
    """Take `size` random items out of `held`."""
    chosen = sorted(random.choice(len(held), size, replace=False), reverse=True)
    items = [held.pop(index) for index in chosen]
    return torch.from_numpy(np.stack([window for window, _ in items])), torch.tensor([row for _, row in items])
