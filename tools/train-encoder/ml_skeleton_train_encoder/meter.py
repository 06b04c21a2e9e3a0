"""How fast an epoch goes, and how busy it keeps the device."""

import resource
import time
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from ml_skeleton.utils.memory import GIB


class Meter:
    """Measures the steps of one epoch; `begin` it before the first batch is asked for."""

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self._began = time.perf_counter()
        self._busy_s = 0.0
        self._events: list[tuple[torch.cuda.Event, torch.cuda.Event]] = []
        if device.type == "cuda":
            torch.cuda.reset_peak_memory_stats(device)

    @contextmanager
    def working(self) -> Iterator[None]:
        """Count the time of the block as work, on a GPU by the GPU's own clock."""
        if self._device.type == "cuda":
            first, last = (torch.cuda.Event(enable_timing=True) for _ in range(2))  # type: ignore[no-untyped-call]
            first.record()
            yield
            last.record()
            self._events.append((first, last))
        else:
            began = time.perf_counter()
            yield
            self._busy_s += time.perf_counter() - began

    def figures(self, songs: int, windows: int) -> dict[str, float | None]:
        """Return songs and windows per second, the share of the time that the device worked, and its memory in GiB.

        On a CPU the memory is the most that the process has taken so far.
        """
        if self._device.type == "cuda":
            torch.cuda.synchronize(self._device)
            self._busy_s = sum(first.elapsed_time(last) for first, last in self._events) / 1000
            memory = torch.cuda.max_memory_reserved(self._device)
        else:
            memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
        seconds = time.perf_counter() - self._began
        return {
            "songs_per_s": songs / seconds,
            "windows_per_s": windows / seconds,
            "device_busy": min(1.0, self._busy_s / seconds),
            "memory_gb": memory / GIB,
        }
