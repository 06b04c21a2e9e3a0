"""A mixed-effects Gaussian process: audio, artist and album learned together, each kept in its place.

Bayesian regression in weight space. The features are a constant, the
standardised columns and the kernel of `variances` through inducing songs
(Nyström; the predictive variance keeps the kernel's full diagonal); artists and
albums are indicator columns. These are thousands, but sparse, so they are
eliminated first and a system of the size of the features is left.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ml_skeleton.music.classifiers.effects import Effects, no_effects, shrunken_variances
from ml_skeleton.music.classifiers.kernel import JITTER, Ear, Space, similarities
from ml_skeleton.music.classifiers.variances import INTERCEPT, Variances
from ml_skeleton.music.inputs import UNKNOWN, Inputs, Keys
from ml_skeleton.music.targets import Examples

Vector = npt.NDArray[np.float64]
Square = npt.NDArray[np.float64]

MOST_DIRECTIONS = 128  # kept of what the ratings taught; leaving some out makes an interval wider, never narrower


@dataclass(frozen=True)
class Design:
    """The songs as columns of prior variance 1, and how to get from those back to the columns of an Ear."""

    space: Space
    variances: Variances
    features: Square  # (N, 1 + F + M)
    deviations: Vector  # (1 + F,) of the constant and the lines before any rating
    whitener: Square  # (M, M) similarities to the inducing songs @ whitener are the last columns


def make_design(inputs: Inputs, space: Space, variances: Variances) -> Design:
    """Return the design of all songs; ratings have no part in it but through the variances."""
    from scipy.linalg import cholesky, solve_triangular

    standard = space.standard(inputs.matrix)
    inducing, narrowness = space.inducing.astype(np.float64), space.balance / (2 * variances.width2)
    among = similarities(inducing, inducing, narrowness, np.exp)
    root = cholesky(among + JITTER * np.eye(len(among)), lower=True) if len(among) else among
    whitener = np.sqrt(variances.bend) * solve_triangular(root, np.eye(len(among)), lower=True).T
    alike = similarities(standard.astype(np.float64), inducing, narrowness, np.exp)
    widths = {name: columns.stop - columns.start for name, columns in inputs.weighed().items()}
    each = [np.full(width, variances.lines[name] / width) for name, width in widths.items() if width]
    deviations = np.sqrt(np.concatenate([[INTERCEPT], *each]))
    columns = [np.full((len(standard), 1), deviations[0]), standard * deviations[1:], alike @ whitener]
    return Design(space, variances, np.concatenate(columns, axis=1), deviations, whitener)


@dataclass(frozen=True)
class Mixed:
    """What is heard and what is known of artists and albums."""

    ear: Ear
    effects: Effects


def fit_mixed(design: Design, examples: Examples, rows: npt.NDArray[np.intp]) -> Mixed:
    """Return the posterior of the design after the ratings of `rows`; before any if there are none."""
    from scipy.linalg import cho_factor, cho_solve

    variances, part = design.variances, examples.at(rows)
    features = design.features[rows]
    mean = float(np.average(part.ratings, weights=part.weights)) if len(rows) else 0.5
    precision = part.weights / variances.noise
    weighted = features * precision[:, None]
    system = np.eye(features.shape[1]) + weighted.T @ features
    target = weighted.T @ (part.ratings - mean)
    indicators = _Indicators(part, variances, precision)
    mixed_in = indicators.scaled.T @ weighted  # (E, K)
    absorbed = indicators.solve(np.column_stack([mixed_in, indicators.scaled.T @ (precision * (part.ratings - mean))]))
    system -= mixed_in.T @ absorbed[:, :-1]
    weights = cho_solve(cho_factor(system), target - mixed_in.T @ absorbed[:, -1])
    levels = indicators.deviations * (absorbed[:, -1] - absorbed[:, :-1] @ weights)
    return Mixed(_ear(design, mean, weights, system), indicators.effects(levels, part, variances))


class _Indicators:
    """The columns of artists and albums, scaled to prior variance 1."""

    def __init__(self, part: Examples, variances: Variances, precision: Vector) -> None:
        from scipy import sparse
        from scipy.sparse.linalg import splu

        self.artists, of_artist = _columns(part.inputs.artists)
        self.albums, of_album = _columns(part.inputs.albums)
        deviations = (variances.artist, len(self.artists)), (variances.album, len(self.albums))
        self.deviations = np.concatenate([np.full(count, np.sqrt(variance)) for variance, count in deviations])
        self.scaled = sparse.hstack([of_artist, of_album], format="csc") @ sparse.diags_array(self.deviations)
        gram = self.scaled.T @ sparse.diags_array(precision) @ self.scaled
        self._factor = splu((sparse.eye_array(len(self.deviations)) + gram).tocsc()) if len(self.deviations) else None

    def solve(self, right: Square) -> Square:
        """Return the solution of the indicators' own system for each column."""
        return self._factor.solve(np.ascontiguousarray(right)) if self._factor else right

    def effects(self, levels: Vector, part: Examples, variances: Variances) -> Effects:
        """Return the effects with their variances."""
        prior = (variances.artist, variances.album)
        if not len(levels):
            return no_effects(*prior)
        inputs, count = part.inputs, len(self.artists)
        of_artist, of_album, share = shrunken_variances(
            inputs.artists, inputs.albums, part.weights, (self.artists, self.albums), prior, variances.noise
        )
        return Effects(
            self.artists, levels[:count], of_artist, self.albums, levels[count:], of_album, share, np.array(prior)
        )


def _columns(keys: Keys) -> tuple[Keys, "object"]:
    """Return the known keys in rising order, and a sparse (N, keys) of which is whose."""
    from scipy import sparse

    known = np.unique(keys[keys != UNKNOWN])
    rows = np.flatnonzero(keys != UNKNOWN)
    ones = np.ones(len(rows))
    return known, sparse.csc_array((ones, (rows, np.searchsorted(known, keys[rows]))), shape=(len(keys), len(known)))


def _ear(design: Design, mean: float, weights: Vector, system: Square) -> Ear:
    """Return the posterior in the columns that are cheap to make of a new song."""
    from scipy.linalg import eigh

    space, width = design.space, len(design.deviations)
    size = len(system)
    values, directions = eigh(system, subset_by_index=[max(size - MOST_DIRECTIONS, 0), size - 1])
    taught = directions * np.sqrt(np.maximum(1.0 - 1.0 / values, 0.0))  # covariance = identity - taught @ taught.T
    lines, bends = weights[:width] * design.deviations, design.whitener @ weights[width:]
    squares = design.deviations**2
    squares[0] += design.variances.bend
    taught = np.concatenate([taught[:width] * design.deviations[:, None], design.whitener @ taught[width:]])
    return Ear(
        centre=space.centre.astype(np.float32),
        scale=space.scale.astype(np.float32),
        intercept=np.array(mean + lines[0], dtype=np.float32),
        slopes=lines[1:].astype(np.float32),
        inducing=space.inducing,
        narrowness=(space.balance / (2 * design.variances.width2)).astype(np.float32),
        bends=bends.astype(np.float32),
        unknown=squares.astype(np.float32),
        taught=taught.astype(np.float32),
    )
