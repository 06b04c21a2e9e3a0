"""What happens to one song inside a worker process: it is decoded, listened to for speech, and sketched."""

from collections.abc import Collection
from dataclasses import dataclass

from ml_skeleton.artifacts.crops import Crop

from ml_skeleton_extract_audio.cropping import CropPolicy
from ml_skeleton_extract_audio.decode import DecodedSong, DecodeError, read_song
from ml_skeleton_extract_audio.plan import Job
from ml_skeleton_extract_audio.sketch import sketch
from ml_skeleton_extract_audio.speech import SpeechPolicy, load_model


@dataclass(frozen=True)
class Wanted:
    """What every song of a run is asked for."""

    policy: CropPolicy
    speech: SpeechPolicy
    max_duration_s: float
    known: Collection[str]  # audio_ids that have their crops: such songs are not decoded


@dataclass(frozen=True)
class ReadSong:
    """What a song gave."""

    audio_id: str
    length_s: float
    crops: tuple[Crop, ...]  # none for a song that was known
    warning: str | None


@dataclass(frozen=True)
class Unreadable:
    """A song that gives no crops, and why."""

    reason: str
    transient: bool = False  # nothing is known against the file itself


def read(job: Job, wanted: Wanted) -> ReadSong | Unreadable:
    """Return the crops of a song with all that is measured on them."""
    try:
        song = read_song(
            job.file,
            wanted.policy,
            job.start_s,
            job.length_s,
            known=wanted.known,
            max_duration_s=wanted.max_duration_s,
        )
    except DecodeError as error:
        return Unreadable(str(error), error.transient)
    crops = tuple(_measured(song, number, wanted) for number in range(len(song.crops)))
    verdict = wanted.speech.verdict([crop.speech for crop in crops if crop.speech is not None])
    return Unreadable(verdict) if verdict else ReadSong(song.audio_id, song.length_s, crops, song.warning)


def _measured(song: DecodedSong, number: int, wanted: Wanted) -> Crop:
    crop, rate = song.crops[number], wanted.policy.rate
    measures = wanted.speech.measures and len(crop.samples)
    return Crop(
        audio_id=song.audio_id,
        policy=wanted.policy.name,
        crop=number,
        start_s=crop.start_s,
        sample_rate=rate,
        samples=crop.samples,
        speech=load_model().share(crop.samples, rate, wanted.speech.threshold) if measures else None,
        codec=song.codec,
        sketch=sketch(crop.samples, rate).astype("<u4").tobytes(),
    )
