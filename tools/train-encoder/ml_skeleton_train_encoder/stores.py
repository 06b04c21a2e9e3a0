"""Where crops are while an encoder trains on them: in the device's memory, in the host's, or on disk.

All three give the same windows; what differs is how they get to the device.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt
import torch
from ml_skeleton.artifacts.crop_samples import UNKNOWN, CropIndex, Integers, Samples, read_samples, read_window
from ml_skeleton.console import counted, note
from ml_skeleton.errors import UserError
from ml_skeleton.music.devices import GIB, free_host_memory
from ml_skeleton.music.windows import filled
from torch import Tensor

from ml_skeleton_train_encoder.settings import CropsIn

BYTES = 2  # of a sample
DEVICE_RESERVE = int(2.5 * GIB)  # of a GPU, for what else there is; leaves room for 12,000 crops of a minute in 24
HOST_RESERVE = 0.3  # of the free main memory, for network, activations and everybody else
PIECE = 1 << 26  # samples that go to a GPU at a time

Rows = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Windows:
    """Windows to cut: the row of the crop in the index, and the sample to begin at; arrays (B,)."""

    rows: Rows
    starts: Rows

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, chosen: slice | Rows) -> "Windows":
        return Windows(self.rows[chosen], self.starts[chosen])


class Store(Protocol):
    """Crops to cut windows out of."""

    index: CropIndex
    length: int  # samples in a window
    reads_ahead: bool  # whether `fetch` is work that a thread should do while the device is busy

    def fetch(self, windows: Windows) -> Tensor:
        """Return (B, T) int16, on the device or in memory that it copies from fast."""
        ...


class MemoryStore:
    """All crops one after the other in one tensor, on the device or in the host's memory.

    A crop shorter than a window is repeated until it fills one.
    """

    def __init__(self, index: CropIndex, length: int, device: torch.device, place: torch.device) -> None:
        """Read the crops into the memory of `place`, for training on `device`."""
        self.index, self.length = index, length
        self.reads_ahead, self.pinned = place != device, device.type == "cuda"
        sizes = np.maximum(index.samples, length)
        self.places: Integers = np.concatenate([[0], np.cumsum(sizes)])
        self.flat = torch.empty(int(self.places[-1]), dtype=torch.int16, device=place)
        for rows in _pieces(self.places):
            first, last = int(self.places[rows.start]), int(self.places[rows.stop])
            host = self.flat[first:last] if place.type == "cpu" else torch.empty(last - first, dtype=torch.int16)
            samples: Samples = host.numpy()
            read_samples(index[rows], samples, self.places[rows] - first)
            _fill_up(samples, index.samples[rows], self.places[rows.start : rows.stop + 1] - first)
            if host is not self.flat:
                self.flat[first:last].copy_(host)

    def fetch(self, windows: Windows) -> Tensor:
        positions = torch.from_numpy(self.places[windows.rows] + windows.starts)
        cut = self.flat.unfold(0, self.length, 1)  # (N, T), a view in which neighbours overlap
        if not self.reads_ahead:
            return cut[positions.to(self.flat.device, non_blocking=True)]
        batch = torch.empty(len(windows), self.length, dtype=torch.int16, pin_memory=self.pinned)
        return torch.index_select(cut, 0, positions, out=batch)


class DiskStore:
    """Windows are read from the parts when they are wanted."""

    reads_ahead = True

    def __init__(self, index: CropIndex, length: int, device: torch.device) -> None:
        if (index.offset == UNKNOWN).any():
            part = index.part[index.offset == UNKNOWN][0]
            raise UserError(f"{part}: was written by another program, so that windows cannot be read from disk one by "
                            "one; extract again, or try --crops-in host")  # fmt: skip
        self.index, self.length = index, length
        self.pinned = device.type == "cuda"

    def fetch(self, windows: Windows) -> Tensor:
        batch = torch.empty(len(windows), self.length, dtype=torch.int16, pin_memory=self.pinned)
        for window, row, start in zip(batch.numpy(), windows.rows.tolist(), windows.starts.tolist(), strict=True):
            samples = int(self.index.samples[row])
            if samples >= self.length:
                read_window(self.index, row, start, window)
            else:
                crop = np.empty(samples, np.int16)
                read_window(self.index, row, 0, crop)
                window[:] = filled(crop, self.length)
        return batch


def open_store(index: CropIndex, length: int, device: torch.device, wanted: CropsIn, budget: int) -> Store:
    """Return the crops in the wanted memory; "auto" is that of the device if its `budget` in bytes holds them."""
    size = int(np.maximum(index.samples, length).sum()) * BYTES
    place = wanted if wanted != "auto" else fastest_place(size, device, budget)
    where = {"device": f"the memory of {device}", "host": "main memory", "disk": "the folder, read window by window"}
    note(f"{counted(len(index), 'crop')}, {size / GIB:.2f} GiB, in {where[place]}")
    if place == "disk":
        return DiskStore(index, length, device)
    return MemoryStore(index, length, device, device if place == "device" else torch.device("cpu"))


def fastest_place(size: int, device: torch.device, budget: int) -> CropsIn:
    """Return where `size` bytes of crops go: a GPU whose budget holds them, else main memory, else nowhere."""
    if device.type == "cuda" and size <= budget - DEVICE_RESERVE:
        return "device"
    return "host" if size <= free_host_memory() * (1 - HOST_RESERVE) else "disk"


def _pieces(places: Integers) -> Iterator[slice]:
    """Yield runs of rows of about PIECE samples."""
    first = 0
    while first < len(places) - 1:
        last = max(first + 1, int(np.searchsorted(places, places[first] + PIECE, "right")) - 1)
        yield slice(first, last)
        first = last


def _fill_up(samples: Samples, lengths: Integers, places: Integers) -> None:
    """Repeat each crop that is shorter than its place."""
    for row in np.flatnonzero(lengths < np.diff(places)):
        first, last = places[row], places[row + 1]
        samples[first:last] = filled(samples[first : first + lengths[row]].copy(), int(last - first))
