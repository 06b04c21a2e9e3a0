"""Inputs: what a classifier may know of songs, as numbers in named groups of columns, and who made them."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from hashlib import blake2b
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from ml_skeleton.music.recordings import Recording

Matrix = npt.NDArray[np.float32]
Keys = npt.NDArray[np.int64]
Rows = npt.NDArray[np.intp] | npt.NDArray[np.bool_]

AUDIO, METADATA, BEHAVIOUR = "audio", "metadata", "behaviour"
GROUPS = (AUDIO, METADATA, BEHAVIOUR)
BESIDE_PARTS = (METADATA, BEHAVIOUR, "bend", "artist", "album", "noise")  # what is told beside the parts of the audio
UNKNOWN = 0  # the key of no artist and of no album
MOST_GENRES = 32
YEAR_0, DECADES = 1990, 10.0


@dataclass(frozen=True)
class Inputs:
    """Songs as a classifier sees them: N rows of F numbers, and the keys of artist and album."""

    matrix: Matrix  # (N, F), the groups side by side
    groups: dict[str, int]  # name and width of each, in the order of the columns
    artists: Keys  # (N,) UNKNOWN where the tag is missing
    albums: Keys  # (N,)
    parts: dict[str, int] = field(default_factory=dict)  # name and width of those of the audio, if it has any

    def at(self, rows: Rows) -> "Inputs":
        """Return some of the songs."""
        return replace(self, matrix=self.matrix[rows], artists=self.artists[rows], albums=self.albums[rows])

    def by_ear(self) -> "Inputs":
        """Return the same songs with artist and album unknown, so that what is said of them rests on the matrix."""
        unknown = np.zeros(len(self.matrix), dtype=np.int64)
        return replace(self, artists=unknown, albums=unknown)

    def columns(self) -> dict[str, slice]:
        """Return the columns of each group."""
        return _columns(self.groups)

    def weighed(self) -> dict[str, slice]:
        """Return the columns of all that may count by itself: the parts of the audio, and the other groups."""
        whole = {name: width for name, width in self.groups.items() if name != AUDIO or not self.parts}
        return _columns({**(self.parts if AUDIO in self.groups else {}), **whole})


def _columns(widths: Mapping[str, int]) -> dict[str, slice]:
    ends = np.cumsum([0, *widths.values()]).tolist()
    return {name: slice(start, end) for name, (start, end) in zip(widths, pairwise(ends), strict=True)}


def make_inputs(
    recordings: Sequence[Recording],
    vectors: Matrix,
    groups: Sequence[str],
    genres: Sequence[str],
    parts: Mapping[str, int] | None = None,
) -> Inputs:
    """Return the inputs of recordings with vectors (N, D), of the `groups` wanted; `genres` are columns of metadata.

    `parts` names what the vectors are made of, with the widths; only who learns from the inputs has use for it.
    """
    columns = {AUDIO: vectors}
    if METADATA in groups:
        columns[METADATA] = np.array([_metadata(recording, genres) for recording in recordings], dtype=np.float32)
    if BEHAVIOUR in groups:
        columns[BEHAVIOUR] = np.array([_behaviour(recording) for recording in recordings], dtype=np.float32)
    chosen = {name: columns[name].reshape(len(recordings), -1) for name in GROUPS if name in groups}
    return Inputs(
        matrix=np.ascontiguousarray(np.concatenate(list(chosen.values()), axis=1)),
        groups={name: part.shape[1] for name, part in chosen.items()},
        artists=keys_of(recording.artist for recording in recordings),
        albums=keys_of(next(iter(recording.album_keys), "") for recording in recordings),
        parts=dict(parts or {}),
    )


def keys_of(names: Iterable[str]) -> Keys:
    """Return a number for each name, the same in every run; UNKNOWN for an empty one."""
    known: dict[str, int] = {"": UNKNOWN}
    keys = []
    for name in names:
        if name not in known:
            digest = blake2b(name.encode("utf-8", "surrogateescape"), digest_size=8).digest()
            known[name] = int.from_bytes(digest, "little", signed=True) or 1
        keys.append(known[name])
    return np.array(keys, dtype=np.int64)


def commonest_genres(recordings: Iterable[Recording]) -> list[str]:
    """Return the genres of more than one recording, the commonest first, at most 32."""
    counts = Counter(genre for recording in recordings for genre in genres_of(recording))
    ranked = sorted(counts, key=lambda genre: (-counts[genre], genre))
    return [genre for genre in ranked if counts[genre] > 1][:MOST_GENRES]


def plays_and_skips(recording: Recording) -> tuple[int, int]:
    """Return how often the copies of a recording were played, and how often skipped."""
    plays = sum(max(song.playcount, 0) for song in recording.songs)
    return plays, sum(max(song.skipcount, 0) for song in recording.songs)


def _metadata(recording: Recording, genres: Sequence[str]) -> list[float]:
    """Return genre, year and length; what is missing is 0 and has a column that says so."""
    song, own = recording.song, genres_of(recording)
    decades = (song.year - YEAR_0) / DECADES if song.year else 0.0
    length = float(np.log(song.length_s)) if song.length_s else 0.0
    missing = [float(not song.year), float(not song.length_s)]
    return [decades, length, *missing, *(float(genre in own) for genre in genres)]


def _behaviour(recording: Recording) -> list[float]:
    """Return plays, skips, the share of skips drawn towards a half, and whether it was heard at all."""
    plays, skips = plays_and_skips(recording)
    return [float(np.log1p(plays)), float(np.log1p(skips)), (skips + 1) / (plays + skips + 2), float(plays + skips > 0)]


def genres_of(recording: Recording) -> list[str]:
    """Return the genres that its tag names, folded for comparison."""
    text = recording.song.genre.casefold()
    for separator in ",/|":
        text = text.replace(separator, ";")
    return list(dict.fromkeys(filter(None, map(str.strip, text.split(";")))))
