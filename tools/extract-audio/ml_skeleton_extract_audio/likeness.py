"""Finds recordings that sound the same, by the sketches of their crops.

Two recordings become candidates when they share a few of the 32-bit words of
their sketches exactly; sorting all words finds those in n log n. A candidate
pair is then laid over each other at the shift where the words met, and counts
as alike when enough bits agree.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from ml_skeleton.artifacts.crops import crop_measures
from ml_skeleton.artifacts.duplicates import FORMAT, KIND, Duplicate, duplicates_provenance, write_duplicates
from ml_skeleton.artifacts.files import fingerprint_of
from ml_skeleton.artifacts.provenance import Provenance
from numpy.typing import NDArray

from ml_skeleton_extract_audio.sketch import BITS, NOTHING, Bits

ALIKE = 0.4  # correlation of the bits; the same recording reaches 0.6 and more, another one less than 0.3
MIN_OVERLAP = 40  # words, 5 s
MIN_SHARED = 2  # words that a candidate pair shares at one shift
SLICES = 16  # all words are sorted in so many parts, to bound the memory
NEIGHBOURS = 8  # a word that many songs share pairs each with the next few only
SHIFT_SLACK = 1  # words around the shift of the candidate

Pair = tuple[int, int]


@dataclass(frozen=True)
class Sketches:
    """The sketches of many crops in a row."""

    audio_ids: list[str]
    words: Bits  # of all crops (N,)
    starts: NDArray[np.int64]  # where each crop begins in `words`, and the end (crops + 1,)

    def of(self, number: int) -> Bits:
        return self.words[self.starts[number] : self.starts[number + 1]]


def refresh_duplicates(folder: Path, policy: str, tool: str) -> None:
    """Bring duplicates.parquet up to date with the crops of `policy`, if any came or went since it was written."""
    table = crop_measures(folder, ["audio_id", "policy"])
    made_from = fingerprint_of(policy, *sorted(f"{row['audio_id']} {row['policy']}" for row in table.to_pylist()))
    before = duplicates_provenance(folder)
    if before is not None and before.settings.get("made_from") == made_from:
        return
    found = find_alike(read_sketches(folder, policy))
    provenance = Provenance(KIND, FORMAT, tool, settings={"policy": policy, "made_from": made_from, "alike": ALIKE})
    write_duplicates(folder, found, provenance)


def read_sketches(folder: Path, policy: str) -> Sketches:
    """Return the sketches of all crops of `policy` that have one."""
    table = crop_measures(folder, ["audio_id", "policy", "sketch"])
    rows = zip(*(column.to_pylist() for column in table.columns), strict=True)
    kept = [(audio_id, words) for audio_id, found, words in rows if found == policy and words]
    lengths = np.array([0] + [len(words) // 4 for _, words in kept])
    words = np.frombuffer(b"".join(words for _, words in kept), dtype="<u4").astype(np.uint32, copy=False)
    return Sketches([audio_id for audio_id, _ in kept], words, np.cumsum(lengths))


def find_alike(sketches: Sketches) -> list[Duplicate]:
    """Return all recordings that sound like another one, by group."""
    best: dict[str, float] = {}
    groups = _Groups()
    for (one, other), shifts in candidates(sketches).items():
        names = sketches.audio_ids[one], sketches.audio_ids[other]
        if names[0] == names[1]:
            continue
        similarity = max(correlation(sketches.of(one), sketches.of(other), shift) for shift in shifts)
        if similarity >= ALIKE:
            groups.join(*names)
            for name in names:
                best[name] = max(best.get(name, 0.0), similarity)
    numbers: dict[str, int] = {}
    rows = sorted((groups.root(name), name) for name in best)
    return [Duplicate(numbers.setdefault(root, len(numbers)), name, best[name]) for root, name in rows]


def candidates(sketches: Sketches) -> dict[Pair, set[int]]:
    """Return the pairs of crops that share words, and the shifts at which they share most."""
    counts: dict[tuple[int, int, int], int] = {}
    for pairs in _meetings(sketches):
        keys, found = np.unique(pairs, axis=0, return_counts=True)
        for (one, other, shift), count in zip(keys.tolist(), found.tolist(), strict=True):
            counts[one, other, shift] = counts.get((one, other, shift), 0) + count
    shifts: dict[Pair, set[int]] = {}
    for (one, other, shift), count in counts.items():
        near = sum(counts.get((one, other, shift + step), 0) for step in range(-SHIFT_SLACK, SHIFT_SLACK + 1))
        if near >= MIN_SHARED and count:
            shifts.setdefault((one, other), set()).add(shift)
    return shifts


def _meetings(sketches: Sketches) -> Iterator[NDArray[np.int64]]:
    """Yield rows of (crop, another crop, shift) for words that are equal in both. (M, 3)"""
    for number in range(SLICES):
        chosen = np.flatnonzero((sketches.words % SLICES == number) & (sketches.words != NOTHING))
        order = chosen[np.argsort(sketches.words[chosen], kind="stable")]
        words = sketches.words[order]
        for gap in range(1, NEIGHBOURS + 1):
            same = np.flatnonzero(words[gap:] == words[:-gap])
            places = np.stack([order[same], order[same + gap]])  # stable, so the earlier crop comes first
            crops = np.searchsorted(sketches.starts, places, side="right") - 1
            shift = np.diff(places - sketches.starts[crops], axis=0)
            yield np.concatenate([crops, shift]).T[crops[0] != crops[1]]


def correlation(one: Bits, other: Bits, shift: int) -> float:
    """Return how well the bits agree where `one[n]` meets `other[n + shift]`, give or take SHIFT_SLACK; 1 is all."""
    return max(_agreement(one, other, shift + step) for step in range(-SHIFT_SLACK, SHIFT_SLACK + 1))


def _agreement(one: Bits, other: Bits, shift: int) -> float:
    first, last = max(0, -shift), min(len(one), len(other) - shift)
    if last - first < MIN_OVERLAP:
        return 0.0
    left, right = one[first:last], other[first + shift : last + shift]
    heard = (left != NOTHING) & (right != NOTHING)
    if heard.sum() < MIN_OVERLAP:
        return 0.0
    differing = int(np.bitwise_count(left[heard] ^ right[heard]).sum())
    return 1.0 - 2.0 * differing / (BITS * int(heard.sum()))


class _Groups:
    """Sets of names that grow together."""

    def __init__(self) -> None:
        self._parent: dict[str, str] = {}

    def root(self, name: str) -> str:
        """Return the name that stands for all that were joined with `name`."""
        while (parent := self._parent.get(name, name)) != name:
            name = parent
        return name

    def join(self, one: str, other: str) -> None:
        first, second = sorted((self.root(one), self.root(other)))
        self._parent[second] = first
