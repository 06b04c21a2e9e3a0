"""The listener's library as playlists are made from it: recordings, vectors, expected stars, and who is alike."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from ml_skeleton.artifacts.catalogues import UNIT, Catalogue
from ml_skeleton.artifacts.checkpoints import Header
from ml_skeleton.artifacts.embeddings import Version
from ml_skeleton.artifacts.provenance import Parent
from ml_skeleton.artifacts.songs import from_table
from ml_skeleton.errors import InputError
from ml_skeleton.music.classifiers.predictor import Predictor
from ml_skeleton.music.classifiers.saved import inputs_for, load_predictor
from ml_skeleton.music.inputs import Inputs, Matrix
from ml_skeleton.music.neighbours import Crowd, Found, Search
from ml_skeleton.music.rated import parts_of
from ml_skeleton.music.recordings import Recording

Floats = npt.NDArray[np.float64]
Rows = npt.NDArray[np.intp]
Mask = npt.NDArray[np.bool_]
Codes = npt.NDArray[np.intp]

USUAL_LENGTH_S = 240.0  # of songs, where none is known
NO_ARTIST = -1  # a song without a known artist is nobody's second song


class Recordings:
    """The recordings of a catalogue, each made when it is first asked for."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._songs, self._audio_ids = catalogue.songs, catalogue.recordings.column("audio_id")
        self._first, self._copies = catalogue.column("first"), catalogue.column("copies")
        self._made: dict[int, Recording] = {}

    def __len__(self) -> int:
        return len(self._audio_ids)

    def __getitem__(self, row: int) -> Recording:
        if row not in self._made:
            songs = from_table(self._songs.slice(int(self._first[row]), int(self._copies[row])))
            self._made[row] = Recording(self._audio_ids[row].as_py(), tuple(songs))
        return self._made[row]

    def __iter__(self) -> Iterator[Recording]:
        songs, ends = from_table(self._songs), self._first + self._copies
        of_each = zip(self._audio_ids.to_pylist(), self._first.tolist(), ends.tolist(), strict=True)
        return (Recording(audio_id, tuple(songs[first:end])) for audio_id, first, end in of_each)


@dataclass(frozen=True)
class Library:
    """All recordings that have a vector, N of them, ordered by audio_id."""

    classifier: Header
    versions: tuple[Version, ...]
    catalogue: Catalogue
    read_matrix: Callable[[], Matrix]
    model_class: str | None = None

    @property
    def embeddings(self) -> tuple[Parent, ...]:
        """What the vectors are of, one entry for each version."""
        return self.catalogue.provenance.parents

    @property
    def parents(self) -> tuple[Parent, ...]:
        """What a playlist of this library is made from."""
        return (self.classifier.as_parent(), *self.embeddings)

    @property
    def path(self) -> str:
        """The embedding database."""
        return self.embeddings[0].path

    @property
    def songs(self) -> pa.Table:
        """Every song of the player, also those without a vector."""
        return self.catalogue.songs

    @cached_property
    def recordings(self) -> Recordings:
        """All that is known of each recording."""
        return Recordings(self.catalogue)

    @cached_property
    def row_of(self) -> dict[str, int]:
        """Where each recording stands, by audio_id."""
        return {audio_id: row for row, audio_id in enumerate(column_of(self.catalogue.recordings, "audio_id"))}

    @cached_property
    def matrix(self) -> Matrix:
        """Vectors (N, D) as the store has them."""
        return self.read_matrix()

    @cached_property
    def ratings(self) -> Floats:
        """Of each recording, 0 to 1; not a number where the listener gave none."""
        return self.catalogue.column("rating")

    @cached_property
    def rated(self) -> Mask:
        """Which recordings are rated, or sound the same as one that is."""
        return self.catalogue.column("known")

    @cached_property
    def artists(self) -> Codes:
        """A number for each artist, NO_ARTIST where it is not known."""
        return self.catalogue.column("artist").astype(np.intp)

    @cached_property
    def albums(self) -> Codes:
        """A number for each album, NO_ARTIST where there is none."""
        return self.catalogue.column("album").astype(np.intp)

    @cached_property
    def groups(self) -> Codes:
        """Equal for recordings that sound the same."""
        return self.catalogue.column("group").astype(np.intp)

    @cached_property
    def lengths_s(self) -> Floats:
        """Seconds; where the player does not know, as long as songs of this library usually are."""
        known = self.catalogue.column("length_s")
        there = known[~np.isnan(known)]  # np.nanmedian imports masked arrays, which takes longer than all the rest
        return np.where(np.isnan(known), np.median(there) if len(there) else USUAL_LENGTH_S, known)

    @cached_property
    def days_unplayed(self) -> Floats:
        """Days since each was played last, counted from the newest date that the library holds; inf if never."""
        return self.catalogue.column("days_unplayed")

    @cached_property
    def predictor(self) -> Predictor:
        """The trained classifier."""
        return load_predictor(self.classifier, self.model_class)

    def inputs(self, rows: Rows) -> Inputs:
        """Return what the classifier is asked with about some recordings."""
        recordings = [self.recordings[row] for row in rows.tolist()]
        return inputs_for(self.classifier, recordings, self.matrix[rows], parts_of(self.versions))

    @cached_property
    def expected(self) -> Floats:
        """Expected rating and the bounds of its interval, 0 to 1, as rows (3, N)."""
        return np.stack([self.catalogue.column(name) for name in ("expected", "low", "high")])

    @cached_property
    def taste(self) -> Floats:
        """How much the listener likes each, 0 to 1: their rating, or else the expected one."""
        return np.where(np.isnan(self.ratings), self.expected[0], self.ratings)

    @cached_property
    def unit(self) -> Matrix:
        """Vectors (N, D) standardised over the library, of length 1."""
        return self.catalogue.column(UNIT)

    def search(self, hub_correction: bool = False) -> Search:
        """Return the search for what sounds alike: by cosine, or with `hub_correction` by mutual proximity."""
        columns = (self.catalogue.column(name) for name in ("usual_cosine", "cosine_deviation"))
        return Search(self.unit, Crowd(*columns) if hub_correction else None)


def store_of(classifier: Header) -> Path:
    """Return the embedding database that the classifier was trained on."""
    parent = classifier.provenance.parent("embeddings")
    if parent is None:
        raise InputError(f"{classifier.path}: names no embedding database; name one with --store")
    return Path(parent.path)


def codes_of(names: Iterable[str]) -> list[int]:
    """Return a number for each name, in the order they come first; NO_ARTIST for an empty one."""
    known: dict[str, int] = {"": NO_ARTIST}
    return [known.setdefault(name, len(known) - 1) for name in names]


def nearest_rated(
    library: Library, rows: Sequence[int] | Rows, count: int, among: Mask | None = None, hub_correction: bool = False
) -> Found:
    """Return the `count` rated recordings, all or of those `among` them, that sound most like each of `rows` (M,)."""
    rated = ~np.isnan(library.ratings) if among is None else among & ~np.isnan(library.ratings)
    search = library.search(hub_correction)
    return search.nearest_of(np.asarray(rows, dtype=np.intp), np.flatnonzero(rated), count)


def column_of(table: pa.Table, name: str) -> list[Any]:
    """Return a column as Python's values."""
    return table.column(name).to_pylist()  # type: ignore[no-any-return]
