"""What a crops folder holds from earlier runs."""

from fnmatch import fnmatch
from pathlib import Path

from ml_skeleton.artifacts.crops import SNAPSHOT, Crops, Failure, read_failures
from ml_skeleton.artifacts.parts import FOLDER as PARTS
from ml_skeleton.artifacts.songs import read_known_files
from ml_skeleton.artifacts.speech import speech_of
from ml_skeleton.errors import InputError

from ml_skeleton_extract_audio.plan import Past, state_of
from ml_skeleton_extract_audio.speech import DROPPED, SpeechPolicy

LOCK = ".lock"
OWN_NAMES = {PARTS, SNAPSHOT, "failures.parquet", "duplicates.parquet", "speech.parquet", LOCK}
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


def remove_if_empty(out: Path) -> None:
    """Remove `out` if nothing but its lock came into it, and a folder for parts that could not be written."""
    parts = out / PARTS
    if parts.is_dir() and not any(parts.iterdir()):
        parts.rmdir()
    if [path.name for path in out.iterdir()] == [LOCK]:
        (out / LOCK).unlink()
        out.rmdir()


def read_past(out: Path, policy: str, speech: SpeechPolicy, max_duration_s: float, retry_failed: bool) -> Past:
    """Return what earlier runs left in `out`, seen by a run that wants crops of `policy`."""
    files = read_known_files(Crops(out).snapshot) if (out / SNAPSHOT).exists() else []
    failures = read_failures(out)
    failed = {
        state_of(failure) for failure in failures if not retry_failed and _still_holds(failure, speech, max_duration_s)
    }
    return Past(files, failures, failed, speech_of(out, policy))


def _still_holds(failure: Failure, speech: SpeechPolicy, max_duration_s: float) -> bool:
    """Return whether a failure would come again: some depend on what was asked for."""
    if not failure.fatal or failure.transient:
        return False
    if failure.reason.startswith(DROPPED):
        return speech.mode == "drop"
    return not failure.reason.startswith(TOO_LONG) or failure.reason == f"{TOO_LONG}{max_duration_s:g} s"
