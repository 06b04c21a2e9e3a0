"""Recording: pieces played, heard and written as audio files, several at a time."""

import signal
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import soundfile
from ml_skeleton.console import progress
from ml_skeleton.errors import UserError

from ml_skeleton_demo_library.catalogue import Song
from ml_skeleton_demo_library.hearing import Heard, hear
from ml_skeleton_demo_library.id3 import add_id3
from ml_skeleton_demo_library.listing import CUE_FRAMES_PER_S, Recording
from ml_skeleton_demo_library.performance import perform
from ml_skeleton_demo_library.piece import Samples

WRITE_FRAMES = 65_536  # at a time: libsndfile keeps a whole block of Vorbis on the stack
FEW_RECORDINGS = 24  # so few are sooner made here than a process is started

# libsndfile's format, subtype and compression level, by the ending of the file
CODECS = {
    "flac": ("FLAC", "PCM_16", 0.5),
    "ogg": ("OGG", "VORBIS", 0.6),
    "opus": ("OGG", "OPUS", 0.8),
    "mp3": ("MP3", "MPEG_LAYER_III", 0.6),
    "wav": ("WAV", "PCM_16", None),
}
ID3_TAGS = ("mp3", "wav")  # the others get their tags from libsndfile


@dataclass(frozen=True)
class Take:
    """What is known of a recording that lies on disk."""

    sample_rate: int  # Hz
    bounds: tuple[int, ...]  # first frame of each song, and the end of the last
    filesize: int  # bytes
    heard: tuple[Heard, ...]  # one per song

    @property
    def is_cue(self) -> bool:
        """Whether a cue sheet divides the file."""
        return len(self.heard) > 1

    @property
    def seconds(self) -> float:
        """How long the file is."""
        return self.bounds[-1] / self.sample_rate


def record_all(recordings: list[Recording], music: Path, workers: int) -> dict[str, Take]:
    """Write every recording below `music` and return its take by its path."""
    takes: dict[str, Take] = {}
    with progress("recording", len(recordings), "files") as bar:
        for path, take in _takes(recordings, music, workers):
            takes[path] = take
            bar.advance()
    return takes


def record(recording: Recording, music: Path) -> Take:
    """Write one recording, with its cue sheet if it has one; raise UserError when that fails."""
    parts = [perform(song.piece) for song in recording.songs]
    rate = recording.songs[0].piece.sample_rate
    bounds = (0, *(int(end) for end in np.cumsum([len(part) for part in parts])))
    path = music / recording.path
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _write(path, np.concatenate(parts), rate, recording)
        if recording.cue_path:
            (music / recording.cue_path).write_text(_cue_sheet(recording, bounds, rate), encoding="utf-8")
        filesize = path.stat().st_size
    except (OSError, soundfile.LibsndfileError) as error:
        raise UserError(f"{path}: cannot write: {error}") from None
    return Take(rate, bounds, filesize, tuple(hear(part, rate) for part in parts))


def _write(path: Path, samples: Samples, rate: int, recording: Recording) -> None:
    ending, tags = path.suffix[1:], _tags(recording)
    container, subtype, compression = CODECS[ending]
    with soundfile.SoundFile(
        path, "w", rate, samples.shape[1], subtype, format=container, compression_level=compression
    ) as audio:
        for tag, text in () if ending in ID3_TAGS else tags.items():
            setattr(audio, tag, text)
        for start in range(0, len(samples), WRITE_FRAMES):
            audio.write(samples[start : start + WRITE_FRAMES])
    if ending in ID3_TAGS:
        add_id3(path, tags)


def _tags(recording: Recording) -> dict[str, str]:
    """Return the tags of the file, under libsndfile's names; a cue album has those that its tracks share."""
    song: Song = recording.songs[0]
    shared = {"artist": song.artist, "album": song.album, "genre": song.genre, "date": str(song.year)}
    return shared if recording.cue_path else shared | {"title": song.title, "tracknumber": str(song.track)}


def _cue_sheet(recording: Recording, bounds: tuple[int, ...], rate: int) -> str:
    """Return the cue sheet; where a track starts is counted in minutes, seconds and 75ths."""
    first = recording.songs[0]
    lines = [
        f'REM GENRE "{first.genre}"',
        f"REM DATE {first.year}",
        f'PERFORMER "{first.artist}"',
        f'TITLE "{first.album}"',
        f'FILE "{Path(recording.path).name}" WAVE',
    ]
    for song, (start, _end) in zip(recording.songs, pairwise(bounds), strict=True):
        seconds, frame = divmod(start * CUE_FRAMES_PER_S // rate, CUE_FRAMES_PER_S)
        lines += [
            f"  TRACK {song.track:02d} AUDIO",
            f'    TITLE "{song.title}"',
            f'    PERFORMER "{song.artist}"',
            f"    INDEX 01 {seconds // 60:02d}:{seconds % 60:02d}:{frame:02d}",
        ]
    return "\n".join(lines) + "\n"


def _takes(recordings: list[Recording], music: Path, workers: int) -> Iterator[tuple[str, Take]]:
    """Yield (path, take) as they are done, the long ones first so that no process is left with one at the end."""
    if workers == 1 or len(recordings) <= FEW_RECORDINGS:
        for recording in recordings:
            yield recording.path, record(recording, music)
        return
    ordered = sorted(recordings, key=lambda recording: -sum(song.piece.seconds for song in recording.songs))
    with _pool(workers) as pool:
        running = {pool.submit(record, recording, music): recording.path for recording in ordered}
        try:
            for done in as_completed(running):
                yield running[done], done.result()
        except BrokenProcessPool:
            raise UserError(
                f"{music}: a recording process was killed, probably for want of memory; try --workers 1"
            ) from None


@contextmanager
def _pool(workers: int) -> Iterator[ProcessPoolExecutor]:
    """Yield a pool of fresh processes; whatever ends the block, no recording is started after it."""
    pool = ProcessPoolExecutor(workers, mp_context=get_context("spawn"), initializer=_leave_signals_to_parent)
    try:
        yield pool
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _leave_signals_to_parent() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
