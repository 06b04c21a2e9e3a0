"""How much of the ratings is heard, is the artist, is the album and is mood: variances by marginal likelihood.

The likelihood of a Gaussian process (Rasmussen and Williams 2006, section 5.4.1)
with a broad prior over each variance, which decides where a few ratings cannot.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from ml_skeleton.music.classifiers.kernel import Space, distances2
from ml_skeleton.music.inputs import UNKNOWN, Inputs, Keys
from ml_skeleton.music.targets import Examples

Vector = npt.NDArray[np.float64]
Square = npt.NDArray[np.float64]

MOST_SONGS = 700  # the likelihood costs the cube of it; five variances are known well enough from so many
INTERCEPT = 0.25  # variance; the mean rating lies between 0 and 1
USUAL = 0.04  # variance of ratings, one star squared: believed as if 5 songs had said so
USUAL_SONGS = 5
LINE = 0.15  # of the variance, expected of a group of features
SHARES = {"bend": 0.1, "artist": 0.1, "album": 0.1, "noise": 0.55}  # and of all else
BREADTH = 1.5  # deviation of their logarithms
WIDTH_BREADTH = 0.5  # that of the width of the kernel, whose middle is the usual distance of two songs
REACH = 8.0  # logarithms searched on either side


@dataclass(frozen=True)
class Variances:
    """Of ratings from 0 to 1."""

    lines: dict[str, float]  # by part of the audio and other group of features: of the line through all its columns
    bend: float  # of what the lines miss, alike for songs that sound alike
    width2: float  # squared distance at which that likeness fades
    artist: float
    album: float
    noise: float  # of a song of weight 1

    def trusting(self, share: float) -> "Variances":
        """Return the same with only a share of what is heard."""
        lines = {name: variance * share for name, variance in self.lines.items()}
        return replace(self, lines=lines, bend=self.bend * share)


def usual_variances(inputs: Inputs, space: Space) -> Variances:
    """Return what is expected of a listener before any rating is known."""
    usual = {name: USUAL * share for name, share in _shares(inputs).items()}
    lines = {name: usual[f"line {name}"] for name in inputs.weighed()}
    return Variances(lines, usual["bend"], space.distance2, usual["artist"], usual["album"], usual["noise"])


def covariance_of(inputs: Inputs, space: Space, variances: Variances) -> Square:
    """Return the covariance (N, N) of the ratings of songs, but for noise, before any is known."""
    total = np.full((len(inputs.matrix), len(inputs.matrix)), INTERCEPT)
    for name, kernel in _line_kernels(inputs, space).items():
        total += variances.lines[name.removeprefix("line ")] * kernel
    if len(space.inducing):
        total += variances.bend * np.exp(-_apart(inputs, space) / (2 * variances.width2))
    total += variances.artist * _same(inputs.artists)
    total += variances.album * _same(inputs.albums)
    return total


def choose_variances(examples: Examples, space: Space, seed: int, only_effects: bool = False) -> Variances:
    """Return the most likely variances of the examples; with `only_effects` nothing is heard in them.

    Songs whose rating the encoder has seen have no say where there are enough
    others. Of many songs about 700 are taken, artist by artist.
    """
    part = examples.at(_some_artists(examples.inputs.artists, np.flatnonzero(examples.judged), seed))
    kernels = {} if only_effects else _line_kernels(part.inputs, space)
    apart = None
    if not only_effects and len(space.inducing):
        apart = _apart(part.inputs, space)
    kernels["artist"] = _same(part.inputs.artists)
    kernels["album"] = _same(part.inputs.albums)
    found = _most_likely(kernels, apart, space.distance2, part)
    lines = {name.removeprefix("line "): value for name, value in found.items() if name.startswith("line ")}
    return Variances(
        lines, found.get("bend", 0.0), found.get("width2", 1.0), found["artist"], found["album"], found["noise"]
    )


def _some_artists(artists: Keys, rows: npt.NDArray[np.intp], seed: int) -> npt.NDArray[np.intp]:
    """Return about as many of the rows as are affordable, all or none of an artist's, in an order the seed fixes."""
    if len(rows) <= MOST_SONGS:
        return rows
    own = np.where(artists[rows] == UNKNOWN, -1 - rows, artists[rows])
    names, which = np.unique(own, return_inverse=True)
    rank = np.random.default_rng(seed).permutation(len(names))[which]
    return np.sort(rows[np.argsort(rank, kind="stable")[:MOST_SONGS]])


def _apart(inputs: Inputs, space: Space) -> Square:
    sounds = space.standard(inputs.matrix)[:, space.audio].astype(np.float64)
    return np.asarray(distances2(sounds, sounds, space.balance), dtype=np.float64)


def _line_kernels(inputs: Inputs, space: Space) -> dict[str, Square]:
    standard = space.standard(inputs.matrix).astype(np.float64)
    columns = inputs.weighed()
    return {f"line {name}": standard[:, c] @ standard[:, c].T / max(c.stop - c.start, 1) for name, c in columns.items()}


def _same(keys: Keys) -> Square:
    return np.asarray((keys[:, None] == keys[None]) & (keys != UNKNOWN)[:, None], dtype=np.float64)


def _shares(inputs: Inputs) -> dict[str, float]:
    """Return the share of the variance expected of each kernel and the noise; the audio's parts divide theirs."""
    parts = {name: LINE / len(inputs.parts) for name in inputs.parts}
    return {**SHARES, **{f"line {name}": parts.get(name, LINE) for name in inputs.weighed()}}


def _most_likely(
    kernels: Mapping[str, Square], apart: Square | None, usual_distance2: float, part: Examples
) -> dict[str, float]:
    """Return the variance of each kernel, "noise", and with distances `apart` "bend" and "width2"."""
    from scipy.optimize import minimize  # here, as it takes a second to import

    residual = part.ratings - np.average(part.ratings, weights=part.weights)
    spread2 = (residual @ residual + USUAL_SONGS * USUAL) / (len(residual) + USUAL_SONGS)
    names = [*kernels, "noise", *(("bend", "width2") if apart is not None else ())]
    shares = _shares(part.inputs)
    middle = np.log([usual_distance2 if name == "width2" else shares[name] * float(spread2) for name in names])
    breadth = np.array([WIDTH_BREADTH if name == "width2" else BREADTH for name in names])

    def cost(logs: Vector) -> tuple[float, Vector]:
        values = dict(zip(names, np.exp(logs).tolist(), strict=True))
        surprise, slopes = _surprise(values, kernels, apart, residual, part.weights)
        off = (logs - middle) / breadth
        return surprise + 0.5 * float(off @ off), np.array([slopes[name] for name in names]) + off / breadth

    bounds = [(centre - REACH, centre + REACH) for centre in middle.tolist()]
    found = minimize(cost, middle, jac=True, method="L-BFGS-B", bounds=bounds, options={"maxiter": 40, "ftol": 1e-5})
    return dict(zip(names, np.exp(found.x).tolist(), strict=True))


def _surprise(
    values: Mapping[str, float], kernels: Mapping[str, Square], apart: Square | None, residual: Vector, weights: Vector
) -> tuple[float, dict[str, float]]:
    """Return the negative log likelihood of the residuals, and its slope by the logarithm of each value."""
    from scipy.linalg import lapack

    noise = values["noise"] / weights
    covariance = np.full((len(residual), len(residual)), INTERCEPT)
    for name, kernel in kernels.items():
        covariance += values[name] * kernel
    alike = values["bend"] * np.exp(-apart / (2 * values["width2"])) if apart is not None else None
    if alike is not None:
        covariance += alike
    covariance[np.diag_indices_from(covariance)] += noise
    root, _ = lapack.dpotrf(covariance, lower=1, overwrite_a=1)
    lower, _ = lapack.dpotri(root, lower=1)
    inverse = np.tril(lower) + np.tril(lower, -1).T
    pull = inverse @ residual
    surprise = 0.5 * float(residual @ pull) + float(np.log(np.diag(root)).sum())
    steep = 0.5 * (inverse - np.outer(pull, pull))  # slope by the covariance
    slopes = {name: values[name] * float(np.vdot(steep, kernel)) for name, kernel in kernels.items()}
    slopes["noise"] = float(np.diag(steep) @ noise)
    if apart is not None and alike is not None:
        slopes["bend"] = float(np.vdot(steep, alike))
        slopes["width2"] = float(np.vdot(steep, alike * apart)) / (2 * values["width2"])
    return surprise, slopes
