"""Scores: how well predicted ratings agree with true ones. Ratings are 0 to 1; five stars are 1.

Where songs left out in turn are predicted by several models, each model has learned from
other ratings and so starts from another mean: a low one just where the songs left out are rated
high. Ranked together as they stand, even predictions of pure chance would seem to be worse than chance. So
order is measured on predictions less what the model was `taught`, the mean of the
ratings that it has learned from, and error on predictions as they stand.
"""

from collections.abc import Iterator
from dataclasses import dataclass, fields

import numpy as np
import numpy.typing as npt

STARS = 5.0
LOVED = 0.8  # four stars
FEWEST_TO_RANK = 3  # a correlation of two points is always 1 or -1
TOP_LOVED, TOP_GAIN = 20, 50  # songs of a playlist that precision and NDCG look at
NUMBERS_PER_BLOCK = 2_000_000  # held at a time, a few arrays of them: 16 MB each
NOTHING = 1e-10
ALIKE = 1e-6  # predictions nearer to each other differ by the rounding of their arithmetic
MOST_LOOKED_AT = 1000  # groups at the top, which hold the first 50 songs of every usual sample

Ratings = npt.NDArray[np.float64]
Weights = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Scores:
    """Agreement of predicted with true ratings; None where it is not defined, never 0 instead."""

    songs: int
    spearman: float | None  # -1 to 1; None if either side is constant
    pearson: float | None  # -1 to 1
    rmse_stars: float
    mae_stars: float
    r2: float | None  # share of the variance of the ratings that is explained; below 0 if the mean rating errs less
    auc_loved: float | None  # chance that a song of 4 stars or more is ranked above one of less
    precision_at_20: float | None  # share of songs of 4 stars or more among the first 20; None of fewer than 20
    ndcg_at_50: float | None  # gain of the first 50, or of all where there are fewer, over that of the best order


FIGURES = tuple(field.name for field in fields(Scores) if field.name != "songs")


def score(predicted: Ratings, true: Ratings, taught: Ratings | float = 0.0) -> Scores:
    """Return the scores of predicted (N,) against true (N,) ratings, N at least 1.

    `taught` (N,) is only needed of predictions by more than one model.
    """
    found = resampled_scores(predicted, true, np.ones((1, len(true))), taught)
    named = {name: None if np.isnan(value[0]) else float(value[0]) for name, value in found.items()}
    return Scores(songs=len(true), **named)  # type: ignore[arg-type]  # an error is always defined


def spearman(predicted: Ratings, true: Ratings) -> float | None:
    """Return the rank correlation, or None if there are too few songs or one side is constant."""
    return score(predicted, true).spearman


def resampled_scores(
    predicted: Ratings, true: Ratings, weights: Weights, taught: Ratings | float = 0.0
) -> dict[str, Ratings]:
    """Return each figure (B,) of B samples in which song N is there `weights` (B, N) times, nan where undefined.

    Songs that are predicted alike stand in no order: each figure is what it would
    be on average over all orders of them.
    """
    above = predicted - taught
    order = np.argsort(above, kind="stable")
    ranked = _Ranked(above[order], predicted[order], true[order])
    size = max(1, NUMBERS_PER_BLOCK // max(len(true), 1))
    blocks = [ranked.scores(weights[start : start + size, order]) for start in range(0, len(weights), size)]
    return {name: np.concatenate([block[name] for block in blocks]) for name in FIGURES}


class _Ranked:
    """Songs in the order of `above`, what was predicted less what was taught, those alike in one group."""

    def __init__(self, above: Ratings, predicted: Ratings, true: Ratings) -> None:
        self.above, self.true = above, true  # `above` is rising
        self.starts = np.flatnonzero(np.diff(above, prepend=-np.inf) > ALIKE)  # (G,) of the groups
        self.group = np.cumsum(np.isin(np.arange(len(true)), self.starts)) - 1  # (N,)
        self.loved = true >= LOVED - 1e-6
        self.levels, self.level = np.unique(true.round(9), return_inverse=True)
        self.error = (predicted - true) * STARS

    def scores(self, weights: Weights) -> dict[str, Ratings]:
        """Return the figures of samples with weights (B, N)."""
        with np.errstate(divide="ignore", invalid="ignore"):
            return dict(self._scores(weights))

    def _scores(self, weights: Weights) -> Iterator[tuple[str, Ratings]]:
        total = weights.sum(axis=1)
        sizes = self._grouped(weights)  # (B, G) songs in each group
        of_level = weights @ np.eye(len(self.levels))[self.level]  # (B, L) songs of each rating
        yield "spearman", self._rank_correlation(weights, sizes, of_level)
        columns = np.stack([self.above, self.true, self.above**2, self.true**2, self.above * self.true])
        yield "pearson", _correlation(total, *(weights @ columns.T).T)
        squared = weights @ self.error**2 / total
        mean = of_level @ self.levels / total
        variance = STARS**2 * (of_level @ self.levels**2 / total - mean**2)
        yield "rmse_stars", np.sqrt(squared)
        yield "mae_stars", weights @ np.abs(self.error) / total
        yield "r2", np.where(variance > NOTHING, 1 - squared / variance, np.nan)
        loved = self._grouped(weights * self.loved)
        others = sizes - loved
        wins = np.einsum("bg,bg->b", loved, np.cumsum(others, axis=1) - others / 2)
        yield "auc_loved", wins / (loved.sum(axis=1) * others.sum(axis=1))
        first = self._first(sizes)
        yield "precision_at_20", _precision(sizes[:, first], loved[:, first], total)
        best = _gain(of_level[:, ::-1], of_level[:, ::-1] * self.levels[::-1])
        gained = self._grouped(weights * self.true)
        yield "ndcg_at_50", _gain(sizes[:, first], gained[:, first]) / best

    def _grouped(self, weights: Weights) -> Weights:
        """Return the sums (B, G) over the songs predicted alike."""
        alone = len(self.starts) == weights.shape[1]
        return weights if alone else np.add.reduceat(weights, self.starts, axis=1)

    def _first(self, sizes: Weights) -> slice:
        """Return the groups, the best one first, among which all samples have their first 50 songs."""
        there = np.cumsum(sizes[:, : -MOST_LOOKED_AT - 1 : -1], axis=1)[:, -1].min()
        return slice(None, -MOST_LOOKED_AT - 1 if there >= TOP_GAIN else None, -1)

    def _rank_correlation(self, weights: Weights, sizes: Weights, of_level: Weights) -> Ratings:
        """Return Spearman's (B,): the correlation of ranks, counted from the middle one."""
        total = weights.sum(axis=1)
        ranks = np.cumsum(sizes, axis=1) - sizes / 2 - total[:, None] / 2  # (B, G)
        true_ranks = np.cumsum(of_level, axis=1) - of_level / 2 - total[:, None] / 2  # (B, L)
        ours = np.einsum("bg,bg,bg->b", sizes, ranks, ranks)
        theirs = np.einsum("bl,bl,bl->b", of_level, true_ranks, true_ranks)
        ranks_of_songs = ranks if ranks.shape == weights.shape else ranks[:, self.group]
        both = np.einsum("bn,bn,bn->b", weights, ranks_of_songs, np.take(true_ranks, self.level, axis=1))
        return _correlation(total, np.zeros(1), np.zeros(1), ours, theirs, both)


def _correlation(
    total: Ratings, one: Ratings, other: Ratings, one2: Ratings, other2: Ratings, both: Ratings
) -> Ratings:
    """Return the correlation (B,) from sums, of squares and of products; nan of too few songs or of a constant side."""
    spread, spread_other = one2 - one**2 / total, other2 - other**2 / total
    defined = (total >= FEWEST_TO_RANK) & (spread > NOTHING * (1 + one2)) & (spread_other > NOTHING * (1 + other2))
    product = np.sqrt(np.where(defined, spread * spread_other, 1.0))
    return np.where(defined, (both - one * other / total) / product, np.nan)


def _precision(sizes: Weights, loved: Weights, total: Ratings) -> Ratings:
    """Return the share of loved songs among the first 20, of groups (B, G) with the best one first."""
    before = np.cumsum(sizes, axis=1) - sizes
    taken = np.clip(TOP_LOVED - before, 0, sizes)
    share = (taken * np.where(sizes > 0, loved / np.where(sizes > 0, sizes, 1), 0)).sum(axis=1) / TOP_LOVED
    return np.where(total >= TOP_LOVED, share, np.nan)


def _gain(sizes: Weights, gained: Weights) -> Ratings:
    """Return the sum over the first 50 songs of rating / log2(1 + place), of groups (B, G) with the best one first."""
    places = np.concatenate([[0.0], np.cumsum(1 / np.log2(np.arange(2, TOP_GAIN + 2)))])
    after = np.minimum(np.cumsum(sizes, axis=1), TOP_GAIN).astype(np.intp)
    before = np.minimum(np.cumsum(sizes, axis=1) - sizes, TOP_GAIN).astype(np.intp)
    mean = np.where(sizes > 0, gained / np.where(sizes > 0, sizes, 1), 0)
    return np.asarray(((places[after] - places[before]) * mean).sum(axis=1), dtype=np.float64)
