"""Decides what each song of the library needs: nothing, a look at its file, or nothing that can be done."""

import os
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

from ml_skeleton.artifacts.crops import Failure
from ml_skeleton.artifacts.songs import Song

from ml_skeleton_extract_audio.locations import PathMap, file_of

STAT_THREADS = 16  # a NAS answers slowly, but many at a time


@dataclass(frozen=True)
class Selection:
    """Which songs are wanted."""

    max_duration_s: float
    rated_only: bool
    limit: int | None


@dataclass(frozen=True, slots=True)
class Job:
    """One song whose file has to be opened."""

    position: int  # in the list of songs
    file: bytes
    start_s: float
    length_s: float | None  # null: to the end of the file

    @property
    def key(self) -> tuple[bytes, float]:
        return self.file, self.start_s


@dataclass(frozen=True)
class Plan:
    """All songs as they stand now, those to open, and for the others a count by reason."""

    songs: list[Song]
    jobs: list[Job]
    settled: Counter[str]


@dataclass(frozen=True)
class Past:
    """What earlier runs left in the crops folder."""

    songs: Sequence[Song]
    failures: Sequence[Failure]
    extracted: Collection[str]  # audio_ids that have all crops of the wanted policy


def make_plan(songs: Sequence[Song], path_map: PathMap, past: Past, wanted: Selection) -> Plan:
    """Look at every file's size and time and compare with the past; opens no file."""
    unchanged = {_state(song): song.audio_id for song in past.songs}
    last_known = {(song.url, song.start_s): song.audio_id for song in past.songs}
    failed = {
        (failure.url, failure.start_s, failure.mtime, failure.filesize) for failure in past.failures if failure.fatal
    }
    cue_files = {song.url for song in songs if song.start_s > 0}
    files = [file_of(song.url, path_map) for song in songs]
    plan = Plan([], [], Counter())
    for song, file, found in zip(songs, files, _stat_all(files), strict=True):
        here = _as_found(song, file, found)
        # a song whose file is away, its disk not mounted say, stays the recording that it was
        audio_id = unchanged.get(_state(here)) if found else last_known.get((song.url, song.start_s))
        here = replace(here, audio_id=audio_id)
        plan.songs.append(here)
        reason = _settled(here, file, _state(here) in failed, past.extracted, wanted)
        if reason is None and wanted.limit is not None and len(plan.jobs) >= wanted.limit:
            reason = "left for a later run (--limit)"
        if reason is not None:
            plan.settled[reason] += 1
        elif file is not None:
            length_s = song.length_s if song.url in cue_files else None
            plan.jobs.append(Job(len(plan.songs) - 1, file, song.start_s, length_s))
    return plan


def _settled(song: Song, file: bytes | None, failed: bool, extracted: Collection[str], wanted: Selection) -> str | None:
    """Return why the song needs no work, or None if its file has to be opened."""
    checks = (
        ("not a file of this machine", file is None),
        ("file not found", song.mtime is None and song.available),
        ("marked unavailable by the player", not song.available),
        ("not rated (--rated-only)", wanted.rated_only and song.rating is None),
        ("longer than --max-duration", (song.length_s or 0.0) > wanted.max_duration_s),
        ("unreadable before and unchanged", failed),
        ("extracted before", song.audio_id is not None and song.audio_id in extracted),
    )
    return next((reason for reason, holds in checks if holds), None)


def _as_found(song: Song, file: bytes | None, found: os.stat_result | None) -> Song:
    path = song.url if file is None else file.decode("utf-8", "replace")
    if found is None:
        return replace(song, path=path)
    return replace(song, path=path, mtime=int(found.st_mtime), filesize=found.st_size)


def _state(song: Song) -> tuple[str, float, int | None, int | None]:
    """What has to be equal for a file to count as unchanged."""
    return song.url, song.start_s, song.mtime, song.filesize


def _stat_all(files: Sequence[bytes | None]) -> Iterator[os.stat_result | None]:
    with ThreadPoolExecutor(STAT_THREADS) as threads:
        yield from threads.map(_stat, files, chunksize=64)


def _stat(file: bytes | None) -> os.stat_result | None:
    try:
        return os.stat(file) if file is not None else None
    except (OSError, ValueError):  # ValueError: a NUL in the name
        return None
