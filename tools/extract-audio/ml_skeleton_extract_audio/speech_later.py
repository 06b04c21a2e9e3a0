"""Measures the speech in crops that were cut without, by `--speech keep`; the songs are not decoded again."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from ml_skeleton.artifacts.parts import opened_part, row_groups
from ml_skeleton.artifacts.speech import CropSpeech, read_speech, write_speech
from ml_skeleton.console import counted, note, progress, warn
from ml_skeleton.interrupts import StopRequest

from ml_skeleton_extract_audio.speech import SpeechPolicy, load_model
from ml_skeleton_extract_audio.workers import Crash, Limits, WorkerPool

COLUMNS = ("audio_id", "policy", "crop", "speech")
SAVE_EVERY_S = 30.0


@dataclass(frozen=True)
class Unheard:
    """Crops that lie together and have no share of speech."""

    part: Path
    row_group: int
    rows: tuple[int, ...]  # within the group


def measure_later(folder: Path, policy: str, speech: SpeechPolicy, workers: int, tool: str, stop: StopRequest) -> bool:
    """Put the shares of all crops of `policy` that have none into speech.parquet; return whether there were any."""
    measured = read_speech(folder)
    jobs = list(_unheard(folder, policy, {(row.audio_id, row.policy, row.crop) for row in measured}))
    if not jobs:
        return False
    crops = sum(len(job.rows) for job in jobs)
    note(f"{counted(crops, 'crop')} of an earlier run without a share of speech")
    pool: WorkerPool[Unheard, list[CropSpeech]]
    pool = WorkerPool(partial(listen, threshold=speech.threshold), min(workers, len(jobs)), Limits(), [__name__])
    saved = time.monotonic()
    with progress("listening for speech", crops, "crops") as shown:
        for job, result in pool.run(jobs, lambda: bool(stop)):
            if isinstance(result, Crash):
                warn(f"{job.part}: {counted(len(job.rows), 'crop')} not measured: {result.reason}")
            else:
                measured += result
            shown.advance(len(job.rows))
            if time.monotonic() - saved > SAVE_EVERY_S:
                write_speech(folder, measured, tool)
                saved = time.monotonic()
    write_speech(folder, measured, tool)
    return True


def listen(job: Unheard, threshold: float) -> list[CropSpeech]:
    """Return the shares of speech of the crops that a job names; runs in a worker."""
    with opened_part(job.part) as part:
        table = part.read_row_group(job.row_group, columns=["audio_id", "policy", "crop", "sample_rate", "samples"])
    found = []
    for audio_id, policy, crop, rate, samples in map(dict.values, table.take(list(job.rows)).to_pylist()):
        share = load_model().share(np.frombuffer(samples, dtype="<i2"), rate, threshold)
        found.append(CropSpeech(audio_id, policy, crop, share))
    return found


def _unheard(folder: Path, policy: str, measured: set[tuple[str, str, int]]) -> Iterator[Unheard]:
    for group in row_groups(folder, COLUMNS):
        rows = tuple(
            number
            for number, (audio_id, found, crop, share) in enumerate(group.rows)
            if found == policy and share is None and (audio_id, found, crop) not in measured
        )
        if rows:
            yield Unheard(group.part, group.number, rows)
