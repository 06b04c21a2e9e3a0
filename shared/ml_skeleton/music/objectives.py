"""What an encoder can be asked to learn, and what it is not to mind; needs no torch."""

from collections.abc import Mapping

from ml_skeleton.errors import UsageError

PARTS = {
    "rating": "the stars of rated songs, squared error of a head",
    "album": "which album a song is on, cross-entropy of a head over all albums of the training songs",
    "windows": "two windows of a song are alike (NT-Xent)",
    "same_album": "songs of an album are alike (supervised contrastive)",
    "same_artist": "songs of an artist are alike (supervised contrastive)",
    "metadata": "songs of a genre and about the same year are alike",
    "playlists": "songs that stand in one of the listener's playlists are alike",
}

# In multitask the other parts stay far below the rating once all have settled: an encoder that tells albums apart too
# well orders artists that it has not heard worse.
PRESETS: dict[str, dict[str, float]] = {
    "library": {"windows": 1.0, "album": 0.1, "playlists": 0.1},
    "multitask": {"rating": 1.0, "album": 0.01, "windows": 0.01, "playlists": 0.01},
    "rating": {"rating": 1.0},
    "ntxent": {"windows": 1.0},
    "supcon": {"same_album": 0.5, "same_artist": 0.5},
    "metadata": {"metadata": 1.0},
}

DEFAULT_LOSS = "library"
MULTITASK = "multitask"  # alone or before the name of an encoder: with heads that stay in its checkpoint

AUGMENTATIONS = {  # how likely each is for a window; those that cost a Fourier transform of every frame are off
    "gain": 0.5,
    "eq": 0.3,
    "noise": 0.3,
    "time-mask": 0.3,
    "frequency-mask": 0.3,
    "stretch": 0.0,
    "pitch": 0.0,
}


def loss_weights(preset: str, changed: Mapping[str, float]) -> dict[str, float]:
    """Return the weight of every part that counts, by name: those of the preset but for what is `changed`.

    Raises UsageError for an unknown preset, and when nothing is left to learn.
    """
    if preset not in PRESETS:
        raise UsageError(f"--loss {preset}: unknown; expected one of {', '.join(PRESETS)}")
    weights = {name: weight for name, weight in {**PRESETS[preset], **changed}.items() if weight > 0}
    if not weights:
        raise UsageError("--loss-weights: every weight is 0; leave at least one part of the loss")
    return weights


def uses_unrated(weights: Mapping[str, float]) -> bool:
    """Return whether songs without a rating teach something."""
    return set(weights) != {"rating"}


def learns_ratings(weights: Mapping[str, float]) -> bool:
    """Return whether ratings shape the encoder."""
    return "rating" in weights
