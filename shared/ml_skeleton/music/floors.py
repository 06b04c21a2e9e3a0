"""Floors: predictions that anybody can make without hearing a note. A model has to beat them.

Where nothing else is known a floor falls back to the mean of all ratings, the
tested ones included. That favours the floor by a hair, and is one constant: the
mean of each fold's other songs would rank the folds against each other.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence

import numpy as np

from ml_skeleton.music.recordings import Recording
from ml_skeleton.music.scores import Ratings


def artist_mean(known: Sequence[Recording], asked: Sequence[Recording], fallback: float) -> Ratings:
    """Return the mean of the artist's known ratings for each recording asked, or `fallback`."""
    sums = _Sums(known)
    means = (sums.mean([_artist(recording)]) for recording in asked)
    return np.array([fallback if mean is None else mean for mean in means])


def album_mean(rated: Sequence[Recording], asked: Sequence[Recording], fallback: float) -> Ratings:
    """Return the mean of the album's other songs, else of the artist's others, else `fallback`.

    It may know other ratings of the very album, which a model tested on albums
    held out may not: it is what a player without a model could do.
    """
    sums = _Sums(rated)
    means = (sums.mean([*recording.album_keys, _artist(recording)], left_out=recording) for recording in asked)
    return np.array([fallback if mean is None else mean for mean in means])


class _Sums:
    """Sums of ratings by album and by artist."""

    def __init__(self, known: Iterable[Recording]) -> None:
        self.total: dict[str, float] = defaultdict(float)
        self.count: Counter[str] = Counter()
        for recording in known:
            for key in _keys(recording):
                self.total[key] += recording.rating or 0.0
                self.count[key] += 1

    def mean(self, keys: Iterable[str], left_out: Recording | None = None) -> float | None:
        """Return the mean under the first of `keys` with any rating but that of `left_out`, or None."""
        own = _keys(left_out) if left_out else set()
        for key in keys:
            count = self.count[key] - (key in own)
            if key and count > 0:
                excess = (left_out.rating or 0.0) if left_out and key in own else 0.0
                return (self.total[key] - excess) / count
        return None


def _keys(recording: Recording) -> set[str]:
    return {*recording.album_keys, _artist(recording)}


def _artist(recording: Recording) -> str:
    return f"artist {recording.artist}" if recording.artist else ""
