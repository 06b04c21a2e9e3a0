"""Targets: what a classifier learns from. Ratings, weak labels from plays and skips, and how far each is trusted."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ml_skeleton.music.inputs import BEHAVIOUR, Inputs, Rows, make_inputs, plays_and_skips
from ml_skeleton.music.recordings import Recording
from ml_skeleton.music.ridge import fit_ridge
from ml_skeleton.music.scores import Ratings

Mask = npt.NDArray[np.bool_]

FEWEST_JUDGED = 10
DAY_S = 86_400.0
HABIT_PENALTY = 20.0  # as if 20 songs had said that plays and skips mean nothing


@dataclass(frozen=True)
class Examples:
    """Songs to learn from."""

    inputs: Inputs
    ratings: Ratings  # (N,) 0 to 1
    weights: Ratings  # (N,) 1 for an ordinary rating, 0.5 for one that counts half
    seen: Mask  # (N,) the rating shaped the encoder
    weak: Mask  # (N,) no rating: a guess from plays and skips

    def __len__(self) -> int:
        return len(self.ratings)

    def at(self, rows: Rows) -> "Examples":
        """Return some of the songs."""
        return Examples(self.inputs.at(rows), self.ratings[rows], self.weights[rows], self.seen[rows], self.weak[rows])

    @property
    def mean(self) -> float:
        """The mean of the ratings, each as far as it is trusted."""
        return float(np.average(self.ratings, weights=self.weights))

    @property
    def judged(self) -> Mask:
        """Which songs models are judged on (N,): the rated ones that the encoder has not seen, if there are 10.

        Songs whose rating the encoder has seen look more predictable than any new song will be.
        """
        rated = ~self.weak
        unseen = rated & ~self.seen
        return unseen if unseen.sum() >= FEWEST_JUDGED else rated


def all_rated(inputs: Inputs, ratings: Ratings, seen: Mask | None = None) -> Examples:
    """Return examples that are all rated and equally trusted."""
    none = np.zeros(len(ratings), dtype=np.bool_)
    return Examples(inputs, ratings, np.ones(len(ratings)), none if seen is None else seen, none)


def recency_weights(recordings: Sequence[Recording], half_life_days: float) -> Ratings:
    """Return 1 for the song played last of all, half of it for each half-life before; never played counts as oldest.

    The player does not note when a song was rated. It was heard then, so the last
    time it was played is no earlier.
    """
    played = np.array([max(song.lastplayed or 0 for song in recording.songs) for recording in recordings], dtype=float)
    known = played > 0
    if not known.any():
        return np.ones(len(recordings))
    played[~known] = played[known].min()
    return np.asarray(0.5 ** ((played.max() - played) / (half_life_days * DAY_S)), dtype=np.float64)


def ratings_by_habit(rated: Sequence[Recording], asked: Sequence[Recording]) -> Ratings:
    """Return ratings guessed from plays and skips, as this listener's `rated` recordings tell what those mean."""
    vectors = np.empty((len(rated) + len(asked), 0), dtype=np.float32)
    habits = make_inputs([*rated, *asked], vectors, [BEHAVIOUR], ()).matrix
    ratings = np.array([recording.rating for recording in rated], dtype=np.float64)
    ridge = fit_ridge(habits[: len(rated)], ratings, HABIT_PENALTY)
    return np.clip(ridge.predict(habits[len(rated) :]), 0.0, 1.0)


def was_heard(recording: Recording) -> bool:
    """Return whether the listener has played or skipped it."""
    return sum(plays_and_skips(recording)) > 0
