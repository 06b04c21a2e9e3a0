"""Help: the songs whose rating would teach the classifier most about the rest of the library.

The listener's taste is taken as a Gaussian process over what is heard, artist and
album, with the variances that the classifier itself found. Asked is the song whose
rating would take most variance away from all unrated songs together (Seo, Wallat,
Graepel and Obermayer 2000), which needs both doubt about a song and others that are
like it; then the next, as if the first were rated already. So ten songs of one
album are never asked for: after one of them the others teach little.
"""

from dataclasses import dataclass

import numpy as np
from ml_skeleton.music.classifiers.predictor import Predictor
from ml_skeleton.music.inputs import Matrix

from ml_skeleton_recommend.candidates import Candidates
from ml_skeleton_recommend.choosing import NOBODY, choose, space
from ml_skeleton_recommend.kinds.ranked import ranks
from ml_skeleton_recommend.library import Floats, Rows
from ml_skeleton_recommend.listing import Listing, crowd_of, limits_of, listing, weighted

MOST_ASKED = 1500  # songs that are weighed, spread over the library
MOST_RATED = 1500  # ratings that are taken into account
BENT = 0.5  # of the audible variance is what sounds alike, the rest goes along lines


def help_learn(candidates: Candidates) -> list[Listing]:
    """Return the unrated songs whose ratings would teach most, the most telling first."""
    library, request = candidates.library, candidates.request
    rows = spread_over(candidates.unrated(), MOST_ASKED)
    rated = spread_over(np.flatnonzero(~np.isnan(library.ratings)), MOST_RATED)
    sounds = Sounds(library.unit, library.artists, library.albums)
    covariance, noise = posterior(sounds, library.predictor, library.inputs.matrix, rows, rated)
    limits = limits_of(request)
    order = most_telling(covariance, noise, len(rows) if limits.songs is None else min(4 * limits.songs, len(rows)))
    gain = np.zeros(len(rows))
    gain[order] = np.linspace(1.0, 0.5, len(order))
    kept = choose(gain[order], crowd_of(library).at(rows[order]), limits, library.unit[rows[order]])
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


@dataclass(frozen=True)
class Sounds:
    """What tells how alike the ratings of two songs are."""

    unit: Matrix  # (N, D)
    artists: Rows  # (N,) a number for each, NOBODY where it is not known
    albums: Rows


def posterior(sounds: Sounds, predictor: Predictor, matrix: Matrix, rows: Rows, rated: Rows) -> tuple[Floats, float]:
    """Return the covariance (M, M) of the ratings of songs, once the `rated` ones are known, and the noise."""
    heard, doubt = predictor.heard.predict(matrix)
    audible = float(heard.var() + doubt.mean())  # variance of the mean and mean of the variance
    artist, album = predictor.effects.prior.tolist()

    def between(these: Rows, those: Rows) -> Floats:
        cosine = np.asarray(sounds.unit[these] @ sounds.unit[those].T, dtype=np.float64)
        heard_alike = BENT * np.exp(2.0 * (cosine - 1.0)) + (1 - BENT) * cosine
        known = artist * _same(sounds.artists, these, those) + album * _same(sounds.albums, these, those)
        return np.asarray(audible * heard_alike + known, dtype=np.float64)

    among, noise = between(rows, rows), predictor.noise
    if not len(rated):
        return among, noise
    known, to_known = between(rated, rated) + noise * np.eye(len(rated)), between(rated, rows)
    left: Floats = among - to_known.T @ np.linalg.solve(known, to_known)
    return left, noise


def spread_over(rows: Rows, most: int) -> Rows:
    """Return at most so many of the rows, evenly spread; they are in the order of a hash, so that is by chance."""
    return (
        rows[np.unique(np.linspace(0, len(rows) - 1, min(most, len(rows))).round().astype(int))] if len(rows) else rows
    )


def _same(codes: Rows, these: Rows, those: Rows) -> Floats:
    equal = (codes[these][:, None] == codes[those][None]) & (codes[these] != NOBODY)[:, None]
    return np.asarray(equal, dtype=np.float64)
