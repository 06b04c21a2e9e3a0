"""Intervals that cover what they say: widened or narrowed by what they missed on albums left out.

Split conformal prediction with normalised scores (Lei et al. 2018, section 5.2),
pooled over folds of whole albums, as a new song is most often one of a new album.
"""

from statistics import NormalDist

import numpy as np
import numpy.typing as npt

Vector = npt.NDArray[np.float64]

LEVELS = (0.5, 0.8, 0.9, 0.95)
SHOWN = 0.8  # what a listener is told


def interval_factors(missed: Vector, deviation: Vector) -> dict[float, float]:
    """Return by level how many deviations (N,) wide an interval must be on either side, given the errors (N,).

    A level that so few songs cannot vouch for gets the width of a normal
    distribution, and no less than what was seen.
    """
    scores = np.sort(np.abs(missed) / deviation)
    factors = {}
    for level in LEVELS:
        place = int(np.ceil((len(scores) + 1) * level))
        normal = NormalDist().inv_cdf((1 + level) / 2)
        enough = place <= len(scores)
        factors[level] = float(scores[place - 1]) if enough else max([normal, *scores[-1:].tolist()])
    return factors
