"""Scores: how well predicted ratings agree with true ones. Ratings are 0 to 1; five stars are 1."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

STARS = 5.0
LOVED = 0.8  # four stars
FEWEST_TO_RANK = 3  # a correlation of two points is always 1 or -1

Ratings = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Scores:
    """Agreement of predicted with true ratings; None where it is not defined, never 0 instead."""

    songs: int
    spearman: float | None  # -1 to 1; None if either side is constant
    rmse_stars: float
    mae_stars: float
    auc_loved: float | None  # chance that a song of 4 stars or more is ranked above one of less


def score(predicted: Ratings, true: Ratings) -> Scores:
    """Return the scores of predicted (N,) against true (N,) ratings, N at least 1."""
    error = (predicted - true) * STARS
    return Scores(
        songs=len(true),
        spearman=spearman(predicted, true),
        rmse_stars=float(np.sqrt((error**2).mean())),
        mae_stars=float(np.abs(error).mean()),
        auc_loved=_auc(predicted, true >= LOVED - 1e-6),
    )


def spearman(predicted: Ratings, true: Ratings) -> float | None:
    """Return the rank correlation, or None if there are too few songs or one side is constant."""
    if len(true) < FEWEST_TO_RANK or np.ptp(predicted) < 1e-9 or np.ptp(true) < 1e-9:
        return None
    from scipy import stats  # here, as it takes a second to import

    return float(stats.spearmanr(predicted, true).statistic)


def _auc(predicted: Ratings, positive: npt.NDArray[np.bool_]) -> float | None:
    if positive.all() or not positive.any():
        return None
    from scipy import stats

    ranks = stats.rankdata(predicted)  # ties count half
    wins = ranks[positive].sum() - positive.sum() * (positive.sum() + 1) / 2
    return float(wins / (positive.sum() * (~positive).sum()))
