"""One run of clem-extract: what was asked, and one pass over the songs of a plan."""

import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path

from ml_skeleton.artifacts.crops import FORMAT, KIND, CropWriter, Failure, write_failures, write_songs
from ml_skeleton.artifacts.duplicates import read_duplicates, stand_ins
from ml_skeleton.artifacts.player import Library
from ml_skeleton.artifacts.provenance import Parent, Provenance
from ml_skeleton.artifacts.songs import Song, joined_by_audio
from ml_skeleton.artifacts.speech import SpeechShare, mean_speech, shares_of, speech_of
from ml_skeleton.console import progress
from ml_skeleton.interrupts import StopRequest
from ml_skeleton.path_map import PathMap

from ml_skeleton_extract_audio.cropping import CropPolicy
from ml_skeleton_extract_audio.folder import read_past
from ml_skeleton_extract_audio.likeness import refresh_duplicates
from ml_skeleton_extract_audio.plan import EXTRACTED_BEFORE, Job, Past, Plan, Selection, state_of
from ml_skeleton_extract_audio.reading import ReadSong, Unreadable, Wanted, read
from ml_skeleton_extract_audio.speech import DROPPED, SpeechPolicy
from ml_skeleton_extract_audio.speech_later import measure_later
from ml_skeleton_extract_audio.workers import Crash, Limits, WorkerPool

TOOL = "clem-extract"
WORKER_MODULE = "ml_skeleton_extract_audio.reading"  # imported once, then every worker is a fork of it
EXTRACTED, UNREADABLE, SPOKEN = "extracted", "could not be read", "dropped as speech"
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


class Run:
    """One pass over the songs of a plan."""

    def __init__(self, request: Request, library: Library, plan: Plan, past: Past) -> None:
        self.request, self.library, self.plan, self.failures = request, library, plan, past.failures
        self.songs = list(plan.songs)
        self.speech = dict(past.speech)  # of audio_ids that have their crops
        self.ledger: dict[int, Failure | None] = {}  # of the songs that this run settled, by position in `songs`
        self.counts = Counter(plan.settled)  # of songs, by outcome
        self.reached = 0  # of the plan's jobs
        self._warned = {state_of(failure): failure for failure in past.failures if not failure.fatal}

    @property
    def has_crops(self) -> bool:
        """Whether any song of the library has crops."""
        return any(song.audio_id in self.speech for song in self.songs)

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
                shown.advance(remark=self._rejects())
                if time.monotonic() - saved > SAVE_EVERY_S:
                    writer.finish_part()
                    self.save()
                    saved = time.monotonic()

    def _take(self, job: Job, result: ReadSong | Unreadable | Crash, writer: CropWriter) -> None:
        self.reached += 1
        if isinstance(result, ReadSong):
            self._keep(job, result, writer)
        else:
            self._reject(job.position, result.reason, isinstance(result, Unreadable) and result.transient)

    def _keep(self, job: Job, result: ReadSong, writer: CropWriter) -> None:
        song = self.songs[job.position]
        self.songs[job.position] = replace(song, audio_id=result.audio_id, length_s=song.length_s or result.length_s)
        self.counts[EXTRACTED] += 1
        if result.crops:
            self.ledger[job.position] = _failure(song, result.warning, fatal=False) if result.warning else None
        else:
            self.ledger[job.position] = self._warned.get(state_of(song))
        if result.audio_id not in self.speech:  # another copy may have come first
            shares = [SpeechShare(crop.speech, len(crop.samples) / crop.sample_rate) for crop in result.crops]
            self.speech[result.audio_id] = mean_speech(shares)
            writer.add(result.crops)

    def _reject(self, position: int, reason: str, transient: bool = False) -> None:
        song = self.songs[position]
        self.songs[position] = replace(song, audio_id=None)
        self.ledger[position] = _failure(song, reason, fatal=True, transient=transient)
        self.counts[SPOKEN if reason.startswith(DROPPED) else UNREADABLE] += 1

    def _rejects(self) -> str:
        named = {"unreadable": self.counts[UNREADABLE], "speech": self.counts[SPOKEN]}
        return ", ".join(f"{count} {name}" for name, count in named.items() if count)

    def settle_speech(self, stop: StopRequest) -> None:
        """Measure the crops that an earlier run kept unmeasured; take songs that are speech out if that was asked."""
        request = self.request
        if not request.speech.measures:
            return
        unmeasured = None in self.speech.values()
        if unmeasured and measure_later(request.out, request.policy.name, request.speech, request.workers, TOOL, stop):
            self.speech = speech_of(request.out, request.policy.name)
        if request.speech.mode == "drop":
            self._drop_speech(shares_of(request.out, request.policy.name))

    def _drop_speech(self, shares: Mapping[str, list[SpeechShare]]) -> None:
        for position, song in enumerate(self.songs):
            measured = [crop.share for crop in shares.get(song.audio_id or "", []) if crop.share is not None]
            if verdict := self.request.speech.verdict(measured):
                self.counts[EXTRACTED if position in self.ledger else EXTRACTED_BEFORE] -= 1
                self._reject(position, verdict)

    def find_alike(self) -> bool:
        """Look for near-duplicates; return whether there was anything new to compare."""
        return refresh_duplicates(self.request.out, self.request.policy.name, TOOL)

    def report(self) -> Report:
        """Return the counts as they stand now, what gave crops first."""
        first = (EXTRACTED, EXTRACTED_BEFORE, SPOKEN, UNREADABLE)
        outcomes = {outcome: self.counts[outcome] for outcome in (*first, *self.counts)}
        outcomes["not reached"] = len(self.plan.jobs) - self.reached
        return Report(len(self.songs), {outcome: count for outcome, count in outcomes.items() if count})

    def save(self) -> None:
        """Replace songs.parquet and failures.parquet by what is known now."""
        request, policy = self.request, self.request.policy
        settled = {(self.songs[position].url, self.songs[position].start_s) for position in self.ledger}
        others = {(song.url, song.start_s) for song in self.songs} - settled
        kept = [failure for failure in self.failures if (failure.url, failure.start_s) in others]
        write_failures(request.out, [*kept, *filter(None, self.ledger.values())], TOOL)
        settings = {"policy": policy.name, **asdict(policy), "speech": request.speech.mode}
        settings |= {"speech_threshold": request.speech.threshold, "counts": self.report().counts}
        parent = Parent(f"{self.library.player} database", str(request.db.resolve()), self.library.fingerprint)
        provenance = Provenance(KIND, FORMAT, TOOL, settings=settings, parents=(parent,))
        alike = stand_ins(read_duplicates(request.out))
        write_songs(request.out, joined_by_audio(self.songs, self.speech, alike), provenance)


def _failure(song: Song, reason: str, *, fatal: bool, transient: bool = False) -> Failure:
    return Failure(song.url, song.path, song.start_s, song.mtime or 0, song.filesize or 0, reason, fatal, transient)
