"""Help: the songs whose rating would teach the classifier most about the rest of the library.

The listener's taste is taken as a Gaussian process over what is heard, artist and album,
with the variances that the classifier expects before it knows any rating: those found in
a few dozen ratings are rough, and asking by them taught no more (benchmarks/help.py).
Asked is the song whose rating would take most variance away from all unrated songs
together (Seo, Wallat, Graepel and Obermayer 2000), which needs both doubt about a
song and others that are like it; then the next, as if the first were rated already.
So ten songs of one album are never asked for: after one of them the others teach little.
"""

import numpy as np
from ml_skeleton.music.classifiers.kernel import make_space
from ml_skeleton.music.classifiers.variances import covariance_of, usual_variances
from ml_skeleton.music.inputs import Inputs

from ml_skeleton_recommend.candidates import Candidates
from ml_skeleton_recommend.choosing import choose, space
from ml_skeleton_recommend.kinds.ranked import ranks
from ml_skeleton_recommend.library import Floats, Mask, Rows
from ml_skeleton_recommend.listing import Listing, crowd_of, limits_of, listing, weighted

MOST_ASKED = 1500  # songs that are weighed, spread over the library
MOST_RATED = 1500  # ratings that are taken into account


def help_learn(candidates: Candidates) -> list[Listing]:
    """Return the unrated songs whose ratings would teach most, the most telling first."""
    library, request = candidates.library, candidates.request
    rows = spread_over(candidates.unrated(), MOST_ASKED)
    rated = spread_over(np.flatnonzero(~np.isnan(library.ratings)), MOST_RATED)
    inputs = library.inputs(np.concatenate([rows, rated]))
    covariance, noise = posterior(inputs, np.arange(len(inputs.matrix)) >= len(rows))
    limits = limits_of(request)
    most = len(rows) if limits.songs is None else min(4 * limits.songs, len(rows))
    order = most_telling(covariance, noise, most)
    gain = np.zeros(len(rows))
    gain[order] = np.linspace(1.0, 0.5, len(order))
    kept = choose(gain[order], crowd_of(library).at(rows[order]), limits, library.unit.__getitem__)
    chosen = [int(order[place]) for place in kept]
    parts = weighted(request, {"doubt": 1.0}, {"doubt": ranks(gain)})
    title = request.title or "Rate these: they teach most"
    return [listing(request.file_name, title, rows, parts, space(chosen, library.artists[rows]))]


def most_telling(covariance: Floats, noise: float, count: int) -> Rows:
    """Return rows of a covariance (M, M) of ratings, the one that takes away most variance first.

    After each the covariance is what it would be once that song is rated.
    """
    left, chosen = covariance.copy(), list[int]()
    for _ in range(min(count, len(left))):
        gain = (left**2).sum(axis=0) / (left.diagonal() + noise)
        gain[chosen] = -np.inf
        row = int(gain.argmax())
        chosen.append(row)
        left -= np.outer(left[:, row], left[row]) / (left[row, row] + noise)
    return np.array(chosen, dtype=np.intp)


def posterior(inputs: Inputs, rated: Mask) -> tuple[Floats, float]:
    """Return the covariance (M, M) of the ratings of the songs that are not `rated` (N,), and the noise."""
    space = make_space(inputs)
    usual = usual_variances(inputs, space)
    every = covariance_of(inputs, space, usual)
    given, to_rated = every[np.ix_(rated, rated)], every[np.ix_(rated, ~rated)]
    given[np.diag_indices_from(given)] += usual.noise
    left: Floats = every[np.ix_(~rated, ~rated)] - to_rated.T @ np.linalg.solve(given, to_rated)
    return left, usual.noise


def spread_over(rows: Rows, most: int) -> Rows:
    """Return at most so many of the rows, evenly spread; they are in the order of a hash, so that is by chance."""
    return (
        rows[np.unique(np.linspace(0, len(rows) - 1, min(most, len(rows))).round().astype(int))] if len(rows) else rows
    )
