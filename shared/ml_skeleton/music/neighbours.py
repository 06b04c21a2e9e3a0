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
BLOCK = 1024  # songs that are added up at a time
SPARE = 52  # songs more than asked for that are chosen by deviation
FOLDS = 32  # of a row, to find its largest numbers: a thirtieth of them is partitioned, and the largest folds
NO_SPREAD = 1e-6  # of a dimension, relative to its size, or of a song's similarities: rounding of float32


@dataclass(frozen=True)
class Found:
    """The nearest songs of each query, best first."""

    rows: Rows  # (Q, K) of the library's matrix
    similarity: Floats  # (Q, K) cosine, -1 to 1; with hub correction mutual proximity, 0 to 1


@dataclass(frozen=True)
class Crowd:
    """How similar a song is to all others."""

    mean: Floats  # (N,)
    deviation: Floats  # (N,)

    def at(self, rows: Rows | slice) -> "Crowd":
        """Return that of some songs, of any shape."""
        return Crowd(self.mean[rows], self.deviation[rows])

    def deviations(self, cosine: Matrix) -> Matrix:
        """Return how far above the usual cosines are, in standard deviations; shapes are broadcast."""
        scale = (1.0 / self.deviation).astype(np.float32)
        above: Matrix = cosine * scale
        above -= (self.mean / self.deviation).astype(np.float32)
        return above

    def chance(self, cosine: npt.NDArray[Any]) -> Floats:
        """Return how likely a song at random is less similar than this, 0 to 1; shapes are broadcast."""
        return _chance_of((cosine - self.mean) / self.deviation)


class Search:
    """A library's vectors of length 1 (N, D), ready to be searched; with a `crowd`, hubs are corrected."""

    def __init__(self, unit: Matrix, crowd: Crowd | None = None) -> None:
        self.unit, self.crowd = unit, crowd

    def __len__(self) -> int:
        return len(self.unit)

    def nearest_to_songs(self, rows: Rows, k: int) -> Found:
        """Return the `k` other songs nearest to each of the library's songs at `rows` (Q,)."""
        k = min(k, len(self) - 1)

        def search(block: slice) -> Found:
            cosine = self.unit[rows[block]] @ self.unit.T
            cosine[np.arange(len(cosine)), rows[block]] = -np.inf
            return self._nearest(cosine, self.crowd and self.crowd.at(rows[block]), k)

        return _in_blocks(search, len(rows), len(self))

    def nearest_of(self, rows: Rows, others: Rows, k: int) -> Found:
        """Return the `k` of `others` (M,) nearest to each of the songs at `rows` (Q,).

        A song is not near to itself: where too few others are left, the similarity is -inf.
        """

        among = Search(self.unit[others], self.crowd and self.crowd.at(others))

        def search(block: slice) -> Found:
            cosine = self.unit[rows[block]] @ among.unit.T
            cosine[rows[block][:, None] == others] = -np.inf
            found = among._nearest(cosine, self.crowd and self.crowd.at(rows[block]), k)
            found.similarity[others[found.rows] == rows[block][:, None]] = -np.inf
            return Found(others[found.rows], found.similarity)

        return _in_blocks(search, len(rows), len(others))

    def similarity_between(self, rows: Rows, others: Rows) -> npt.NDArray[Any]:
        """Return the similarity (Q, M) of the songs at `rows` and at `others`."""
        cosine: Matrix = self.unit[rows] @ self.unit[others].T
        return _proximity(cosine, self.crowd.at(others), self.crowd.at(rows)) if self.crowd else cosine

    def similarity_of_songs(self, rows: Rows) -> npt.NDArray[Any]:
        """Return the similarity (Q, N) of the songs at `rows` to all; that to themselves is -inf."""
        cosine = self.unit[rows] @ self.unit.T
        similarity = _proximity(cosine, self.crowd, self.crowd.at(rows)) if self.crowd else cosine
        similarity[np.arange(len(rows)), rows] = -np.inf
        return similarity

    def similarity_to(self, unit: Matrix) -> npt.NDArray[Any]:
        """Return the similarity (Q, N) of all songs to vectors (Q, D) of length 1."""
        cosine = unit @ self.unit.T
        if not self.crowd:
            return cosine
        return _proximity(cosine, self.crowd, Crowd(cosine.mean(axis=1), np.maximum(cosine.std(axis=1), NO_SPREAD)))

    def _nearest(self, cosine: Matrix, crowd: Crowd | None, k: int) -> Found:
        """Return the `k` songs nearest to queries, from their cosines (Q, N) and, to correct hubs, their `crowd`."""
        if not (self.crowd and crowd) or k <= 0:
            return largest_of_rows(cosine, k)
        near = self.crowd.deviations(cosine)
        np.minimum(near, _columns(crowd).deviations(cosine), out=near)
        chosen = np.sort(_largest(near, min(k + SPARE, len(self))), axis=1)  # (Q, K)
        of_chosen = np.take_along_axis(cosine, chosen, axis=1)
        found = largest_of_rows(_proximity(of_chosen, self.crowd.at(chosen), crowd), k)
        found = Found(np.take_along_axis(chosen, found.rows, axis=1), found.similarity)
        if chosen.shape[1] < len(self):
            most_of_others = _chance_of(np.take_along_axis(near, chosen, axis=1).min(axis=1))
            unsure = np.flatnonzero(most_of_others > found.similarity[:, -1])
            whole = largest_of_rows(_proximity(cosine[unsure], self.crowd, crowd.at(unsure)), k)
            found.rows[unsure], found.similarity[unsure] = whole.rows, whole.similarity
        return found


class Neighbours(Search):
    """A library's vectors (N, D) as an encoder gives them, standardised and ready to be searched."""

    def __init__(self, matrix: Matrix, hub_correction: bool = True) -> None:
        self._centre = matrix.mean(axis=0, dtype=np.float64).astype(np.float32)
        deviation = _deviation(matrix, self._centre)
        varies = deviation > NO_SPREAD * np.abs(self._centre)
        self._scale = np.where(varies, 1.0 / np.where(varies, deviation, 1.0), 0.0).astype(np.float32)
        unit = self.standardised(matrix)
        self._moments = _moments_of(unit) if hub_correction else None
        super().__init__(unit, _crowd_of(unit, self._moments, own=1) if self._moments else None)

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
        crowd = _crowd_of(queries, self._moments, own=0) if self._moments else None

        def search(block: slice) -> Found:
            return self._nearest(queries[block] @ self.unit.T, crowd and crowd.at(block), k)

        return _in_blocks(search, len(queries), len(self))


@dataclass(frozen=True)
class _Moments:
    """Of a library's unit vectors."""

    songs: int
    mean: Floats  # (D,)
    second: Floats  # (D, D)


def _moments_of(unit: Matrix) -> _Moments:
    second = (unit.T @ unit / max(len(unit), 1)).astype(np.float64)
    return _Moments(len(unit), unit.mean(axis=0, dtype=np.float64), second)


def crowd_of(unit: Matrix) -> Crowd:
    """Return how similar each of a library's unit vectors (N, D) is to the others."""
    return _crowd_of(unit, _moments_of(unit), own=1)


def _crowd_of(unit: Matrix, library: _Moments, own: int) -> Crowd:
    """Return how similar unit vectors (Q, D) are to the library, their `own` song in it left out."""
    others = max(library.songs - own, 1)
    first = (library.songs * (unit @ library.mean) - own) / others
    second = (library.songs * ((unit @ library.second) * unit).sum(axis=1) - own) / others
    return Crowd(first, np.sqrt(np.maximum(second - first**2, NO_SPREAD**2)))


def _deviation(matrix: Matrix, centre: Matrix) -> Floats:
    """Return the standard deviation (D,) of each dimension, a block that fits the processor's memory at a time."""
    squares = np.zeros(matrix.shape[1])
    for start in range(0, len(matrix), BLOCK):
        off = matrix[start : start + BLOCK] - centre
        squares += np.einsum("nd,nd->d", off, off)
    return np.asarray(np.sqrt(squares / max(len(matrix), 1)), dtype=np.float64)


def _proximity(cosine: Matrix, theirs: Crowd, ours: Crowd) -> Floats:
    """Return the mutual proximity (Q, M) of queries and songs, of whom the crowds are."""
    return theirs.chance(cosine) * _columns(ours).chance(cosine)


def _chance_of(deviation: npt.NDArray[Any]) -> Floats:
    """Return the normal distribution function."""
    from scipy.special import ndtr  # here, as it takes a while to import

    chance: Floats = ndtr(deviation.astype(np.float64))
    return chance


def _columns(crowd: Crowd) -> Crowd:
    return Crowd(crowd.mean[:, None], crowd.deviation[:, None])


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
