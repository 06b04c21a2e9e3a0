"""Finds pairs of crops that may sound alike, among all crops of a library, by the words of their sketches.

Two crops become candidates when they share a few of the 32-bit words of their
sketches exactly at one shift; sorting all words finds those in n log n.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from ml_skeleton_extract_audio.sketch import BITS, NOTHING, Bits

MIN_OVERLAP = 40  # words, 5 s
MOST = 0.6  # share of the shorter crop that has to lie over the other one
SORTED_AT_ONCE = 2**20  # words, to bound the memory: 40 MB are made of them
LOOKED_UP_AT_ONCE = 2**18  # words, that stay in the cache
SPREAD = np.uint32(2654435769)  # Knuth's multiplicative hashing: words that differ in a bit differ in the upper ones
NEIGHBOURS = 8  # a word that many songs share pairs each with the next few only
SHIFT_SLACK = 1  # words; two equal ones as close as that make a candidate
SHIFTS = 2**21  # more than the words of any crop

Pair = tuple[int, int]
Flags = NDArray[np.bool_]


@dataclass(frozen=True)
class Sketches:
    """The sketches of many crops in a row."""

    audio_ids: list[str]
    words: Bits  # of all crops (N,)
    starts: NDArray[np.int64]  # where each crop begins in `words`, and the end (crops + 1,)

    def of(self, number: int) -> Bits:
        return self.words[self.starts[number] : self.starts[number + 1]]


def candidates(sketches: Sketches, first_new: int = 0) -> dict[Pair, list[int]]:
    """Return the pairs of crops of different recordings that share words, and the shifts at which they do.

    Only pairs with a crop from `first_new` on are looked for; the first of a pair comes earlier.
    """
    keys = np.sort(np.concatenate(list(_meetings(sketches, first_new))))
    after_another = np.diff(keys, prepend=-SHIFTS) <= SHIFT_SLACK  # the shift is what differs last
    before_another = np.diff(keys, append=np.iinfo(np.int64).max) <= SHIFT_SLACK
    kept = np.unique(keys[after_another | before_another])
    shifts: dict[Pair, list[int]] = {}
    for key in kept.tolist():
        pair, shift = divmod(key, SHIFTS)
        one, other = divmod(pair, len(sketches.audio_ids))
        if sketches.audio_ids[one] != sketches.audio_ids[other]:
            shifts.setdefault((one, other), []).append(shift - SHIFTS // 2)
    return shifts


def _meetings(sketches: Sketches, first_new: int) -> Iterator[NDArray[np.int64]]:
    """Yield (crop, another crop, shift) as one number for words that are equal in both. (M,)"""
    yield np.zeros(0, np.int64)
    crops_in_all = len(sketches.audio_ids)
    for chosen in _places(sketches, first_new):
        order = chosen[np.argsort(sketches.words[chosen], kind="stable")]
        words = sketches.words[order]
        for gap in range(1, NEIGHBOURS + 1):
            same = np.flatnonzero(words[gap:] == words[:-gap])
            places = np.stack([order[same], order[same + gap]])  # stable, so the earlier crop comes first
            crops = np.searchsorted(sketches.starts, places, side="right") - 1
            shift = np.diff(places - sketches.starts[crops], axis=0)[0]
            keys = (crops[0] * crops_in_all + crops[1]) * SHIFTS + shift + SHIFTS // 2
            yield keys[(crops[0] != crops[1]) & (crops[1] >= first_new)]


def _places(sketches: Sketches, first_new: int) -> Iterator[NDArray[np.int64]]:
    """Yield the places of words that occur in a new crop, and maybe of others, those of equal words together. (K,)"""
    words, new = sketches.words, sketches.words[sketches.starts[first_new] :]
    if len(new) <= SORTED_AT_ONCE:
        sought = np.append(np.sort(new), NOTHING)  # the last one for words that lie behind all others
        yield _found(words, lambda block: sought[np.searchsorted(sought[:-1], block)] == block)
    else:
        bits = (len(words) // SORTED_AT_ONCE).bit_length()
        for number in range(2**bits):
            yield _found(words, partial(_is_in_slice, number=number, bits=bits))


def _is_in_slice(block: Bits, number: int, bits: int) -> Flags:
    """Return which words belong to this one of 2**bits slices; equal words are in the same one."""
    flags: Flags = (block * SPREAD) >> np.uint32(BITS - bits) == number
    return flags


def _found(words: Bits, wanted: Callable[[Bits], Flags]) -> NDArray[np.int64]:
    """Return the places of the wanted words, those of silence left out. (K,)"""
    found = [np.zeros(0, np.intp)]  # crops of a second have no word at all
    for start in range(0, len(words), LOOKED_UP_AT_ONCE):
        block = words[start : start + LOOKED_UP_AT_ONCE]
        found.append(start + np.flatnonzero(wanted(block) & (block != NOTHING)))
    return np.concatenate(found)


def best_correlation(one: Bits, other: Bits, shifts: Iterable[int]) -> tuple[float, int]:
    """Return how well the bits agree where `one[n]` meets `other[n + shift]`, and at which shift; 1 is all of them."""
    tried = {shift + step for shift in shifts for step in range(-SHIFT_SLACK, SHIFT_SLACK + 1)}
    return max(((_correlation(one, other, shift), shift) for shift in tried), default=(0.0, 0))


def _correlation(one: Bits, other: Bits, shift: int) -> float:
    first, last = max(0, -shift), min(len(one), len(other) - shift)
    fewest = max(MIN_OVERLAP, MOST * min(len(one), len(other)))
    if last - first < fewest:
        return 0.0
    left, right = one[first:last], other[first + shift : last + shift]
    heard = (left != NOTHING) & (right != NOTHING)
    if heard.sum() < MIN_OVERLAP:
        return 0.0
    differing = int(np.bitwise_count(left[heard] ^ right[heard]).sum())
    return 1.0 - 2.0 * differing / (BITS * int(heard.sum()))
