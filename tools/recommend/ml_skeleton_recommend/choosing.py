"""Choosing and ordering: small functions on arrays, each song a row; they know nothing of files and tags.

Equal scores go by row, that is by the fingerprint of the audio, so the same
songs come out the same whatever order they were read in.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Matrix = npt.NDArray[np.float32]
Rows = npt.NDArray[np.intp]
Mask = npt.NDArray[np.bool_]

NOBODY = -1  # the code of an unknown artist and of no album: no limit is theirs
MOST_IN_A_ROW = 3  # songs by one artist
GAP = 3  # songs between two of one artist, where there are enough others
POOL = 2000  # songs that diversity looks at first
NEARLY_FULL_S = 90.0  # of the minutes asked for may be left: nothing is stuffed in to fill them


@dataclass(frozen=True)
class Limits:
    """How much of what a list may hold."""

    songs: int | None = None
    seconds: float | None = None
    per_artist: int | None = None  # None and 0 are no limit
    per_album: int | None = None


@dataclass(frozen=True)
class Crowd:
    """What the limits go by: codes (M,) of artist, album and sound-alikes, and lengths in seconds."""

    artists: Rows
    albums: Rows
    groups: Rows
    lengths_s: Floats

    def at(self, rows: Rows) -> "Crowd":
        """Return some of the songs."""
        return Crowd(self.artists[rows], self.albums[rows], self.groups[rows], self.lengths_s[rows])


def vary(scores: Floats, variation: float, seed: int) -> Floats:
    """Return the scores with normal noise of `variation` times their spread, the same for the same seed."""
    if variation == 0 or len(scores) == 0:
        return scores
    noise = np.random.default_rng(seed).standard_normal(len(scores))
    return np.asarray(scores + variation * scores.std() * noise, dtype=np.float64)


def best_first(scores: Floats) -> Rows:
    """Return the rows by falling score, equal ones in their order."""
    return np.argsort(-scores, kind="stable")


def choose(
    scores: Floats, crowd: Crowd, limits: Limits, unit_of: Callable[[Rows], Matrix], diversity: float = 0.0
) -> Rows:
    """Return rows (K,) in the order they were chosen: the best score first, within all limits.

    Each next song is the one with the most of (1 - diversity) * score - diversity *
    (cosine with the nearest song chosen before) (maximal marginal relevance,
    Carbonell and Goldstein 1998, with scores brought to 0 to 1). `unit_of` returns the
    vectors of some rows; those of few are asked for.
    """
    order = best_first(scores)
    if diversity == 0:
        return _take(order, crowd, limits)
    size = POOL
    while True:
        pool = order[:size]
        chosen = pool[_diverse(_to_one(scores[pool]), crowd.at(pool), limits, unit_of(pool), diversity)]
        if size >= len(order) or (limits.songs is not None and len(chosen) >= limits.songs):
            return chosen
        size *= 4


def space(rows: Sequence[int] | Rows, artists: Rows, gap: int = GAP) -> list[int]:
    """Return the rows with the songs of an artist apart, as near to their order as that allows.

    `gap` others stand between two of one artist where there are enough; songs that
    would be a fourth in a row are left out.
    """
    left, spaced = [int(row) for row in rows], list[int]()
    while left:
        place = next((p for near in range(gap, -1, -1) if (p := _first_apart(left, spaced, artists, near)) >= 0), -1)
        if place < 0:
            break
        spaced.append(left.pop(place))
    return spaced


def arc(energy: Floats) -> Rows:
    """Return the order in which energy rises to its peak after two thirds of the list and falls again."""
    rising = np.argsort(energy, kind="stable")
    falling = rising[2::3][::-1]
    return np.concatenate([np.delete(rising, np.s_[2::3]), falling])


def agreement(similarities: Floats) -> Floats:
    """Return how much songs (N,) are like all seeds at once, 0 to 1, from similarities (S, N) to each.

    The geometric mean of the similarities, each as a share of the largest to its seed:
    a song that is nothing like one of the seeds gets 0, however near it is to the others.
    """
    positive = np.maximum(similarities, 0.0)
    largest = positive.max(axis=1, keepdims=True)
    share = positive / np.where(largest > 0, largest, 1.0)
    return np.asarray(np.prod(share, axis=0) ** (1 / len(share)), dtype=np.float64)


def _to_one(scores: Floats) -> Floats:
    spread = np.ptp(scores)
    return (scores - scores.min()) / spread if spread else np.ones(len(scores))


def _take(order: Rows, crowd: Crowd, limits: Limits) -> Rows:
    """Return the first of `order` that keep all limits."""
    chosen, taken = list[int](), _Taken(crowd, limits)
    for row in order.tolist():
        if taken.is_full():
            break
        if taken.fits(row):
            taken.add(row)
            chosen.append(row)
    return np.array(chosen, dtype=np.intp)


def _diverse(scores: Floats, crowd: Crowd, limits: Limits, unit: Matrix, diversity: float) -> Rows:
    chosen, taken = list[int](), _Taken(crowd, limits)
    nearest = np.full(len(scores), -1.0)
    open_ = np.ones(len(scores), dtype=np.bool_)
    while open_.any() and not taken.is_full():
        worth = np.where(open_, (1 - diversity) * scores - diversity * nearest, -np.inf)
        row = int(worth.argmax())
        open_[row] = False
        if not taken.fits(row):
            continue
        taken.add(row)
        chosen.append(row)
        nearest = np.maximum(nearest, unit @ unit[row])
    return np.array(chosen, dtype=np.intp)


class _Taken:
    """What has been chosen so far, and what still fits."""

    def __init__(self, crowd: Crowd, limits: Limits) -> None:
        self.crowd, self.limits = crowd, limits
        self.songs, self.seconds = 0, 0.0
        self.artists: Counter[int] = Counter()
        self.albums: Counter[int] = Counter()
        self.groups: set[int] = set()

    def is_full(self) -> bool:
        limits = self.limits
        enough = limits.songs is not None and self.songs >= limits.songs
        return enough or (limits.seconds is not None and self.seconds > limits.seconds - NEARLY_FULL_S)

    def fits(self, row: int) -> bool:
        crowd, limits = self.crowd, self.limits
        long = limits.seconds is not None and self.seconds + crowd.lengths_s[row] > limits.seconds
        of_artist = crowd.artists[row] != NOBODY and self.artists[crowd.artists[row]] >= (limits.per_artist or np.inf)
        of_album = crowd.albums[row] != NOBODY and self.albums[crowd.albums[row]] >= (limits.per_album or np.inf)
        return not (long or of_artist or of_album or int(crowd.groups[row]) in self.groups)

    def add(self, row: int) -> None:
        self.songs += 1
        self.seconds += float(self.crowd.lengths_s[row])
        self.artists[self.crowd.artists[row]] += 1
        self.albums[self.crowd.albums[row]] += 1
        self.groups.add(int(self.crowd.groups[row]))


def _first_apart(left: list[int], spaced: list[int], artists: Rows, gap: int) -> int:
    """Return the place in `left` of the first song whose artist is not among the last `gap`, -1 if there is none.

    Without a gap any song does that is no fourth in a row.
    """
    if gap:
        recent = {int(artists[row]) for row in spaced[-gap:]} - {NOBODY}
    else:
        last = [int(artists[row]) for row in spaced[-MOST_IN_A_ROW:]]
        recent = set(last) - {NOBODY} if len(last) == MOST_IN_A_ROW and len(set(last)) == 1 else set()
    return next((place for place, row in enumerate(left) if int(artists[row]) not in recent), -1)
