"""What the options of evaluate mean."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import date, datetime
from pathlib import Path

from ml_skeleton.errors import UsageError
from ml_skeleton.music.classifiers import MODELS
from ml_skeleton.music.rated import FitSettings, Targeting

CHECKPOINT = ".pt"
KIND = "classifier"


@dataclass(frozen=True)
class Asked:
    """What is to be measured."""

    versions: list[str] | None  # None for the newest
    settings: FitSettings
    targeting: Targeting
    since: int | None  # Unix time


def asked_for(versions: str | None, classifier: str, since: str | None, seed: int) -> Asked:
    """Return what to measure: a model by its name, or the very settings of a classifier's checkpoint."""
    names, start = names_of(versions), parse_day(since)
    if not classifier.endswith(CHECKPOINT):
        if classifier not in MODELS and ":" not in classifier:
            raise UsageError(
                f"--classifier {classifier}: unknown; expected one of {', '.join(MODELS)}, a class as module:Class, or "
                "a checkpoint such as classifier.pt"
            )
        return Asked(names, FitSettings(classifier, seed=seed), Targeting(), start)
    from ml_skeleton.artifacts.checkpoints import read_header

    header = read_header(Path(classifier), KIND)
    known = {field.name for field in fields(FitSettings)}
    made = {name: value for name, value in header.provenance.settings.items() if name in known}
    targets = {field.name for field in fields(Targeting)}
    learned = {name: value for name, value in header.provenance.settings.items() if name in targets}
    settings = FitSettings(**{**made, "seed": seed})
    targeting = Targeting(**{**learned, "features": tuple(header.content["features"])})
    own = ["+".join(name for name, _ in header.content["versions"])]
    return Asked(names or own, settings, targeting, start)


def names_of(versions: str | None) -> list[str] | None:
    """Return the names between the commas, None for no option; raise UsageError for an empty one."""
    if versions is None:
        return None
    names = list(dict.fromkeys(name.strip() for name in versions.split(",") if name.strip()))
    if not names:
        raise UsageError("--versions: empty, expected names with commas between them")
    return names


def parse_day(text: str | None) -> int | None:
    """Return the Unix time at which a day such as 2026-01-31 begins here; raise UsageError for anything else."""
    if text is None:
        return None
    try:
        return int(datetime.combine(date.fromisoformat(text), datetime.min.time()).timestamp())
    except ValueError:
        raise UsageError(f"--since {text}: expected a day such as 2026-01-31") from None


def two_versions(names: Sequence[str] | None) -> tuple[str, str] | None:
    """Return the two versions of a listening test, None where none is named; raise UsageError for any other number."""
    if not names:
        return None
    if len(names) != 2 or names[0] == names[1]:
        raise UsageError(f"{' '.join(names)}: a listening test is of two versions, found {len(set(names))}")
    return names[0], names[1]
