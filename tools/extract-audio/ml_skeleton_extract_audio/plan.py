"""Decides what each song of the library needs: nothing, a look at its file, or nothing that can be done."""

import os
import time
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import TypeAlias

from ml_skeleton.artifacts.crops import Failure
from ml_skeleton.artifacts.songs import KnownFile, Song
from ml_skeleton.errors import UserError
from ml_skeleton.path_map import PathMap

from ml_skeleton_extract_audio.locations import file_of

STAT_THREADS = 16  # a NAS answers slowly, but many at a time
STATS_PER_TASK = 256

# a disk that is not mounted looks like this; a listener who tidies up does not
VANISHED_SHARE = 0.2
VANISHED_SONGS = 20

EXTRACTED_BEFORE = "extracted before"

FileState: TypeAlias = tuple[str, float, int | None, int | None]  # url, start_s, mtime, filesize


@dataclass(frozen=True)
class Selection:
    """Which songs are wanted."""

    max_duration_s: float
    rated_only: bool
    limit: int | None
    prune: bool = False  # songs whose file is gone are no recording any more


@dataclass(frozen=True, slots=True)
class Job:
    """One song whose file has to be opened."""

    position: int  # in the list of songs
    file: bytes
    start_s: float
    length_s: float | None  # null: to the end of the file


@dataclass
class Plan:
    """All songs as they stand now, those to open, and for the others a count by reason."""

    songs: list[Song] = field(default_factory=list)
    jobs: list[Job] = field(default_factory=list)
    settled: Counter[str] = field(default_factory=Counter)
    vanished: list[Song] = field(default_factory=list)  # their files were there in the last run


@dataclass(frozen=True)
class Past:
    """What earlier runs left in the crops folder."""

    songs: Sequence[KnownFile]
    failures: Sequence[Failure]
    failed: Collection[FileState]  # those of `failures` that are not worth another attempt
    speech: Mapping[str, float | None]  # audio_ids that have all crops of the wanted policy, and their share of speech

    @property
    def files(self) -> int:
        """How many songs had their file in the last run."""
        return sum(song.mtime is not None for song in self.songs)


def make_plan(songs: Sequence[Song], path_map: PathMap, past: Past, wanted: Selection) -> Plan:
    """Look at every file's size and time and compare with the past; opens no file."""
    unchanged = {state_of(song): song for song in past.songs}
    last = {(song.url, song.start_s): song for song in past.songs}
    last_starts = _last_starts(songs)
    files, now = [file_of(song.url, path_map) for song in songs], int(time.time())
    plan = Plan()
    for song, file, found in zip(songs, files, _stat_all(files), strict=True):
        remembered = last.get((song.url, song.start_s))
        before = None if wanted.prune else remembered
        here = _as_found(song, file, found, unchanged, before, _rating_changed(song, remembered, now))
        if found is None and song.available and before is not None and before.mtime is not None:
            plan.vanished.append(here)
        plan.songs.append(here)
        reason = _settled(song, here, file, past, wanted)
        if reason is None and wanted.limit is not None and len(plan.jobs) >= wanted.limit:
            reason = "left for a later run (--limit)"
        if reason is not None:
            plan.settled[reason] += 1
        elif file is not None:
            length_s = song.length_s if song.start_s < last_starts.get(song.url, 0.0) else None
            plan.jobs.append(Job(len(plan.songs) - 1, file, song.start_s, length_s))
    return plan


def refuse_missing_root(plan: Plan, past: Past) -> None:
    """Raise UserError if so many files vanished since the last run that a disk seems to be missing."""
    gone = len(plan.vanished)
    if gone > VANISHED_SONGS and gone > VANISHED_SHARE * past.files:
        raise UserError(
            f"{plan.vanished[0].path}: gone, like {gone} of the {past.files} files of the last run; mount their disk "
            "or map its folder (--path-map), or accept that they are gone (--prune); nothing was changed"
        )


def state_of(song: Song | KnownFile | Failure) -> FileState:
    """Return what has to be equal for a file to count as unchanged."""
    return song.url, song.start_s, song.mtime, song.filesize


def _last_starts(songs: Sequence[Song]) -> dict[str, float]:
    """Return where the last cue track of a file begins; it goes to the end, as the players disagree on its length."""
    starts: dict[str, float] = {}
    for song in songs:
        if song.start_s > 0:
            starts[song.url] = max(starts.get(song.url, 0.0), song.start_s)
    return starts


def _settled(song: Song, here: Song, file: bytes | None, past: Past, wanted: Selection) -> str | None:
    """Return why the song needs no work, or None if its file has to be opened."""
    checks = (
        ("not a file of this machine", file is None),
        ("marked unavailable by the player", not song.available),
        ("file not found", here.mtime is None),
        ("not rated (--rated-only)", wanted.rated_only and song.rating is None),
        ("longer than --max-duration", (song.length_s or 0.0) > wanted.max_duration_s),
        ("unreadable before and unchanged", state_of(here) in past.failed),
        (EXTRACTED_BEFORE, here.audio_id in past.speech),
    )
    return next((reason for reason, holds in checks if holds), None)


def _as_found(
    song: Song,
    file: bytes | None,
    found: os.stat_result | None,
    unchanged: Mapping[FileState, KnownFile],
    before: KnownFile | None,
    rating_changed: int | None,
) -> Song:
    """Return the song with what is known of its file; made in one go, as a copy of all columns costs 20 us.

    While the file is away, its disk not mounted say, the song stays the recording that it was `before`.
    """
    path = song.url if file is None else file.decode("utf-8", "replace")
    mtime, filesize = (None, None) if found is None else (int(found.st_mtime), found.st_size)
    known = before if found is None else unchanged.get((song.url, song.start_s, mtime, filesize))
    return replace(
        song,
        path=path,
        mtime=mtime,
        filesize=filesize,
        available=song.available and found is not None,
        audio_id=known.audio_id if known else None,
        length_s=song.length_s or (known.length_s if known else None),
        rating_changed=rating_changed,
    )


def _rating_changed(song: Song, remembered: KnownFile | None, now: int) -> int | None:
    """Return when the rating was first found other than before; the players do not note it."""
    if remembered is None:
        return None
    return remembered.rating_changed if song.rating == remembered.rating else now


def _stat_all(files: Sequence[bytes | None]) -> Iterator[os.stat_result | None]:
    chunks = (files[first : first + STATS_PER_TASK] for first in range(0, len(files), STATS_PER_TASK))
    with ThreadPoolExecutor(STAT_THREADS) as threads:
        for found in threads.map(lambda chunk: [_stat(file) for file in chunk], chunks):
            yield from found


def _stat(file: bytes | None) -> os.stat_result | None:
    try:
        return os.stat(file) if file is not None else None
    except (OSError, ValueError):  # ValueError: a NUL in the name
        return None
