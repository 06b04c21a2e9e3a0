"""Reads crops ahead, in a thread, while the encoder is at work."""

from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import groupby
from typing import TypeVar

from ml_skeleton.artifacts.crops import Crops, Waveform

Item = TypeVar("Item")

AHEAD = 2  # items


def songs_of(crops: Crops, wanted: set[str]) -> Iterator[tuple[str, list[Waveform]]]:
    """Yield each wanted recording with its crops, which follow each other, as they were written together."""
    for audio_id, waveforms in groupby(_waveforms(crops, wanted), key=lambda waveform: waveform.audio_id):
        yield audio_id, list(waveforms)


def _waveforms(crops: Crops, wanted: set[str]) -> Iterator[Waveform]:
    for group in crops.groups:
        if wanted.intersection(group.audio_ids):
            yield from (waveform for waveform in crops.read(group) if waveform.audio_id in wanted)


def ahead(items: Iterator[Item]) -> Iterator[Item]:
    """Yield `items`, the next two of them made by a thread in the meantime."""
    with ThreadPoolExecutor(1) as reader:
        coming: deque[Future[Item | None]] = deque(reader.submit(next, items, None) for _ in range(AHEAD))
        try:
            while (item := coming.popleft().result()) is not None:
                coming.append(reader.submit(next, items, None))
                yield item
        finally:
            for future in coming:
                future.cancel()
