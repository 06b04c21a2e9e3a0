"""Resampling: how far a figure could be off, had the listener owned other albums of the same kind.

The bootstrap over whole albums (a cluster bootstrap; Davison and Hinkley 1997,
section 3.8): songs of one album share sound and often rating, and to draw them one by one would
promise intervals that are too narrow. All samples are drawn at once, and the
same ones serve every method, so that two methods can be compared song by song.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ml_skeleton.artifacts.evaluations import Figure
from ml_skeleton.music.scores import Ratings, Weights, resampled_scores

SAMPLES = 1000
LEVEL = 95.0  # per cent of the samples lie in an interval


@dataclass(frozen=True)
class Scored:
    """A method's figures by name: as measured, and (B,) of all samples."""

    measured: dict[str, float]
    samples: dict[str, Ratings]

    def figures(self) -> dict[str, Figure]:
        """Return each figure with its interval."""
        return {name: figure_of(value, self.samples[name]) for name, value in self.measured.items()}


def album_samples(albums: Sequence[str], seed: int, samples: int = SAMPLES) -> Weights:
    """Return how often each song (samples, N) is in samples of as many albums, drawn with replacement."""
    _, which = np.unique(np.array(albums, dtype=object).astype(str), return_inverse=True)
    count = int(which.max()) + 1
    drawn = np.random.default_rng(seed).multinomial(count, np.full(count, 1 / count), samples)
    return drawn[:, which].astype(np.float64)


def scored(predicted: Ratings, true: Ratings, weights: Weights, taught: Ratings | float = 0.0) -> Scored:
    """Return the figures of predicted (N,) against true (N,) ratings, and those of samples (B, N).

    `taught` is that of `scores.score`.
    """
    measured = resampled_scores(predicted, true, np.ones((1, len(true))), taught)
    samples = resampled_scores(predicted, true, weights, taught)
    return Scored({name: float(values[0]) for name, values in measured.items()}, samples)


def difference(one: Scored, other: Scored, name: str) -> Figure:
    """Return how far a figure of `one` is above that of `other`; a rank correlation that is not defined counts as 0."""
    ones, others = (_defined(side, name) for side in (one, other))
    return figure_of(ones[0] - others[0], ones[1:] - others[1:])


def figure_of(value: float, samples: Ratings) -> Figure:
    """Return a figure with the interval that its samples (B,) give; samples in which it is not defined are left out."""
    known = samples[~np.isnan(samples)]
    if np.isnan(value):
        return Figure(None)
    if not len(known):
        return Figure(float(value))
    low, high = np.percentile(known, [50 - LEVEL / 2, 50 + LEVEL / 2]).tolist()
    return Figure(float(value), low, high)


def _defined(side: Scored, name: str) -> Ratings:
    values = np.concatenate([[side.measured[name]], side.samples[name]])
    return np.nan_to_num(values, nan=0.0) if name in ("spearman", "pearson") else values
