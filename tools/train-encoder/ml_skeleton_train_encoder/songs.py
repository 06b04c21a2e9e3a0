"""The songs an encoder learns from, by the side of the split they are on; needs no torch."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from ml_skeleton.artifacts.checkpoints import read_header
from ml_skeleton.artifacts.crops import Crops
from ml_skeleton.artifacts.files import fingerprint_of
from ml_skeleton.errors import InputError
from ml_skeleton.music.recordings import Recording, recordings_of
from ml_skeleton.music.splits import TRAIN, split_by_artist

from ml_skeleton_train_encoder.settings import Settings

KIND = "encoder"
VAL, TEST = "val", "test"
NO_RATINGS_MEAN = 0.5  # of ratings from 0 to 1
LABELS: dict[str, Callable[[Recording], object]] = {  # what a part of the loss is told of a recording
    "rating": lambda recording: recording.rating,
    "album": lambda recording: recording.album_keys,
    "windows": lambda _: (),
    "same_album": lambda recording: recording.album_keys,
    "same_artist": lambda recording: recording.artist,
    "metadata": lambda recording: [(song.genre, song.year) for song in recording.songs],
    "playlists": lambda recording: [song.playlists or () for song in recording.songs],
}


@dataclass(frozen=True)
class SongSet:
    """Recordings with crops, by the side of the split they are on."""

    crops: Crops
    purpose: str  # fingerprint of all that decides the weights
    sides: dict[str, list[Recording]]
    album_index: dict[str, int]  # of the training songs

    def rated(self, side: str) -> list[Recording]:
        """Return the rated recordings of a side."""
        return [recording for recording in self.sides[side] if recording.rating is not None]

    @property
    def mean_rating(self) -> float:
        """Of the training songs, 0 to 1; a half where none is rated."""
        ratings = [recording.rating for recording in self.sides[TRAIN] if recording.rating is not None]
        return float(np.mean(ratings)) if ratings else NO_RATINGS_MEAN

    def __str__(self) -> str:
        counts = (f"{len(self.sides[side])} {side} ({len(self.rated(side))} rated)" for side in self.sides)
        return f"recordings: {', '.join(counts)}; no artist and no album is on two sides"


def songs_to_learn_from(crops: Crops, settings: Settings) -> SongSet:
    """Return the recordings that have crops, split by artist and album.

    Which are on which side follows from ratings only where they are learned;
    raises InputError if they are and there is none.
    """
    present = set(crops.audio_ids)
    music = (r for r in recordings_of(crops.songs) if r.speech <= settings.max_speech)
    recordings = [recording for recording in music if recording.audio_id in present]
    shares = {TEST: settings.test_fraction, VAL: settings.val_fraction}
    side_of = split_by_artist(recordings, shares, settings.seed, by_ratings=settings.needs_ratings)
    sides: dict[str, list[Recording]] = {TRAIN: [], VAL: [], TEST: []}
    for recording in recordings:
        side = sides.get(side_of[recording.audio_id])
        if side is not None and (settings.uses_unrated or recording.rating is not None):
            side.append(recording)
    keys = sorted({key for recording in sides[TRAIN] for key in recording.album_keys})
    purpose = fingerprint_of(crops.policy, repr(settings), *_learned_from(sides, settings))
    songs = SongSet(crops, purpose, sides, {key: index for index, key in enumerate(keys)})
    if settings.needs_ratings and not songs.rated(TRAIN):
        raise InputError(f"{crops.folder}: no rated song to learn from; rate some in the player, then extract again")
    return songs


def _learned_from(sides: dict[str, list[Recording]], settings: Settings) -> list[str]:
    """Return all that shapes the weights: the training songs and what the loss is told of them.

    The validation songs do as well where they choose the best epoch.
    """
    parts = {*settings.loss, *(("rating", "album") if settings.keeps_heads else ())}
    told = [LABELS[part] for part in sorted(parts)]
    texts = [f"{recording.audio_id} {[label(recording) for label in told]}" for recording in sides[TRAIN]]
    if settings.learns_ratings:
        texts += [f"{VAL} {recording.audio_id} {recording.rating}" for recording in sides[VAL]]
    return texts


def is_current(songs: SongSet, out: Path) -> bool:
    """Return whether `out` is the encoder that these songs and settings give."""
    return out.exists() and read_header(out, KIND).content["purpose"] == songs.purpose
