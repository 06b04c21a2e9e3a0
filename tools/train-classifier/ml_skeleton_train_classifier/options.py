"""What the options of train-classifier mean, and which do not go together."""

from ml_skeleton.errors import UsageError
from ml_skeleton.music.classifiers import MODELS
from ml_skeleton.music.inputs import BEHAVIOUR, GROUPS
from ml_skeleton.music.rated import Targeting


def versions_of(version: str | None, versions: str | None) -> list[str] | str | None:
    """Return the versions to read, None for the newest."""
    if versions is None:
        return version
    if version is not None:
        raise UsageError("--version and --versions: found both, expected one")
    return _names("--versions", versions)


def targeting_of(features: str, implicit: float, half_life: float | None) -> Targeting:
    """Return what is learned from; raise UsageError for unknown features and for labels that are made of features."""
    names = _names("--features", features)
    unknown = sorted(set(names) - set(GROUPS))
    if unknown:
        raise UsageError(f"--features {features}: unknown {', '.join(unknown)}; expected some of {', '.join(GROUPS)}")
    if implicit and BEHAVIOUR in names:
        raise UsageError(
            "--implicit makes labels of plays and skips, which --features behaviour would see: leave one out"
        )
    return Targeting(tuple(name for name in GROUPS if name in names), implicit, half_life)


def model_named(model: str) -> str:
    """Return the name of a model; raise UsageError for one that cannot be, before anything is read."""
    if model not in MODELS and ":" not in model:
        raise UsageError(f"--model {model}: unknown; expected one of {', '.join(MODELS)}, or a class as module:Class")
    return model


def _names(option: str, text: str) -> list[str]:
    names = list(dict.fromkeys(name.strip() for name in text.split(",") if name.strip()))
    if not names:
        raise UsageError(f"{option}: empty, expected names with commas between them")
    return names
