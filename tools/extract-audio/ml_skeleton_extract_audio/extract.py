"""Brings a crops folder up to date with the player's library."""

import time
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path

from ml_skeleton.artifacts.crops import (
    FORMAT,
    KIND,
    CropWriter,
    Failure,
    sweep,
    write_failures,
    write_songs,
)
from ml_skeleton.artifacts.files import make_folder, only_run
from ml_skeleton.artifacts.provenance import Parent, Provenance
from ml_skeleton.artifacts.songs import Song, joined_by_audio
from ml_skeleton.console import note, progress, warn
from ml_skeleton.errors import InputError, UserError
from ml_skeleton.interrupts import StopRequest, stop_request

from ml_skeleton_extract_audio.cropping import CropPolicy
from ml_skeleton_extract_audio.folder import mean_speech, read_past, refuse_foreign
from ml_skeleton_extract_audio.likeness import refresh_duplicates
from ml_skeleton_extract_audio.locations import PathMap
from ml_skeleton_extract_audio.plan import Job, Past, Plan, Selection, make_plan, refuse_missing_root, state_of
from ml_skeleton_extract_audio.player import Library, read_library
from ml_skeleton_extract_audio.reading import ReadSong, Unreadable, Wanted, read
from ml_skeleton_extract_audio.speech import SpeechPolicy, load_model
from ml_skeleton_extract_audio.workers import Crash, Limits, WorkerPool

TOOL = "clem-extract"
WORKER_MODULE = "ml_skeleton_extract_audio.reading"  # imported once, then every worker is a fork of it
SAVE_EVERY_S = 30.0  # what a kill or a power failure can cost; saving 60,000 songs takes 1 s


@dataclass(frozen=True)
class Request:
    """What clem-extract was asked to do."""

    db: Path
    out: Path
    policy: CropPolicy
    path_map: PathMap
    selection: Selection
    speech: SpeechPolicy
    retry_failed: bool
    workers: int

    def past(self) -> Past:
        """Return what earlier runs left in the folder."""
        longest = self.selection.max_duration_s
        return read_past(self.out, self.policy.name, self.speech, longest, self.retry_failed)


@dataclass(frozen=True)
class Report:
    """How many songs the library has and what each came to; the counts add up unless the run was stopped."""

    songs: int
    counts: dict[str, int]  # by outcome, "extracted" and "could not be read" among them

    def __str__(self) -> str:
        return f"{self.songs} songs: " + ", ".join(f"{count} {outcome}" for outcome, count in self.counts.items())


def extract(request: Request) -> Report:
    """Write the crops of all wanted songs that `request.out` does not hold yet, and refresh its songs.

    Raises InputError for a database without songs, UserError when not one song
    could be read or a disk seems to be missing, BusyError while another run
    writes the same folder.
    """
    library = _library(request.db)
    refuse_foreign(request.out)
    request = replace(request, speech=_measurable(request.speech))
    make_folder(request.out)
    with only_run(request.out):
        sweep(request.out)
        past = request.past()
        plan = make_plan(library.songs, request.path_map, past, request.selection)
        refuse_missing_root(plan, past)
        _say_what_is_to_do(library, past, plan)
        run = _Run(request, library, plan, past)
        with stop_request() as stop:
            run.read_all(stop)
            run.save()
            if not stop:
                refresh_duplicates(request.out, request.policy.name, TOOL)
            stop.leave_if_asked()
    if not any(song.audio_id in run.speech for song in run.songs):
        if request.selection.rated_only and not any(song.rating is not None for song in run.songs):
            raise InputError(f"{request.db}: no rated song; rate some in the player, or leave out --rated-only")
        raise UserError(f"{request.db}: not one song could be read ({run.report()}); --path-map may be missing")
    return run.report()


def forecast(request: Request) -> Report:
    """Return what `extract` would do, the songs that it would open counted as "to open"; writes nothing."""
    library, past = _library(request.db), request.past()
    plan = make_plan(library.songs, request.path_map, past, request.selection)
    refuse_missing_root(plan, past)
    return Report(len(plan.songs), {"to open": len(plan.jobs), **plan.settled})


class _Run:
    """One pass over the songs of a plan."""

    def __init__(self, request: Request, library: Library, plan: Plan, past: Past) -> None:
        self.request, self.library, self.plan, self.past = request, library, plan, past
        self.songs = list(plan.songs)
        self.speech = dict(past.speech)  # audio_ids that have their crops
        self.opened: dict[int, Failure | None] = {}  # by position in `songs`
        self.unreadable = 0
        self._warned = {state_of(failure): failure for failure in past.failures if not failure.fatal}

    def read_all(self, stop: StopRequest) -> None:
        """Open every file of the plan and append its crops."""
        request, jobs = self.request, self.plan.jobs
        if not jobs:
            return
        wanted = Wanted(request.policy, request.speech, request.selection.max_duration_s, frozenset(self.speech))
        pool: WorkerPool[Job, ReadSong | Unreadable]
        preload = [WORKER_MODULE, *(["onnxruntime"] if request.speech.measures else [])]
        pool = WorkerPool(partial(read, wanted=wanted), min(request.workers, len(jobs)), Limits(), preload)
        saved = time.monotonic()
        with CropWriter(request.out, TOOL) as writer, progress("reading", len(jobs), "songs") as shown:
            for job, result in pool.run(jobs, lambda: bool(stop)):
                self._take(job, result, writer)
                shown.advance(remark=f"{self.unreadable} unreadable" if self.unreadable else "")
                if time.monotonic() - saved > SAVE_EVERY_S:
                    writer.finish_part()
                    self.save()
                    saved = time.monotonic()

    def _take(self, job: Job, result: ReadSong | Unreadable | Crash, writer: CropWriter) -> None:
        if isinstance(result, ReadSong):
            self._keep(job, result, writer)
        else:
            self._reject(job, result.reason, isinstance(result, Unreadable) and result.transient)

    def _keep(self, job: Job, result: ReadSong, writer: CropWriter) -> None:
        song = self.songs[job.position]
        self.songs[job.position] = replace(song, audio_id=result.audio_id, length_s=song.length_s or result.length_s)
        if result.crops:
            self.opened[job.position] = _failure(song, result.warning, fatal=False) if result.warning else None
        else:
            self.opened[job.position] = self._warned.get(state_of(song))
        if result.audio_id not in self.speech:  # another copy may have come first
            shares = [(crop.speech, len(crop.samples) / crop.sample_rate) for crop in result.crops]
            self.speech[result.audio_id] = mean_speech(shares)
            writer.add(result.crops)

    def _reject(self, job: Job, reason: str, transient: bool) -> None:
        song = self.songs[job.position]
        self.songs[job.position] = replace(song, audio_id=None)
        self.opened[job.position] = _failure(song, reason, fatal=True, transient=transient)
        self.unreadable += 1

    def report(self) -> Report:
        """Return the counts as they stand now."""
        outcomes = {"extracted": len(self.opened) - self.unreadable, "could not be read": self.unreadable}
        not_reached = len(self.plan.jobs) - len(self.opened)
        outcomes |= self.plan.settled | ({"not reached": not_reached} if not_reached else {})
        return Report(len(self.songs), {outcome: count for outcome, count in outcomes.items() if count})

    def save(self) -> None:
        """Replace songs.parquet and failures.parquet by what is known now."""
        request, policy = self.request, self.request.policy
        opened = {(self.songs[position].url, self.songs[position].start_s) for position in self.opened}
        unopened = {(song.url, song.start_s) for song in self.songs} - opened
        kept = [failure for failure in self.past.failures if (failure.url, failure.start_s) in unopened]
        write_failures(request.out, [*kept, *filter(None, self.opened.values())], TOOL)
        settings = {"policy": policy.name, **asdict(policy), "speech": request.speech.mode}
        settings |= {"speech_threshold": request.speech.threshold, "counts": self.report().counts}
        parent = Parent(f"{self.library.player} database", str(request.db.resolve()), self.library.fingerprint)
        provenance = Provenance(KIND, FORMAT, TOOL, settings=settings, parents=(parent,))
        write_songs(request.out, joined_by_audio(self.songs, self.speech), provenance)


def _library(db: Path) -> Library:
    library = read_library(db)
    if not library.songs:
        raise InputError(f"{db}: the {library.player} library has no songs yet; let the player scan a folder first")
    return library


def _measurable(speech: SpeechPolicy) -> SpeechPolicy:
    """Return what can be done about speech; raise UserError if it is to be dropped and cannot be found."""
    if not speech.measures:
        return speech
    try:
        load_model()
    except UserError as error:
        if speech.mode == "drop":
            raise
        warn(f"speech is not measured: {error}")
        return replace(speech, mode="keep")
    return speech


def _say_what_is_to_do(library: Library, past: Past, plan: Plan) -> None:
    note(f"{len(plan.songs)} songs in the {library.player} library, {len(plan.jobs)} to open")
    there = {(song.url, song.start_s) for song in library.songs}
    gone = sum((song.url, song.start_s) not in there for song in past.songs)
    if gone:
        note(f"{gone} songs of the last run are no longer in the library under their names")
    if plan.vanished:
        warn(f"{len(plan.vanished)} files of the last run are gone, such as {plan.vanished[0].path}")


def _failure(song: Song, reason: str, *, fatal: bool, transient: bool = False) -> Failure:
    return Failure(song.url, song.path, song.start_s, song.mtime or 0, song.filesize or 0, reason, fatal, transient)
