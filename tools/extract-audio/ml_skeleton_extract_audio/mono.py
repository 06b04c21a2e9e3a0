"""Sound on its way from the decoder's frames to the samples of a crop: mixed to mono, cut, resampled, rounded."""

import math
from collections import deque
from collections.abc import Iterable, Iterator
from fractions import Fraction
from typing import Any

import av
import numpy as np
import soxr
from av.audio.frame import AudioFrame
from numpy.typing import NDArray

Mono = NDArray[np.float32]

BLOCK = 2**15  # samples; in stereo this and what is made of it stay in the second-level cache
MOST_PLANES = 8  # 7.1; FFmpeg keeps more in another place, beyond the end of which PyAV 18 reads
NO_TIMES = Fraction(0)  # the time base that tells a queue, by its first frame, not to insist on seamless timestamps
FULL_SCALE = 2.0**15  # samples carry the scale of the int16 that they end as

# by FFmpeg's name of the sample format, less the p for planar: type, the value that is full scale, the value of silence
SAMPLE_TYPES: dict[str, tuple[type[np.generic], float, float]] = {
    "u8": (np.uint8, 2.0**7, 2.0**7),
    "s16": (np.int16, 2.0**15, 0.0),
    "s32": (np.int32, 2.0**31, 0.0),
    "s64": (np.int64, 2.0**63, 0.0),
    "flt": (np.float32, 1.0, 0.0),
    "dbl": (np.float64, 1.0, 0.0),
}


def downmix(frame: AudioFrame) -> Mono:
    """Return the mean of the channels, full scale being FULL_SCALE. (T,)

    Adding channel to channel costs a twentieth of numpy's mean over interleaved
    samples, and FFmpeg's own downmix is 3 dB louder and clips.
    """
    sample_type, full_scale, silence = SAMPLE_TYPES[frame.format.name.removesuffix("p")]
    parts = _channels(frame, sample_type)
    if len(parts) == 1:
        mono = parts[0].astype(np.float32)
    else:
        mono = np.add(parts[0], parts[1], dtype=np.float32)
        for part in parts[2:]:
            mono += part
    if silence:
        mono -= np.float32(silence * len(parts))
    mono *= np.float32(FULL_SCALE / (full_scale * len(parts)))
    return mono


def _channels(frame: AudioFrame, sample_type: type[np.generic]) -> list[NDArray[Any]]:
    count = frame.layout.nb_channels
    planes: tuple[Any, ...] = frame.planes[
        :count
    ]  # PyAV 18 may append some that do not exist, and a read of them crashes
    if frame.format.is_planar:
        return [np.frombuffer(plane, sample_type, frame.samples) for plane in planes]
    interleaved = np.frombuffer(planes[0], sample_type, frame.samples * count)
    return list(interleaved.reshape(-1, count).T)


class Recording:
    """Mono sound as the decoder gives it, of which the latest `keep` samples are held."""

    def __init__(self, rate: int, keep: float = math.inf) -> None:
        self.rate = rate
        self.first = 0  # sample index in the file of the first sample ever written
        self.written = 0
        self.refused = 0  # samples of frames that were left out
        self.refusal: str | None = None  # why, of the last one
        self._keep, self._held = keep, 0
        self._blocks: deque[Mono] = deque()
        self._queue, self._channels = av.AudioFifo(), 0
        self._mix_at = BLOCK

    def write(self, packets: Iterable[list[AudioFrame]], until: float = math.inf) -> None:
        """Append the frames of decoded packets until `until` samples are written or there are no more.

        A frame that a damaged file gives another sample rate or dozens of channels is
        left out. Thousands of frames come by, each worth 15 us of decoding, so this
        loop asks no more of one than it must.
        """
        for frames in packets:
            for frame in frames:
                # asked first: the queue would not notice, and read behind the last plane
                if frame.layout.nb_channels == self._channels or self._renew_queue(frame):
                    try:
                        self._queue.write(frame)
                    except ValueError:  # of another sample rate or format
                        if not self._renew_queue(frame):
                            continue
                        self._queue.write(frame)
                    self.written += frame.samples
            if self.written >= self._mix_at:
                self.mix()
            if self.written >= until:
                return

    def mix(self) -> None:
        """Turn what is queued into a block of mono sound, and forget what is too old."""
        self._mix_at = self.written + BLOCK
        queued = self._queue.read()
        if queued is None:
            return
        with np.errstate(over="ignore", invalid="ignore"):  # damaged float samples; to_int16 deals with them
            self._blocks.append(downmix(queued))
        self._held += queued.samples
        while self._held - len(self._blocks[0]) >= self._keep:
            self._held -= len(self._blocks.popleft())

    def _renew_queue(self, frame: AudioFrame) -> bool:
        """Begin a queue for frames of this kind; return False for a kind that cannot be had."""
        channels = frame.layout.nb_channels
        if frame.sample_rate != self.rate:
            self.refusal = f"its sample rate changes from {self.rate} to {frame.sample_rate} Hz"
        elif frame.format.is_planar and channels > MOST_PLANES:
            self.refusal = f"{channels} channels, expected {MOST_PLANES} at most"
        else:
            self.mix()
            self._queue, self._channels = av.AudioFifo(), channels
            frame.time_base = NO_TIMES
            return True
        self.refused += frame.samples
        return False

    @property
    def start(self) -> int:
        """Sample index in the file of the first sample held."""
        return self.stop - self._held

    @property
    def stop(self) -> int:
        """Sample index in the file behind the last sample held."""
        return self.first + self.written

    def cut(self, start: int, stop: int) -> list[Mono]:
        """Return the sound from sample index `start` to `stop`, in pieces, as far as it is held."""
        pieces = []
        position = self.start
        for block in self._blocks:
            piece = block[max(0, start - position) : max(0, stop - position)]
            if len(piece):
                pieces.append(piece)
            position += len(block)
        return pieces


def to_int16(pieces: list[Mono], rate: int, new_rate: int) -> tuple[NDArray[np.int16], bool]:
    """Return `pieces` in a row at `new_rate`, and whether samples that are no numbers were silenced. (T,)"""
    samples = _converted(pieces, rate, new_rate)
    if samples is not None:
        return samples, False
    loudest = 8 * FULL_SCALE
    numbers = [np.nan_to_num(piece, nan=0.0, posinf=0.0, neginf=0.0).clip(-loudest, loudest) for piece in pieces]
    silenced = _converted(numbers, rate, new_rate)
    assert silenced is not None
    return silenced, True


def _converted(pieces: list[Mono], rate: int, new_rate: int) -> NDArray[np.int16] | None:
    """Return `pieces` resampled and rounded, each while it is in the cache; None if not all of it is numbers. (T,)"""
    rounded = [np.zeros(0, np.int16)]
    for samples in _resampled(pieces, rate, new_rate):
        with np.errstate(over="ignore", invalid="ignore"):
            total = samples.sum()
        if not np.isfinite(total):  # one sample that is no number spreads to its neighbours, and to the sum
            return None
        np.rint(samples, out=samples)
        np.clip(samples, -FULL_SCALE, FULL_SCALE - 1, out=samples)
        rounded.append(samples.astype(np.int16))
    return np.concatenate(rounded)


def _resampled(pieces: list[Mono], rate: int, new_rate: int) -> Iterator[Mono]:
    if rate == new_rate:
        yield from (piece.copy() for piece in pieces)
        return
    soxr_hq = soxr.ResampleStream(rate, new_rate, 1, dtype="float32", quality="HQ")
    last = len(pieces) - 1
    for number, piece in enumerate(pieces):
        yield soxr_hq.resample_chunk(piece, last=number == last)
