"""Floors: predictions that anybody can make without hearing a note. A model has to beat them.

Means of few ratings are drawn towards what is expected anyway, by as much as the
ratings themselves say: the variance between groups against that within them (a
one-way random effects model, by the method of moments; Searle, Casella, McCulloch
1992, section 3.6). A plain mean of one rating would be too low a floor.

Where nothing else is known a floor falls back to the mean of all ratings, the
tested ones included. That favours the floor by a hair, and is one constant: the
mean of each fold's other songs would rank the folds against each other.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence

import numpy as np

from ml_skeleton.music.inputs import genres_of
from ml_skeleton.music.recordings import Recording
from ml_skeleton.music.ridge import fit_ridge
from ml_skeleton.music.scores import Ratings

Keys = Callable[[Recording], Sequence[str]]
NEVER = 1e6  # ratings that would be needed to believe in a group, where groups do not differ
SCORE_PENALTY = 1.0  # of the line from the player's score to ratings: hardly any


def artist_mean(known: Sequence[Recording], asked: Sequence[Recording], fallback: float) -> Ratings:
    """Return the shrunken mean of the artist's known ratings for each recording asked, or `fallback`.

    A recording asked that is known itself has no part in its own mean.
    """
    return _shrunken(known, asked, _artist, np.full(len(asked), fallback))


def album_mean(known: Sequence[Recording], asked: Sequence[Recording], fallback: float) -> Ratings:
    """Return the mean of the album's known ratings, drawn towards that of the artist; else as artist_mean."""
    return _shrunken(known, asked, _albums, artist_mean(known, asked, fallback))


def genre_mean(known: Sequence[Recording], asked: Sequence[Recording], fallback: float) -> Ratings:
    """Return the shrunken mean of the known ratings of the recording's genre, or `fallback`."""
    return _shrunken(known, asked, genres_of, np.full(len(asked), fallback))


def players_score(known: Sequence[Recording], asked: Sequence[Recording], fallback: float) -> Ratings:
    """Return ratings from the score that the player gives to what was played or skipped, on the line that fits best."""
    scores = np.array([_score(recording) for recording in known])
    there = ~np.isnan(scores)
    predicted = np.full(len(asked), fallback)
    if there.any():
        ratings = np.array([recording.rating or 0.0 for recording in known])[there]
        line = fit_ridge(scores[there, None].astype(np.float32), ratings, SCORE_PENALTY)
        own = np.array([_score(recording) for recording in asked])
        rated = line.predict(np.nan_to_num(own)[:, None].astype(np.float32))
        predicted = np.where(np.isnan(own), fallback, np.clip(rated, 0.0, 1.0))
    return predicted


def has_score(recordings: Iterable[Recording]) -> bool:
    """Return whether the player gives a score to any of them."""
    return any(not np.isnan(_score(recording)) for recording in recordings)


def _shrunken(known: Sequence[Recording], asked: Sequence[Recording], keys: Keys, expected: Ratings) -> Ratings:
    """Return the mean under the first key with any known rating, drawn towards what is `expected` (N,)."""
    total: dict[str, float] = defaultdict(float)
    count: Counter[str] = Counter()
    for recording in known:
        for key in keys(recording):
            total[key] += recording.rating or 0.0
            count[key] += 1
    strength = _ratings_to_believe(known, keys)
    own = {recording.audio_id for recording in known}
    predicted = expected.copy()
    for row, recording in enumerate(asked):
        itself = recording.audio_id in own
        found = next((key for key in keys(recording) if count[key] > itself), None)
        if found is not None:
            others, excess = count[found] - itself, (recording.rating or 0.0) * itself
            predicted[row] = (total[found] - excess + strength * expected[row]) / (others + strength)
    return predicted


def _ratings_to_believe(known: Sequence[Recording], keys: Keys) -> float:
    """Return after how many ratings of a group its mean counts as much as what was expected."""
    groups: dict[str, list[float]] = defaultdict(list)
    for recording in known:
        for key in keys(recording)[:1]:
            groups[key].append(recording.rating or 0.0)
    sizes = np.array([len(ratings) for ratings in groups.values()], dtype=np.float64)
    songs = sizes.sum()
    if len(sizes) < 2 or songs == len(sizes):
        return 1.0  # nothing can be told of groups of one song
    within = sum(float(np.var(ratings)) * len(ratings) for ratings in groups.values()) / (songs - len(sizes))
    means = np.array([np.mean(ratings) for ratings in groups.values()])
    centre = float(sizes @ means / songs)
    between = float(sizes @ (means - centre) ** 2) / (len(sizes) - 1)
    usual = (songs - (sizes**2).sum() / songs) / (len(sizes) - 1)  # songs in a group
    variance = (between - within) / usual
    return min(within / variance, NEVER) if variance > 0 else NEVER


def _artist(recording: Recording) -> Sequence[str]:
    return (recording.artist,) if recording.artist else ()


def _albums(recording: Recording) -> Sequence[str]:
    return recording.album_keys


def _score(recording: Recording) -> float:
    """Return the score of the copy that was heard most, nan where there is none."""
    scored = [song for song in recording.songs if song.score is not None]
    return max(scored, key=lambda song: song.playcount).score or 0.0 if scored else float("nan")
