"""Health of embeddings: whether a version's vectors tell songs apart, or have collapsed; needs no torch.

Measured are

- the mean cosine of two songs, raw, and once each dimension is standardised;
- the effective rank (Roy and Vetterli 2007) of the correlation matrix: the exponential
  of the entropy of its eigenvalues. Of eigenvalues, not of their roots, which would
  make a hundred dimensions of one part in ten thousand count as another one;
- the variance of each dimension;
- hubs (Radovanović, Nanopoulos, Ivanović 2010): the skewness of how many of the other
  songs' top tens a song is in, and the share of songs that are in nobody's.

A version has collapsed when

- its effective rank is below 1.5: nine tenths of all that varies lie in one direction, so that
  songs stand on a line and a search is an order on that line. A network after two epochs on
  80 rated songs had 4, and random vectors have nearly their dimension;
- or its raw mean cosine is above 1 - 1e-6: songs move the vector by less than a thousandth of its
  length, what bfloat16 cannot express and float32 with three digits. Lower raw cosines
  of 0.9 and even 0.999 are usual for networks that pool, even untrained ones, and cost nothing once
  the dimensions are standardised, so that they are no sign of collapse.

Hubs are reported and not judged: they grow with the dimension of healthy vectors too,
and hub correction mends them (neighbours.py).
"""

import numpy as np

from ml_skeleton.artifacts.embeddings import Health
from ml_skeleton.music.neighbours import Matrix, Neighbours

LEAST_EFFECTIVE_RANK = 1.5
MOST_MEAN_COSINE = 1 - 1e-6
FEWEST_SONGS = 20  # of fewer, the rank says more of their number than of the encoder
TOP = 10
MOST_HUB_SONGS = 4000  # all pairs of so many took a second on two busy cores


def measure_health(matrix: Matrix) -> Health | None:
    """Return the health of embeddings (N, D), or None for fewer than 20 songs.

    All songs count, but for hubs those of a sample: the first 4000. In a store they are
    ordered by the fingerprint of their audio, which is no order a listener would know,
    and the sample stays nearly the same when the library grows.
    """
    if len(matrix) < FEWEST_SONGS:
        return None
    space = Neighbours(matrix, hub_correction=False)
    skew, orphans = _hubs(Neighbours(matrix[:MOST_HUB_SONGS], hub_correction=False))
    return Health(
        songs=len(matrix),
        mean_cosine_raw=_mean_cosine(_unit(matrix)),
        mean_cosine=_mean_cosine(space.unit),
        effective_rank=_effective_rank(space.standardised(matrix, unit=False)),
        variance=tuple(float(f"{value:.6g}") for value in matrix.var(axis=0, dtype=np.float64)),
        hub_songs=min(len(matrix), MOST_HUB_SONGS),
        hub_skew=skew,
        orphans=orphans,
    )


def what_collapsed(health: Health) -> str | None:
    """Return the figures that are beyond their threshold, for a person, or None for a healthy version."""
    found = []
    if health.effective_rank < LEAST_EFFECTIVE_RANK:
        found.append(f"effective rank {health.effective_rank:.2f}, at least {LEAST_EFFECTIVE_RANK:g} expected")
    if health.mean_cosine_raw > MOST_MEAN_COSINE:
        found.append(f"mean cosine of two songs {health.mean_cosine_raw:.7f}, at most {MOST_MEAN_COSINE:.6f} expected")
    return "; ".join(found) or None


def _unit(matrix: Matrix) -> Matrix:
    length = np.linalg.norm(matrix, axis=1, keepdims=True)
    return (matrix / np.where(length > 0, length, np.float32(1))).astype(np.float32, copy=False)


def _mean_cosine(unit: Matrix) -> float:
    """Return the mean over all pairs of different unit vectors (N, D), from their sum."""
    songs = len(unit)
    total = unit.sum(axis=0, dtype=np.float64)
    own = float((np.linalg.norm(unit, axis=1).astype(np.float64) ** 2).sum())
    return float(np.clip((total @ total - own) / (songs * (songs - 1)), -1, 1))  # rounding may leave 1.0000001


def _effective_rank(standard: Matrix) -> float:
    """Return that of standardised vectors (N, D): 1 if all songs lie on a line, or nothing varies."""
    second = (standard.T @ standard).astype(np.float64)
    values = np.maximum(np.linalg.eigvalsh(second), 0)
    if values.sum() <= 0:
        return 1.0
    share = values / values.sum()
    share = share[share > 0]
    return float(np.exp(-(share * np.log(share)).sum()))


def _hubs(space: Neighbours) -> tuple[float, float]:
    """Return the skewness of the number of top tens that each song is in, and the share of songs in none."""
    nearest = space.nearest_to_songs(np.arange(len(space)), TOP)
    times = np.bincount(nearest.rows.reshape(-1), minlength=len(space)).astype(np.float64)
    spread = times.std()
    skew = float((((times - times.mean()) / spread) ** 3).mean()) if spread > 0 else 0.0
    return skew, float((times == 0).mean())
