"""Decodes what a crop policy asks of a song, sample-exact, and little else.

A crop at the end is counted from the last sample that decodes, whatever the
timestamps say; others are placed by the timestamps. Samples equal those of a
decode of the whole file, but for AC-3 and AAC with noise substitution, in which
the decoder draws noise, another one each time.
"""

import math
from collections.abc import Container, Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from statistics import median_low

import av
import numpy as np
from av.audio.frame import AudioFrame
from numpy.typing import NDArray

from ml_skeleton_extract_audio.cropping import CropPolicy, Window
from ml_skeleton_extract_audio.fingerprint import audio_id
from ml_skeleton_extract_audio.mono import Recording, to_int16
from ml_skeleton_extract_audio.source import AudioPacket, DecodeError, open_source
from ml_skeleton_extract_audio.track import Track, open_track

__all__ = ["Crop", "DecodeError", "DecodedSong", "read_song"]

# Sound decoded before a crop, until the decoder is in the state that a decode of the whole file would have. Measured
# on a real library, the longest needed: Opus 0.63 s, Speex 0.93 s, the others less than 0.1 s. An MP3 frame may use
# the data of up to 0.8 s before it. A Musepack packet is 1.7 s long.
PREROLL_S = {"opus": 1.0, "speex": 2.0, "mp3": 1.0, "musepack7": 2.0, "musepack8": 2.0}
PREROLL_OTHERS_S = 0.25
KEPT_AT_MOST_S = 900.0  # of packets in memory
TIMESTAMPS_ASKED = 16  # some lie, by 10 ms for a page of Ogg or a block of AAC: the median is right
TIMESTAMP_SLACK = 2048  # samples
END_SLACK_S = 0.5  # a cue track that stops this close to the end of its file is the last one


@dataclass(frozen=True, eq=False)  # arrays have no one truth of being equal
class Crop:
    """A stretch of a song, as a network hears it."""

    start_s: float  # from the start of the song; of the cue track, not of its file
    samples: NDArray[np.int16]  # mono, at the rate of the policy, never padded (T,)


@dataclass(frozen=True, eq=False)
class DecodedSong:
    """What a song gave."""

    audio_id: str
    length_s: float
    codec: str
    crops: tuple[Crop, ...]  # none for a song that was known
    warning: str | None  # what was wrong with a file that gave crops nevertheless
    bytes_read: int


@dataclass(frozen=True)
class _Stretch:
    """A stretch of a file: all of it, or a cue track."""

    start_s: float
    stop_s: float
    reaches_end: bool  # of the file

    @property
    def length_s(self) -> float:
        return self.stop_s - self.start_s


def read_song(
    path: str | bytes | Path,
    policy: CropPolicy,
    start_s: float = 0.0,
    length_s: float | None = None,
    known: Container[str] = frozenset(),
    max_duration_s: float | None = None,
) -> DecodedSong:
    """Return the crops of the file at `path`, or of the cue track that `start_s` and `length_s` describe.

    A song whose audio_id is in `known` is not decoded. Raises DecodeError for
    what gives no crop, longer songs than `max_duration_s` among them.
    """
    with open_source(path) as source:
        track = open_track(source, _keep_s(policy, length_s))
        identity = audio_id(track, start_s, length_s)
        if identity in known:
            stated_s = length_s or max(0.0, (source.stated_s or 0.0) - start_s)
            return DecodedSong(identity, stated_s, source.codec, (), None, source.file.bytes_read)
        reader = _Reader(track, policy, _stretch(track, start_s, length_s), max_duration_s)
        found_s, crops = reader.read()
        if not any(len(crop.samples) for crop in crops):
            raise DecodeError("nothing in it decodes")
        return DecodedSong(identity, found_s, source.codec, crops, reader.warning(), source.file.bytes_read)


def _keep_s(policy: CropPolicy, length_s: float | None) -> float:
    """Return how many seconds at the end of a file will be wanted; the kept packets of an MP3 take 40 kB each."""
    if policy.position != "end" or length_s is not None:
        return KEPT_AT_MOST_S
    return min(policy.crops * policy.seconds + max(PREROLL_S.values()) + 1.0, KEPT_AT_MOST_S)


def _stretch(track: Track, start_s: float, length_s: float | None) -> _Stretch:
    file_s = track.length_s()
    if start_s >= file_s:
        raise DecodeError(
            f"begins at {start_s:.1f} s, where its file has ended ({file_s:.1f} s)" if start_s else "no audio"
        )
    stop_s = file_s if length_s is None else start_s + length_s
    return _Stretch(start_s, min(stop_s, file_s), reaches_end=stop_s > file_s - END_SLACK_S)


class _Reader:
    """Decodes the crops of one song."""

    def __init__(self, track: Track, policy: CropPolicy, song: _Stretch, max_duration_s: float | None) -> None:
        self._too_long = DecodeError(f"longer than {max_duration_s:g} s" if max_duration_s else "")
        if max_duration_s is not None and song.length_s > max_duration_s:
            raise self._too_long
        self.track, self.policy, self.song = track, policy, song
        self.source, self.rate = track.source, track.source.rate
        self._preroll_s = PREROLL_S.get(self.source.codec, PREROLL_OTHERS_S)
        self._most_s = math.inf if max_duration_s is None else max_duration_s + self._preroll_s + END_SLACK_S
        self._undecoded = 0
        self._broken = False
        self._refusal: str | None = None

    def read(self) -> tuple[float, tuple[Crop, ...]]:
        """Return the length of the song, in seconds, and its crops."""
        if self.policy.position == "end" and self.song.reaches_end:
            return self._read_end()
        crops: list[Crop] = []
        for windows in self._neighbours(self.policy.windows(self.song.length_s)):
            start_s = self.song.start_s + windows[0].start_s
            stop_s = self.song.start_s + windows[-1].start_s + windows[-1].seconds
            keep = (stop_s - start_s) * self.rate + 2 * TIMESTAMP_SLACK
            recording = self._record(start_s, stop_s, keep)
            if recording.start > start_s * self.rate + TIMESTAMP_SLACK:  # the seek went too far
                recording = self._record(0.0, stop_s, keep)
            crops += (self._crop(recording, window) for window in windows)
        return self.song.length_s, tuple(crops)

    def _read_end(self) -> tuple[float, tuple[Crop, ...]]:
        """Decode to the end of the file, and count from there."""
        song_s, rate = self.song.start_s, self.rate
        keep = (self.policy.crops * self.policy.seconds + 1.0) * rate
        reach_s = song_s + self.policy.windows(self.song.length_s)[0].start_s
        tries = 0
        while True:
            self._undecoded = 0
            recording = self._record(reach_s, math.inf, keep)
            found_s = recording.stop / rate - song_s
            windows = self.policy.windows(found_s)
            missing = recording.start - round((song_s + windows[0].start_s) * rate) if windows else 0
            if missing <= 0 or reach_s <= 0:
                return found_s, tuple(self._crop(recording, window) for window in windows)
            tries += 1  # the file is shorter than its header says
            reach_s = reach_s - missing / rate - 1.0 if tries == 1 else 0.0

    def _neighbours(self, windows: list[Window]) -> Iterator[list[Window]]:
        """Yield the windows that are better decoded in one go than by seeking to each."""
        group: list[Window] = []
        for window in windows:
            if group and window.start_s > group[-1].start_s + group[-1].seconds + self._preroll_s:
                yield group
                group = []
            group.append(window)
        yield group

    def _record(self, from_s: float, stop_s: float, keep: float) -> Recording:
        """Decode from a little before `from_s` to `stop_s` or a little behind it. Times are those of the file."""
        recording = Recording(self.rate, keep)
        begin_s = from_s - self._preroll_s
        from_start = self.track.counted or begin_s <= 0
        firsts: list[int] = []  # what the timestamps say of the index of the first sample
        most = enough = self._most_s * self.rate
        decoded = self._decoded(self.track.packets_from(begin_s))
        for frames in decoded:
            for frame in frames:
                if frame.pts is not None:
                    firsts.append(0 if from_start else self.track.index_of(frame.pts) - recording.written)
                    enough = min(most, stop_s * self.rate - firsts[0] + TIMESTAMP_SLACK)
                recording.write([[frame]])
            if len(firsts) >= TIMESTAMPS_ASKED or recording.written >= enough:
                break
        if recording.written < enough:
            recording.write(decoded, enough)
        if recording.written >= most:
            raise self._too_long
        if recording.refused > recording.written:
            raise DecodeError(recording.refusal or "")
        self._refusal = recording.refusal
        recording.mix()
        recording.first = median_low(firsts) if firsts else 0
        return recording

    def _decoded(self, packets: Iterator[AudioPacket]) -> Iterator[list[AudioFrame]]:
        """Yield the frames of each packet that decodes, and count the others."""
        decoded = map(self.source.decoder.decode, chain(packets, [None]))  # the last one gives what was held back
        begun = False
        while True:
            try:
                for frames in decoded:  # goes on behind a packet that did not decode
                    begun = True
                    yield frames
                return
            except av.FFmpegError:
                self._undecoded += begun  # the first packets after a seek may lack what came before

    def _crop(self, recording: Recording, window: Window) -> Crop:
        start = max(recording.start, round((self.song.start_s + window.start_s) * self.rate))
        pieces = recording.cut(start, start + round(window.seconds * self.rate))
        samples, broken = to_int16(pieces, self.rate, self.policy.rate)
        self._broken |= broken
        return Crop(max(0.0, start / self.rate - self.song.start_s), samples)

    def warning(self) -> str | None:
        """Return what was wrong with the file, or None."""
        notes = [self.track.shortfall(), self.source.damage, self._refusal]
        if self._undecoded:
            notes.append(f"{self._undecoded} packets did not decode")
        if self._broken:
            notes.append("samples that are no numbers were silenced")
        return "; ".join(note for note in notes if note) or None
