"""Where the packets of an audio file lie in time, for files that can be sought in and for those that cannot."""

import hashlib
from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import suppress
from functools import cached_property
from itertools import islice
from typing import Protocol

import av

from ml_skeleton_extract_audio.bare_stream import BARE_FORMATS, frame_region, promised_bytes
from ml_skeleton_extract_audio.ogg import has_reliable_times
from ml_skeleton_extract_audio.reel import Reel
from ml_skeleton_extract_audio.source import AudioPacket, AudioSource, DecodeError

SAMPLE_BYTES = 64 * 1024  # at most, at the start and in the middle, to tell recordings apart
SAMPLE_PACKETS = 32  # at most
BARE_SAMPLE_BYTES = 64 * 1024  # one read; four seconds at 128 kbit/s
TAIL_S = 0.25
TAIL_PACKETS = 256  # at most; a file that states too little has a long tail
SEEK_MARGIN_S = 0.25  # a seek may land behind the time asked for: by 23 ms in Vorbis files of a real library
CUT_OFF_S = 1.0  # shorter than promised by this much is worth a warning


class Track(Protocol):
    """The packets of an audio file, found by time.

    Times and sample indices count from the first sample that a decode of the
    whole file gives.
    """

    source: AudioSource

    @property
    def counted(self) -> bool:
        """Whether timestamps are worthless, so that packets_from always starts at the first packet."""

    def length_s(self) -> float:
        """Return the length as the packets tell it; the decoder may give some milliseconds more or less."""

    def shortfall(self) -> str | None:
        """Return what the file promises against what is there, if it was cut off."""

    def evidence(self) -> Iterator[bytes]:
        """Yield bytes of the audio, the same ones whatever the tags and wherever the file lies."""

    def packets_from(self, time_s: float) -> Iterator[AudioPacket]:
        """Yield the packets from `time_s` or earlier up to the end of the file."""

    def index_of(self, pts: int) -> int:
        """Return the sample index of a timestamp."""


def open_track(source: AudioSource, keep_s: float) -> Track:
    """Return the track of `source`; a container that cannot find a time is read from end to end.

    Of such a file the packets of the last `keep_s` seconds are kept in memory.
    What lies before is read again when it is asked for.
    """
    if source.format in BARE_FORMATS:
        return BareTrack(source, keep_s)
    try:
        return SeekableTrack(source)
    except (_UnseekableError, av.FFmpegError):
        source.reopen()
        return CountedTrack(source)


class _UnseekableError(DecodeError):
    """The container cannot be trusted to find a time."""

    def __init__(self) -> None:
        super().__init__("its packets carry no times")


class _Clock:
    """Turns the timestamps of a source into times and sample indices."""

    def __init__(self, source: AudioSource, head: list[AudioPacket]) -> None:
        """`head` are the first packets."""
        start = source.stream.start_time  # packets before this only prime the decoder
        self.first_sample = _pts(head[0]) if start is None else max(_pts(head[0]), start)
        if source.codec.startswith("wma"):
            self.first_sample = _first_sample_of_wma(source, head, self.first_sample)
        self._rate, self._tick_s = source.rate, source.time_base

    def index_of(self, pts: int) -> int:
        return round((pts - self.first_sample) * self._tick_s * self._rate)

    def pts_of(self, time_s: float) -> int:
        return self.first_sample + int(time_s / self._tick_s)

    def time_of(self, pts: int) -> float:
        return float((pts - self.first_sample) * self._tick_s)


class SeekableTrack:
    """A track in a container that finds a time by itself. Reads the start, the middle and the end of the file."""

    counted = False

    def __init__(self, source: AudioSource) -> None:
        self.source = source
        if not source.stated_s or not has_reliable_times(source):
            raise _UnseekableError
        self._head = list(_sample(source.packets()))
        if not self._head:
            raise _UnseekableError
        self._first = _pts(self._head[0])
        self._tail_ticks, self._margin_ticks = int(TAIL_S / source.time_base), int(SEEK_MARGIN_S / source.time_base)
        self._tail = self._read_tail(self._first + int(source.stated_s / source.time_base))
        self._end = max(_end(packet) for packet in self._tail)
        if _pts(self._tail[0]) > self._end - self._tail_ticks:  # the file states more than there is
            self._tail = self._read_tail(self._end)
        self._middle = list(self._packets_in_the_middle())

    @cached_property
    def _clock(self) -> _Clock:
        return _Clock(self.source, self._head)

    def length_s(self) -> float:
        return self._clock.time_of(self._end)

    def shortfall(self) -> str | None:
        if self.source.format == "asf":  # FFmpeg reckons its length from the size of the file, tags and all
            return None
        return _shortfall(self.source.stated_s, self.length_s())

    def evidence(self) -> Iterator[bytes]:
        """Yield the exact length, and packets at the start, from the middle on, and before the last.

        The last one is left out, as taggers may have hung something on it.
        """
        yield str((self._end - self._first) * self.source.time_base).encode()
        yield _joined(self._head)[:SAMPLE_BYTES]
        yield _joined(self._middle)[:SAMPLE_BYTES]
        yield _joined(packet for packet in self._tail[:-1] if _pts(packet) >= self._end - self._tail_ticks)

    def packets_from(self, time_s: float) -> Iterator[AudioPacket]:
        if time_s > 0:
            return self._packets_at(self._clock.pts_of(time_s))
        self.source.reopen()  # after a seek to the start, the end of some Ogg files would be trimmed otherwise
        return self.source.packets()

    def index_of(self, pts: int) -> int:
        return self._clock.index_of(pts)

    def _packets_in_the_middle(self) -> Iterator[AudioPacket]:
        """Yield the packets that begin behind the middle of the track; where the seek lands differs with the tags."""
        middle = (self._first + self._end) // 2
        packets = self._packets_at(middle - self._margin_ticks)
        return _sample(packet for packet in packets if _pts(packet) >= middle)

    def _read_tail(self, end: int) -> list[AudioPacket]:
        """Return the last packets, from a little more than TAIL_S before `end` on."""
        tail = list(deque(self._packets_at(end - self._tail_ticks - self._margin_ticks), maxlen=TAIL_PACKETS))
        if not tail:
            raise _UnseekableError
        return tail

    def _packets_at(self, pts: int) -> Iterator[AudioPacket]:
        # before the first packet, FFmpeg would forget to throw away the sound that primes the decoder
        self.source.container.seek(max(self._first, pts), stream=self.source.stream)
        return self.source.packets()


class BareTrack:
    """A file of BARE_FORMATS, of which all packets are read to know which one holds a time.

    They are read when the first one or the length is asked for. Timestamps are
    the sum of the durations before, and exact.
    """

    counted = False

    def __init__(self, source: AudioSource, keep_s: float) -> None:
        self.source = source
        self._keep_s = keep_s
        self._region = frame_region(source.file)

    @cached_property
    def _reel(self) -> Reel:
        return Reel(self.source, self._keep_s)

    @cached_property
    def _clock(self) -> _Clock:
        return _Clock(self.source, [self._reel.first])

    def length_s(self) -> float:
        return self._clock.time_of(_end(self._reel.last))

    def shortfall(self) -> str | None:
        promised = promised_bytes(self.source.file, self._region)
        there = self._region.stop - self._region.start
        if promised is None or there > promised - BARE_SAMPLE_BYTES:
            return None
        return f"cut off: {promised} bytes promised, {there} there"

    def evidence(self) -> Iterator[bytes]:
        """Yield the number of bytes between the tags, and some of them from the start, the middle and the end."""
        file, start, stop = self.source.file, self._region.start, self._region.stop
        size = min(BARE_SAMPLE_BYTES, stop - start)
        yield str(stop - start).encode()
        for position in (start, (start + stop - size) // 2, stop - size):
            yield file.read_at(position, size)

    def packets_from(self, time_s: float) -> Iterator[AudioPacket]:
        return self._reel.packets_since(self._clock.pts_of(time_s))

    def index_of(self, pts: int) -> int:
        return self._clock.index_of(pts)


class CountedTrack:
    """A track without times to rely on; it is always decoded from its start, and its samples are counted."""

    counted = True

    def __init__(self, source: AudioSource) -> None:
        self.source = source
        self._digest = hashlib.blake2b()
        self._ticks = 0
        for packet in source.packets():
            self._digest.update(packet)
            self._ticks += packet.duration or 0
        if not self._ticks:
            raise _UnseekableError

    def length_s(self) -> float:
        return float(self._ticks * self.source.time_base)

    def shortfall(self) -> str | None:
        return _shortfall(self.source.stated_s, self.length_s())

    def evidence(self) -> Iterator[bytes]:
        """Yield a digest of all there is."""
        yield self._digest.digest()

    def packets_from(self, time_s: float) -> Iterator[AudioPacket]:
        self.source.reopen()
        return self.source.packets()

    def index_of(self, pts: int) -> int:
        raise AssertionError("a counted track has no times")


def _first_sample_of_wma(source: AudioSource, head: list[AudioPacket], default: int) -> int:
    """Return the timestamp of the first sample: WMA throws away what decodes first, and no start time says so."""
    stamps: list[int] = []
    for packet in head:
        with suppress(av.FFmpegError):
            stamps += (frame.pts for frame in source.decoder.decode(packet) if frame.pts is not None)
    source.reopen()  # for a fresh decoder: a flushed one is not quite the same
    return min(stamps, default=default)


def _pts(packet: AudioPacket) -> int:
    if packet.pts is None:
        raise _UnseekableError
    return packet.pts


def _end(packet: AudioPacket) -> int:
    return _pts(packet) + (packet.duration or 0)


def _sample(packets: Iterable[AudioPacket]) -> Iterator[AudioPacket]:
    """Yield `packets` until they are SAMPLE_PACKETS or hold SAMPLE_BYTES."""
    size = 0
    for packet in islice(packets, SAMPLE_PACKETS):
        yield packet
        size += packet.size
        if size >= SAMPLE_BYTES:
            return


def _joined(packets: Iterable[AudioPacket]) -> bytes:
    return b"".join(bytes(packet) for packet in packets)


def _shortfall(stated_s: float | None, found_s: float) -> str | None:
    if stated_s is None or found_s > stated_s - CUT_OFF_S:
        return None
    return f"cut off: {stated_s:.1f} s promised, {found_s:.1f} s there"
