"""The part of a prediction that is heard: a line through standardised embeddings, and what sounds alike.

In numpy alone, as it predicts for whole libraries; the same arithmetic serves
torch tensors, so that the torch module says the same to the last digit or two.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from ml_skeleton.music.inputs import AUDIO, Inputs, Matrix
from ml_skeleton.music.ridge import Ridge, spread

Vector = npt.NDArray[np.float64]

MOST_INDUCING = 512  # songs that others are compared with; up to so many rated songs the kernel is exact
FARTHEST = 6.0  # deviations; a track of silence must not run away along a line
CHUNK = 8192  # songs predicted at a time, so that memory stays small
JITTER = 1e-6


@dataclass(frozen=True)
class Space:
    """Where songs lie: standardised columns, and the songs that others are compared with."""

    centre: Vector  # (F,)
    scale: Vector  # (F,)
    audio: slice  # the columns that say how alike two songs sound
    balance: Vector  # (A,) what each of them counts in that: the same for every part of the audio, 1 on average
    inducing: Matrix  # (M, A) standardised
    distance2: float  # median squared distance of two songs

    def standard(self, matrix: Matrix) -> Matrix:
        """Return embeddings (N, F) in deviations from the centre, -6 to 6."""
        standard: Matrix = standardise(matrix, self.centre.astype(np.float32), self.scale.astype(np.float32))
        return standard


def make_space(inputs: Inputs, most_inducing: int = MOST_INDUCING) -> Space:
    """Return the space of these songs. Ratings have no part in it."""
    centre, scale = spread(inputs.matrix)
    audio = inputs.columns().get(AUDIO, slice(0, 0))
    space = Space(centre, scale, audio, _balance(inputs), np.empty((0, 0), np.float32), 1.0)
    sounds = space.standard(inputs.matrix)[:, audio]
    rows = np.unique(np.linspace(0, len(sounds) - 1, min(most_inducing, len(sounds))).round().astype(int))
    inducing = np.unique(sounds[rows], axis=0) if sounds.shape[1] else sounds[:0]  # a song twice is no second opinion
    apart = distances2(inducing, inducing, space.balance)[np.triu_indices(len(inducing), 1)]
    return replace(space, inducing=inducing, distance2=float(np.median(apart)) if apart.size else 1.0)


def _balance(inputs: Inputs) -> Vector:
    """Return the weights (A,) under which each part of the audio has the same share in a distance."""
    widths = list(inputs.parts.values()) or [inputs.groups.get(AUDIO, 0)]
    each = [np.full(width, sum(widths) / len(widths) / max(width, 1)) for width in widths]
    return np.concatenate(each) if inputs.groups.get(AUDIO) else np.empty(0)


@dataclass(frozen=True)
class Ear:
    """What the features of a song are worth, and how sure that is.

    rating = intercept + x @ slopes + exp(-(x - inducing)² @ narrowness) @ bends, x
    being standardised. Its variance is that before any rating was known, less
    what the ratings taught.
    """

    centre: Matrix  # (F,)
    scale: Matrix  # (F,)
    intercept: Matrix  # ()
    slopes: Matrix  # (F,)
    inducing: Matrix  # (M, A), A being the first columns of F
    narrowness: Matrix  # (A,), or () where all columns have the same
    bends: Matrix  # (M,)
    unknown: Matrix  # (1 + F,) variance before any rating: constant, and by square of each column
    taught: Matrix  # (1 + F + M, R)

    def predict(self, matrix: Matrix) -> tuple[Vector, Vector]:
        """Return ratings (N,), not bounded, and their variances (N,) for embeddings (N, F)."""
        chunks = [self._predict(matrix[start : start + CHUNK]) for start in range(0, len(matrix), CHUNK)]
        means, variances = zip(*chunks, strict=True) if chunks else ((np.empty(0),), (np.empty(0),))
        return np.concatenate(means), np.concatenate(variances)

    def _predict(self, matrix: Matrix) -> tuple[Vector, Vector]:
        standard = standardise(matrix, self.centre, self.scale)
        alike = similarities(standard, self.inducing, self.narrowness, np.exp)
        mean = self.intercept + standard @ self.slopes + alike @ self.bends
        before = self.unknown[0] + standard**2 @ self.unknown[1:]
        width = 1 + standard.shape[1]
        learned = self.taught[0] + standard @ self.taught[1:width] + alike @ self.taught[width:]  # (N, R)
        return mean.astype(np.float64), np.maximum(before - (learned**2).sum(axis=1), 0.0).astype(np.float64)


def from_ridge(ridge: Ridge) -> Ear:
    """Return the ear that says what a ridge regression says, and owns up to no variance."""
    features = len(ridge.slopes)
    return Ear(
        centre=ridge.centre.astype(np.float32),
        scale=ridge.scale.astype(np.float32),
        intercept=np.array(ridge.mean, dtype=np.float32),
        slopes=ridge.slopes.astype(np.float32),
        inducing=np.empty((0, 0), np.float32),
        narrowness=np.empty(0, np.float32),
        bends=np.empty(0, np.float32),
        unknown=np.zeros(1 + features, np.float32),
        taught=np.zeros((1 + features, 0), np.float32),
    )


def standardise(matrix: Any, centre: Any, scale: Any) -> Any:
    """Return embeddings (N, F) in deviations, arrays or tensors alike."""
    return ((matrix - centre) * scale).clip(-FARTHEST, FARTHEST)


def similarities(standard: Any, inducing: Any, narrowness: Any, exp: Callable[[Any], Any]) -> Any:
    """Return how alike songs (N, F) and `inducing` ones (M, A) sound, 0 to 1, as (N, M); arrays or tensors alike."""
    sounds = standard[:, : inducing.shape[1]]
    return exp(-distances2(sounds, inducing, narrowness))


def distances2(songs: Any, others: Any, weights: Any = 1.0) -> Any:
    """Return the squared distances (N, M) of songs (N, A) from others (M, A), arrays or tensors alike.

    `weights`, () or (A,), are what the square of each column counts.
    """
    weighted = songs * weights
    return ((weighted * songs).sum(1)[:, None] + (others**2 * weights).sum(1)[None] - 2 * weighted @ others.T).clip(
        0.0, None
    )
