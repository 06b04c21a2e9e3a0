"""Neighbours: exact search for the songs that sound most like others, over standardised vectors; needs no torch.

Each dimension is standardised over the library before a cosine is taken: raw
pooled features all point one way, and their cosines of 0.9 hide what they know.

In many dimensions a few songs, the hubs, are near to everything (Radovanović et al.
2010). Hub correction replaces the cosine of two songs by their mutual proximity
(Schnitzer, Flexer, Schedl, Widmer, "Local and Global Scaling Reduce Hubs in Space",
JMLR 13, 2012, section 3.2): the chance that each is nearer to the other than to a
song at random, the similarities of each song taken as normal and independent. They
estimate mean and variance from all pairs or a sample; of cosines both follow exactly
from the first two moments of the unit vectors, without any pair.

A normal distribution function of each pair would cost many times the products. So
songs are chosen by the smaller of the two deviations first: a proximity is never
above the chance of that one, which proves of nearly all queries that no other song
can be nearer, and the rest are searched in full.

There is no index: among 100,000 songs of 256 numbers a query took 20 ms, where numpy
took 5 to add up the matrix and 15 for the product alone (best of five, two busy cores).
"""

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Matrix = npt.NDArray[np.float32]
Floats = npt.NDArray[np.float64]
Rows = npt.NDArray[np.intp]

NUMBERS_PER_BLOCK = 8_000_000  # similarities held at a time by each thread: 32 MB, or 96 where hubs are corrected
SPARE = 52  # songs more than asked for that are chosen by deviation
FOLDS = 32  # of a row, to find its largest numbers: a thirtieth of them is partitioned, and the largest folds
NO_SPREAD = 1e-6  # of a dimension, relative to its size, or of a song's similarities: rounding of float32


@dataclass(frozen=True)
class Found:
    """The nearest songs of each query, best first."""

    rows: Rows  # (Q, K) of the library's matrix
    similarity: Floats  # (Q, K) cosine, -1 to 1; with hub correction mutual proximity, 0 to 1


@dataclass(frozen=True)
class _Crowd:
    """How similar a song is to all others."""

    mean: Floats  # (N,)
    deviation: Floats  # (N,)

    def at(self, rows: Rows | slice) -> "_Crowd":
        """Return that of some songs, of any shape."""
        return _Crowd(self.mean[rows], self.deviation[rows])

    def deviations(self, cosine: Matrix) -> Matrix:
        """Return how far above the usual cosines are, in standard deviations; shapes are broadcast."""
        scale = (1.0 / self.deviation).astype(np.float32)
        above: Matrix = cosine * scale
        above -= (self.mean / self.deviation).astype(np.float32)
        return above

    def chance(self, cosine: npt.NDArray[Any]) -> Floats:
        """Return how likely a song at random is less similar than this, 0 to 1; shapes are broadcast."""
        return _chance_of((cosine - self.mean) / self.deviation)


class Neighbours:
    """A library's vectors (N, D), ready to be searched."""

    def __init__(self, matrix: Matrix, hub_correction: bool = True) -> None:
        self.hub_correction = hub_correction
        self._centre = matrix.mean(axis=0, dtype=np.float64).astype(np.float32)
        deviation = matrix.std(axis=0, dtype=np.float64)
        varies = deviation > NO_SPREAD * np.abs(self._centre)
        self._scale = np.where(varies, 1.0 / np.where(varies, deviation, 1.0), 0.0).astype(np.float32)
        self.unit = self.standardised(matrix)
        if hub_correction:
            self._mean = self.unit.mean(axis=0, dtype=np.float64)  # (D,)
            self._second = (self.unit.T @ self.unit / max(len(matrix), 1)).astype(np.float64)  # (D, D)
            self._crowd = self._crowd_of(self.unit, own=1)

    def __len__(self) -> int:
        return len(self.unit)

    def standardised(self, vectors: Matrix, unit: bool = True) -> Matrix:
        """Return vectors (Q, D) standardised as the library is, of length 1 if `unit`; one that is its mean stays 0."""
        standard: Matrix = (vectors - self._centre) * self._scale
        if not unit:
            return standard
        length = np.linalg.norm(standard, axis=1, keepdims=True)
        standard /= np.where(length > 0, length, 1)
        return standard

    def nearest_to(self, vectors: Matrix, k: int) -> Found:
        """Return the `k` songs nearest to each of vectors (Q, D), or all songs where there are fewer."""
        queries = self.standardised(vectors)
        crowd = self._crowd_of(queries, own=0) if self.hub_correction else None

        def search(block: slice) -> Found:
            cosine = queries[block] @ self.unit.T
            return self._most_mutual(cosine, crowd.at(block), k) if crowd else largest_of_rows(cosine, k)

        return _in_blocks(search, len(queries), len(self))

    def nearest_to_songs(self, rows: Rows, k: int) -> Found:
        """Return the `k` other songs nearest to each of the library's songs at `rows` (Q,)."""
        k = min(k, len(self) - 1)

        def search(block: slice) -> Found:
            cosine = self.unit[rows[block]] @ self.unit.T
            cosine[np.arange(len(cosine)), rows[block]] = -np.inf
            if not self.hub_correction:
                return largest_of_rows(cosine, k)
            return self._most_mutual(cosine, self._crowd.at(rows[block]), k)

        return _in_blocks(search, len(rows), len(self))

    def nearest_of(self, rows: Rows, others: Rows, k: int) -> Found:
        """Return the `k` of `others` (M,) with the largest cosine to each of the songs at `rows` (Q,), hubs or not.

        A song is not near to itself: where too few others are left, the cosine is -inf.
        """

        def search(block: slice) -> Found:
            cosine = self.unit[rows[block]] @ self.unit[others].T
            cosine[rows[block][:, None] == others] = -np.inf
            found = largest_of_rows(cosine, k)
            return Found(others[found.rows], found.similarity)

        return _in_blocks(search, len(rows), len(others))

    def similarity_of_songs(self, rows: Rows) -> npt.NDArray[Any]:
        """Return the similarity (Q, N) of the songs at `rows` to all; that to themselves is -inf."""
        cosine = self.unit[rows] @ self.unit.T
        similarity = self._proximity(cosine, self._crowd, self._crowd.at(rows)) if self.hub_correction else cosine
        similarity[np.arange(len(rows)), rows] = -np.inf
        return similarity

    def _most_mutual(self, cosine: Matrix, crowd: _Crowd, k: int) -> Found:
        """Return the `k` songs of the largest mutual proximity, from cosines (Q, N) of queries with that `crowd`."""
        if k <= 0:
            return largest_of_rows(cosine, k)
        near = self._crowd.deviations(cosine)
        np.minimum(near, _columns(crowd).deviations(cosine), out=near)
        chosen = np.sort(_largest(near, min(k + SPARE, len(self))), axis=1)  # (Q, K)
        of_chosen = np.take_along_axis(cosine, chosen, axis=1)
        found = largest_of_rows(self._proximity(of_chosen, self._crowd.at(chosen), crowd), k)
        found = Found(np.take_along_axis(chosen, found.rows, axis=1), found.similarity)
        if chosen.shape[1] < len(self):
            most_of_others = _chance_of(np.take_along_axis(near, chosen, axis=1).min(axis=1))
            unsure = np.flatnonzero(most_of_others > found.similarity[:, -1])
            whole = largest_of_rows(self._proximity(cosine[unsure], self._crowd, crowd.at(unsure)), k)
            found.rows[unsure], found.similarity[unsure] = whole.rows, whole.similarity
        return found

    def _proximity(self, cosine: Matrix, theirs: _Crowd, ours: _Crowd) -> Floats:
        """Return the mutual proximity (Q, M) of queries and songs, of whom the crowds are."""
        return theirs.chance(cosine) * _columns(ours).chance(cosine)

    def _crowd_of(self, unit: Matrix, own: int) -> _Crowd:
        """Return how similar unit vectors (Q, D) are to the library, their `own` song in it left out."""
        songs = len(self)
        others = max(songs - own, 1)
        first = (songs * (unit @ self._mean) - own) / others
        second = (songs * ((unit @ self._second) * unit).sum(axis=1) - own) / others
        return _Crowd(first, np.sqrt(np.maximum(second - first**2, NO_SPREAD**2)))


def _chance_of(deviation: npt.NDArray[Any]) -> Floats:
    """Return the normal distribution function."""
    from scipy.special import ndtr  # here, as it takes a while to import

    chance: Floats = ndtr(deviation.astype(np.float64))
    return chance


def _columns(crowd: _Crowd) -> _Crowd:
    return _Crowd(crowd.mean[:, None], crowd.deviation[:, None])


def largest_of_rows(similarity: npt.NDArray[Any], k: int) -> Found:
    """Return the `k` largest of each row (Q, N), or all where there are fewer; equal ones in the order of columns."""
    k = min(k, similarity.shape[1])
    if k <= 0:
        return Found(np.empty((len(similarity), 0), np.intp), np.empty((len(similarity), 0)))
    rows = np.sort(_largest(similarity, k), axis=1)
    values = np.take_along_axis(similarity, rows, axis=1)
    order = np.argsort(-values, axis=1, kind="stable")
    return Found(np.take_along_axis(rows, order, axis=1), np.take_along_axis(values, order, axis=1).astype(np.float64))


def _largest(values: npt.NDArray[Any], k: int) -> Rows:
    """Return the columns (Q, k) of the `k` largest numbers of each row, in no order.

    A long row is folded: its largest numbers lie in columns of the folded one that
    hold one of the `k` largest maxima, so that only those are looked at.
    """
    wide = values.shape[1]
    width = wide // FOLDS
    if width <= 2 * k:
        return np.argpartition(values, -k, axis=1)[:, -k:]
    folded = values[:, : width * FOLDS].reshape(len(values), FOLDS, width)
    best = np.argpartition(folded.max(axis=1), -k, axis=1)[:, None, -k:]  # (Q, 1, k)
    inside = (best + width * np.arange(FOLDS)[:, None]).reshape(len(values), FOLDS * k)
    rest = np.broadcast_to(np.arange(width * FOLDS, wide), (len(values), wide - width * FOLDS))
    columns = np.concatenate([inside, rest], axis=1)
    within = np.argpartition(np.take_along_axis(values, columns, axis=1), -k, axis=1)[:, -k:]
    return np.take_along_axis(columns, within, axis=1)


def _in_blocks(search: Callable[[slice], Found], queries: int, songs: int) -> Found:
    """Return what `search` finds for some queries at a time, on all cores."""
    size = max(1, NUMBERS_PER_BLOCK // max(songs, 1))
    blocks = [slice(start, start + size) for start in range(0, queries, size)]
    if len(blocks) < 2:
        return search(slice(0, queries))
    with ThreadPoolExecutor(len(os.sched_getaffinity(0))) as threads:
        found = list(threads.map(search, blocks))
    return Found(np.concatenate([block.rows for block in found]), np.concatenate([b.similarity for b in found]))
