"""What a crops folder holds from earlier runs."""

import math
from collections import defaultdict
from collections.abc import Mapping
from fnmatch import fnmatch
from pathlib import Path

from ml_skeleton.artifacts.crops import SNAPSHOT, Crops, Failure, crop_measures, read_failures
from ml_skeleton.artifacts.songs import read_known_files
from ml_skeleton.errors import InputError

from ml_skeleton_extract_audio.plan import Past, state_of
from ml_skeleton_extract_audio.speech import DROPPED, SpeechPolicy

OWN_NAMES = {"audio", SNAPSHOT, "failures.parquet", "duplicates.parquet", ".lock"}
HALF_WRITTEN = ".*.partial"  # by a run that was killed
TOO_LONG = "longer than "  # how the decoder's reason begins


def refuse_foreign(out: Path) -> None:
    """A folder of something else is not made a crops folder by mistake; parts of a killed first run are ours."""
    if out.exists() and not out.is_dir():
        raise InputError(f"{out}: a file, expected a folder for crops")
    names = [path.name for path in out.iterdir()] if out.is_dir() else []
    foreign = [name for name in names if name not in OWN_NAMES and not fnmatch(name, HALF_WRITTEN)]
    if foreign:
        raise InputError(f"{out}: no crops folder, it holds {foreign[0]!r}; name a new folder with --out")


def read_past(out: Path, policy: str, speech: SpeechPolicy, max_duration_s: float, retry_failed: bool) -> Past:
    """Return what earlier runs left in `out`, seen by a run that wants crops of `policy`."""
    files = read_known_files(Crops(out).snapshot) if (out / SNAPSHOT).exists() else []
    failures = read_failures(out)
    failed = {
        state_of(failure) for failure in failures if not retry_failed and _still_holds(failure, speech, max_duration_s)
    }
    return Past(files, failures, failed, speech_of(out, policy))


def speech_of(out: Path, policy: str) -> Mapping[str, float | None]:
    """Return the recordings that have crops of `policy`, each with its share of speech, None where not measured."""
    found = crop_measures(out, ["audio_id", "policy", "speech", "seconds"])
    shares: dict[str, list[tuple[float | None, float]]] = defaultdict(list)
    for audio_id, of_policy, share, seconds in zip(*(column.to_pylist() for column in found.columns), strict=True):
        if of_policy == policy:
            shares[audio_id].append((share, seconds))
    return {audio_id: mean_speech(measured) for audio_id, measured in shares.items()}


def mean_speech(shares: list[tuple[float | None, float]]) -> float | None:
    """Return the mean of (share, seconds) weighted by seconds; None if any crop was not measured."""
    measured = [(share, seconds) for share, seconds in shares if share is not None]
    total_s = math.fsum(seconds for _, seconds in measured)
    if len(measured) < len(shares) or total_s <= 0:
        return None
    mean = math.fsum(share * seconds for share, seconds in measured) / total_s
    return round(mean, 4)  # the same from memory and from the file, which holds float32


def _still_holds(failure: Failure, speech: SpeechPolicy, max_duration_s: float) -> bool:
    """Return whether a failure would come again: some depend on what was asked for."""
    if not failure.fatal or failure.transient:
        return False
    if failure.reason.startswith(DROPPED):
        return speech.mode == "drop"
    return not failure.reason.startswith(TOO_LONG) or failure.reason == f"{TOO_LONG}{max_duration_s:g} s"
