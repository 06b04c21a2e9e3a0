"""Finds recordings that sound the same, whatever their encoding, level and tone.

The sketches of the crops say which pairs may be alike, and how much. Pairs far
apart are left; for those in between the sound itself is compared. Measured with
benchmarks/likeness.py, see its figures in the tool's README.
"""

from collections.abc import Callable, Sequence
from functools import lru_cache
from pathlib import Path

import numpy as np
from ml_skeleton.artifacts.crops import crop_measures
from ml_skeleton.artifacts.duplicates import (
    FORMAT,
    KIND,
    Duplicate,
    duplicates_provenance,
    read_duplicates,
    write_duplicates,
)
from ml_skeleton.artifacts.parts import opened_part, row_groups
from ml_skeleton.artifacts.provenance import Provenance

from ml_skeleton_extract_audio.alignment import Pattern, agreement, pattern
from ml_skeleton_extract_audio.candidates import Sketches, best_correlation, candidates
from ml_skeleton_extract_audio.sketch import STEP_S

METHOD = 2  # in the provenance; with another one everything is compared anew
STRANGERS, SURE = 0.3, 0.75  # correlation of the sketches below which, and from which, nothing is left open
ALIKE = 0.5  # agreement of the sound
PATTERNS_KEPT = 64  # of crops, 0.5 MB each

Listen = Callable[[int], Pattern]  # the pattern of a crop by its number


def refresh_duplicates(folder: Path, policy: str, tool: str) -> bool:
    """Bring duplicates.parquet up to date with the crops of `policy`; return whether any came since it was written.

    Crops are only ever added, in order, so those that came are compared with all, and the others not again.
    """
    total = crop_measures(folder, ["policy"])["policy"].to_pylist().count(policy)
    settings = {"policy": policy, "method": METHOD, "sure": SURE, "alike": ALIKE}
    before = duplicates_provenance(folder)
    compared = before.settings.get("compared", 0) if before and settings.items() <= before.settings.items() else 0
    if before is not None and compared == total:
        return False
    sketches, places = read_sketches(folder, policy)
    listen = lru_cache(PATTERNS_KEPT)(lambda number: _pattern_at(places[number]))
    known = read_duplicates(folder) if compared else []
    found = find_alike(sketches, listen, compared, known)
    write_duplicates(folder, found, Provenance(KIND, FORMAT, tool, settings={**settings, "compared": total}))
    return True


def read_sketches(folder: Path, policy: str) -> tuple[Sketches, list[tuple[Path, int, int]]]:
    """Return the sketches of all crops of `policy`, some empty, and where the crops lie: part, row group, row."""
    audio_ids, lengths, places, words = [], [0], [], bytearray()
    for group in row_groups(folder, ["audio_id", "policy", "sketch"]):
        for row, (audio_id, found, sketch) in enumerate(group.rows):
            if found == policy:
                audio_ids.append(audio_id)
                lengths.append(len(sketch or b"") // 4)
                words += sketch or b""  # not kept one by one: 60,000 crops have 110 MB of them
                places.append((group.part, group.number, row))
    joined = np.frombuffer(words, dtype="<u4").astype(np.uint32, copy=False)
    return Sketches(audio_ids, joined, np.cumsum(lengths)), places


def find_alike(
    sketches: Sketches, listen: Listen, first_new: int = 0, known: Sequence[Duplicate] = ()
) -> list[Duplicate]:
    """Return all recordings that sound like another one, by group.

    `known` are those among the crops before `first_new`, which are not compared again.
    """
    pairs = []
    for (one, other), shifts in candidates(sketches, first_new).items():
        similarity, shift = best_correlation(sketches.of(one), sketches.of(other), shifts)
        if similarity >= STRANGERS:
            pairs.append((similarity, one, other, shift))
    best = {duplicate.audio_id: duplicate.similarity for duplicate in known}
    groups, first = _Groups(), {duplicate.group: duplicate.audio_id for duplicate in known}
    for duplicate in known:
        groups.join(first[duplicate.group], duplicate.audio_id)
    for similarity, one, other, shift in sorted(pairs, reverse=True):
        names = sketches.audio_ids[one], sketches.audio_ids[other]
        if groups.root(names[0]) == groups.root(names[1]):
            continue
        if similarity < SURE:
            similarity = agreement(listen(one), listen(other), shift * STEP_S)
            if similarity < ALIKE:
                continue
        groups.join(*names)
        for name in names:
            best[name] = max(best.get(name, 0.0), similarity)
    numbers: dict[str, int] = {}
    rows = sorted((groups.root(name), name) for name in best)
    return [Duplicate(numbers.setdefault(root, len(numbers)), name, best[name]) for root, name in rows]


def _pattern_at(place: tuple[Path, int, int]) -> Pattern:
    path, group, row = place
    with opened_part(path) as part:
        table = part.read_row_group(group, columns=["samples", "sample_rate"]).slice(row, 1)
    return pattern(np.frombuffer(table["samples"][0].as_buffer(), dtype="<i2"), table["sample_rate"][0].as_py())


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
