"""Measures: what the pictures show beyond evaluation.json, from the predictions in it; stars are 0 to 5."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt
from ml_skeleton.artifacts.evaluations import HEADLINE, NEW_SONG, Figure, Prediction
from ml_skeleton.music.resampling import album_samples, figure_of
from ml_skeleton.music.scores import STARS

Vector = npt.NDArray[np.float64]
Counts = npt.NDArray[np.int64]

SEED = 42
MOST_BINS, SONGS_IN_A_BIN = 10, 8
KNOWN_FROM = (0, 1, 3, 6, 11, 21)  # ratings of the artist, where each group of songs begins
HALF_STARS = 11


@dataclass(frozen=True)
class Believed:
    """Songs of which about the same was predicted."""

    predicted: float  # stars, their mean
    true: Figure  # stars, the mean that the listener gave
    songs: int


@dataclass(frozen=True)
class AlbumMiss:
    """How far the predictions of an album are above (or below) its ratings on average, in stars."""

    album: str
    missed: Figure
    songs: int


@dataclass(frozen=True)
class ErrorOf:
    """The typical error, in stars, of songs by an artist of whom so many ratings are known."""

    known: str
    error: Figure
    songs: int


def calibration(predictions: Sequence[Prediction]) -> list[Believed]:
    """Return the songs by what was predicted of them as of new albums, in groups of like size, lowest first."""
    predicted, true = _predicted(predictions, HEADLINE), _true(predictions)
    groups = np.array_split(np.argsort(predicted, kind="stable"), _groups_of(len(predictions)))
    return [
        Believed(float(predicted[rows].mean()), _mean(true[rows], [predictions[row] for row in rows]), len(rows))
        for rows in groups
    ]


def misses_by_album(predictions: Sequence[Prediction], fewest: int, most: int) -> tuple[list[AlbumMiss], int]:
    """Return the `most` albums, of `fewest` songs at least, that are missed most, and how many there are.

    The interval of one album is that of its songs, drawn again with replacement.
    """
    songs: dict[str, list[float]] = defaultdict(list)
    for prediction in predictions:
        if prediction.album != prediction.audio_id:
            songs[prediction.album].append(STARS * (prediction.predicted[HEADLINE] - prediction.true))
    albums = [
        AlbumMiss(name_of_album(key), _mean_of_songs(np.array(missed)), len(missed))
        for key, missed in songs.items()
        if len(missed) >= fewest
    ]
    farthest = sorted(albums, key=lambda album: (-abs(album.missed.value or 0.0), album.album))[:most]
    return sorted(farthest, key=lambda album: -(album.missed.value or 0.0)), len(albums)


def error_by_known(predictions: Sequence[Prediction]) -> list[ErrorOf]:
    """Return the error of new songs by how many ratings of the same artist they were predicted with."""
    asked = [prediction for prediction in predictions if NEW_SONG in prediction.predicted]
    found = []
    for first, following in pairwise((*KNOWN_FROM, 10**9)):
        some = [prediction for prediction in asked if first <= prediction.known < following]
        last = following - 1
        name = str(first) if last == first else f"{first} or more" if following == 10**9 else f"{first} to {last}"
        if some:
            squared = _mean((_predicted(some, NEW_SONG) - _true(some)) ** 2, some)
            found.append(ErrorOf(name, _root(squared), len(some)))
    return found


def confusion(predictions: Sequence[Prediction]) -> Counts:
    """Return how often (11, 11) each half star that was given, as a row, was predicted as which, as a column."""
    counts = np.zeros((HALF_STARS, HALF_STARS), dtype=np.int64)
    given, said = (
        np.rint(2 * stars).astype(np.intp) for stars in (_true(predictions), _predicted(predictions, HEADLINE))
    )
    np.add.at(counts, (given, said), 1)
    return counts


def coverage(predictions: Sequence[Prediction]) -> Figure:
    """Return the share of the ratings that lie in their 80 % interval."""
    inside = np.array([float(one.low <= one.true <= one.high) for one in predictions])
    return _mean(inside, predictions)


def name_of_album(key: str) -> str:
    """Return the name of an album for a person."""
    artist, _, album = key.partition("|||")
    return f"{artist} – {album}" if album else artist


def _groups_of(songs: int) -> int:
    return max(1, min(MOST_BINS, songs // SONGS_IN_A_BIN))


def _true(predictions: Sequence[Prediction]) -> Vector:
    return STARS * np.array([prediction.true for prediction in predictions])


def _predicted(predictions: Sequence[Prediction], situation: str) -> Vector:
    return STARS * np.array([prediction.predicted[situation] for prediction in predictions])


def _mean(values: Vector, predictions: Sequence[Prediction]) -> Figure:
    """Return the mean of values (N,) with its interval over albums."""
    weights = album_samples([prediction.album for prediction in predictions], SEED)
    with np.errstate(invalid="ignore"):
        return figure_of(float(values.mean()), weights @ values / weights.sum(axis=1))


def _mean_of_songs(values: Vector) -> Figure:
    drawn = np.random.default_rng(SEED).choice(values, (1000, len(values)))
    return figure_of(float(values.mean()), drawn.mean(axis=1))


def _root(figure: Figure) -> Figure:
    """Return the square root of a figure and of its interval."""
    value, low, high = (None if end is None else end**0.5 for end in (figure.value, figure.low, figure.high))
    return Figure(value, low, high)
