"""Brings a crops folder up to date with the player's library."""

import os
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path

from ml_skeleton.artifacts.crops import (
    FORMAT,
    KIND,
    Crop,
    Crops,
    CropWriter,
    Failure,
    crop_keys,
    read_failures,
    write_failures,
    write_songs,
)
from ml_skeleton.artifacts.files import make_folder, only_run
from ml_skeleton.artifacts.provenance import Parent, Provenance
from ml_skeleton.artifacts.songs import Song, with_all_albums
from ml_skeleton.console import note, progress
from ml_skeleton.errors import InputError, UserError
from ml_skeleton.interrupts import StopRequest, stop_request

from ml_skeleton_extract_audio.cropping import CropPolicy
from ml_skeleton_extract_audio.decode import DecodedSong, DecodeError, read_song
from ml_skeleton_extract_audio.locations import PathMap
from ml_skeleton_extract_audio.plan import Job, Past, Plan, Selection, make_plan
from ml_skeleton_extract_audio.player import Library, read_library
from ml_skeleton_extract_audio.workers import Limits, WorkerPool

TOOL = "clem-extract"
DECODER = "ml_skeleton_extract_audio.decode"  # imported once, then every worker is a fork of it
OWN_NAMES = {"audio", "songs.parquet", "failures.parquet", ".lock"}


@dataclass(frozen=True)
class Request:
    """What clem-extract was asked to do."""

    db: Path
    out: Path
    policy: CropPolicy
    path_map: PathMap
    selection: Selection
    workers: int


@dataclass(frozen=True)
class Unreadable:
    """A song that could not be decoded, and why."""

    reason: str


@dataclass(frozen=True)
class Report:
    """How many songs the library has and what each came to; the counts add up unless the run was stopped."""

    songs: int
    counts: dict[str, int]  # by outcome, "extracted" and "could not be read" among them

    def __str__(self) -> str:
        return f"{self.songs} songs: " + ", ".join(f"{count} {outcome}" for outcome, count in self.counts.items())


def default_workers() -> int:
    """Return 80 % of the cores this process may use, at least 1."""
    return max(1, round(len(os.sched_getaffinity(0)) * 0.8))


def extract(request: Request) -> Report:
    """Write the crops of all wanted songs that `request.out` does not hold yet, and refresh its songs.

    Raises InputError for a database without songs, UserError when not one song
    could be read, BusyError while another run writes the same folder.
    """
    library = _library(request.db)
    _refuse_foreign(request.out)
    make_folder(request.out)
    with only_run(request.out):
        past = _past(request)
        plan = make_plan(library.songs, request.path_map, past, request.selection)
        note(f"{len(plan.songs)} songs in the {library.player} library, {len(plan.jobs)} to open")
        run = _Run(request, plan, set(past.extracted))
        with stop_request() as stop:
            run.read_all(stop)
            run.write_ledgers(library, past.failures)
            stop.leave_if_asked()
    if not any(song.audio_id in run.have for song in run.songs):
        raise UserError(f"{request.db}: not one song could be read ({run.report()}); --path-map may be missing")
    return run.report()


def preview(request: Request) -> Report:
    """Return what `extract` would do, the songs that it would open counted as "to open"; writes nothing."""
    library = _library(request.db)
    plan = make_plan(library.songs, request.path_map, _past(request), request.selection)
    return Report(len(plan.songs), {"to open": len(plan.jobs), **plan.settled})


class _Run:
    """One pass over the songs of a plan."""

    def __init__(self, request: Request, plan: Plan, have: set[str]) -> None:
        self.request, self.plan = request, plan
        self.songs = list(plan.songs)
        self.have = have  # audio_ids that have their crops
        self.opened: dict[int, Failure | None] = {}  # by position in `songs`
        self.unreadable = 0

    def read_all(self, stop: StopRequest) -> None:
        """Open every file of the plan and append its crops."""
        if not self.plan.jobs:
            return
        read = partial(_read, request=self.request, known=frozenset(self.have))
        pool: WorkerPool[Job, DecodedSong | Unreadable]
        pool = WorkerPool(read, min(self.request.workers, len(self.plan.jobs)), Limits(), [DECODER])
        with CropWriter(self.request.out, TOOL) as writer, progress("reading", len(self.plan.jobs), "songs") as shown:
            for job, result in pool.run(self.plan.jobs, lambda: bool(stop)):
                if isinstance(result, DecodedSong):
                    self._keep(job, result, writer)
                else:
                    self._reject(job, result.reason)
                shown.advance(remark=f"{self.unreadable} unreadable" if self.unreadable else "")

    def _keep(self, job: Job, result: DecodedSong, writer: CropWriter) -> None:
        song = self.songs[job.position]
        self.songs[job.position] = replace(song, audio_id=result.audio_id, length_s=song.length_s or result.length_s)
        self.opened[job.position] = _failure(song, result.warning, fatal=False) if result.warning else None
        if result.audio_id not in self.have:  # another copy may have come first
            self.have.add(result.audio_id)
            writer.add(_crops(result, self.request.policy))

    def _reject(self, job: Job, reason: str) -> None:
        song = self.songs[job.position]
        self.songs[job.position] = replace(song, audio_id=None)
        self.opened[job.position] = _failure(song, reason, fatal=True)
        self.unreadable += 1

    def report(self) -> Report:
        """Return the counts as they stand now."""
        outcomes = {"extracted": len(self.opened) - self.unreadable, "could not be read": self.unreadable}
        not_reached = len(self.plan.jobs) - len(self.opened)
        outcomes |= self.plan.settled | ({"not reached": not_reached} if not_reached else {})
        return Report(len(self.songs), {outcome: count for outcome, count in outcomes.items() if count})

    def write_ledgers(self, library: Library, past_failures: Iterable[Failure]) -> None:
        """Replace songs.parquet and failures.parquet by what is known now."""
        request, policy = self.request, self.request.policy
        opened = {(self.songs[position].url, self.songs[position].start_s) for position in self.opened}
        unopened = {(song.url, song.start_s) for song in self.songs} - opened
        kept = [failure for failure in past_failures if (failure.url, failure.start_s) in unopened]
        write_failures(request.out, [*kept, *filter(None, self.opened.values())], TOOL)
        settings = {"policy": policy.name, **asdict(policy), "counts": self.report().counts}
        parent = Parent(f"{library.player} database", str(request.db.resolve()), library.fingerprint)
        provenance = Provenance(KIND, FORMAT, TOOL, settings=settings, parents=(parent,))
        write_songs(request.out, with_all_albums(self.songs), provenance)


def _library(db: Path) -> Library:
    library = read_library(db)
    if not library.songs:
        raise InputError(f"{db}: the {library.player} library has no songs yet; let the player scan a folder first")
    return library


def _past(request: Request) -> Past:
    if not (request.out / "songs.parquet").exists():
        songs: list[Song] = []
    else:
        songs = Crops(request.out).songs
    extracted = {audio_id for audio_id, policy in crop_keys(request.out) if policy == request.policy.name}
    return Past(songs, read_failures(request.out), extracted)


def _refuse_foreign(out: Path) -> None:
    """A folder of something else is not made a crops folder by mistake; parts of a killed first run are ours."""
    if out.exists() and not out.is_dir():
        raise InputError(f"{out}: a file, expected a folder for crops")
    foreign = [path.name for path in out.iterdir() if path.name not in OWN_NAMES] if out.is_dir() else []
    if foreign:
        raise InputError(f"{out}: no crops folder, it holds {foreign[0]!r}; name a new folder with --out")


def _read(job: Job, request: Request, known: frozenset[str]) -> DecodedSong | Unreadable:
    """Runs in a worker."""
    try:
        longest = request.selection.max_duration_s
        return read_song(job.file, request.policy, job.start_s, job.length_s, known=known, max_duration_s=longest)
    except DecodeError as error:
        return Unreadable(str(error))


def _crops(decoded: DecodedSong, policy: CropPolicy) -> Iterator[Crop]:
    for number, crop in enumerate(decoded.crops):
        yield Crop(
            audio_id=decoded.audio_id,
            policy=policy.name,
            crop=number,
            start_s=crop.start_s,
            sample_rate=policy.rate,
            samples=crop.samples,
            speech=None,
            codec=decoded.codec,
        )


def _failure(song: Song, reason: str, *, fatal: bool) -> Failure:
    return Failure(song.url, song.path, song.start_s, song.mtime or 0, song.filesize or 0, reason, fatal)
