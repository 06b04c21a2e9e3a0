"""The listener's library as playlists are made from it: recordings, vectors, expected stars, and who is alike."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import numpy.typing as npt
from ml_skeleton.artifacts.checkpoints import Header
from ml_skeleton.artifacts.embeddings import EmbeddingStore
from ml_skeleton.artifacts.provenance import Parent
from ml_skeleton.artifacts.songs import Song
from ml_skeleton.errors import InputError
from ml_skeleton.music.candidates import rated_or_alike
from ml_skeleton.music.classifiers.predictor import Predictor
from ml_skeleton.music.classifiers.saved import load_predictor, vectors_for
from ml_skeleton.music.inputs import Inputs, Matrix, make_inputs
from ml_skeleton.music.neighbours import Found, Neighbours
from ml_skeleton.music.rated import SharedVectors
from ml_skeleton.music.recordings import Recording, recordings_of

Floats = npt.NDArray[np.float64]
Rows = npt.NDArray[np.intp]
Mask = npt.NDArray[np.bool_]
Codes = npt.NDArray[np.intp]

DAY_S = 86_400.0
USUAL_LENGTH_S = 240.0  # of songs, where none is known
NO_ARTIST = -1  # a song without a known artist is nobody's second song


@dataclass(frozen=True)
class Library:
    """All recordings that have a vector, N of them, ordered by audio_id."""

    classifier: Header
    vectors: SharedVectors
    songs: list[Song]  # every song of the player, also those without a vector
    recordings: list[Recording]
    matrix: Matrix  # (N, D)
    model_class: str | None = None

    @property
    def parents(self) -> tuple[Parent, ...]:
        """What a playlist of this library is made from."""
        return (self.classifier.as_parent(), *self.vectors.parents)

    @cached_property
    def ratings(self) -> Floats:
        """Of each recording, 0 to 1; not a number where the listener gave none."""
        return np.array([np.nan if r.rating is None else r.rating for r in self.recordings], dtype=np.float64)

    @cached_property
    def rated(self) -> Mask:
        """Which recordings are rated, or sound the same as one that is."""
        return rated_or_alike(self.recordings, self.songs)

    @cached_property
    def artists(self) -> Codes:
        """A number for each artist, NO_ARTIST where it is not known."""
        return codes_of(r.artist for r in self.recordings)

    @cached_property
    def albums(self) -> Codes:
        """A number for each album, NO_ARTIST where there is none."""
        return codes_of(next(iter(r.album_keys), "") for r in self.recordings)

    @cached_property
    def groups(self) -> Codes:
        """Equal for recordings that sound the same."""
        return codes_of(r.group for r in self.recordings)

    @cached_property
    def lengths_s(self) -> Floats:
        """Seconds; where the player does not know, as long as songs of this library usually are."""
        known = np.array([r.song.length_s or np.nan for r in self.recordings], dtype=np.float64)
        there = known[~np.isnan(known)]  # np.nanmedian imports masked arrays, which takes longer than all the rest
        return np.where(np.isnan(known), np.median(there) if len(there) else USUAL_LENGTH_S, known)

    @cached_property
    def days_unplayed(self) -> Floats:
        """Days since each was played last, counted from the newest date that the library holds; inf if never."""
        dates = [max(song.lastplayed or 0, song.added or 0) for r in self.recordings for song in r.songs]
        played = np.array([max(s.lastplayed or 0 for s in r.songs) for r in self.recordings], dtype=np.float64)
        return np.where(played > 0, (max(dates, default=0) - played) / DAY_S, np.inf)

    @cached_property
    def predictor(self) -> Predictor:
        """The trained classifier."""
        return load_predictor(self.classifier, self.model_class)

    @cached_property
    def inputs(self) -> Inputs:
        """What the classifier is asked with."""
        content = self.classifier.content
        parts = self.vectors.parts
        return make_inputs(self.recordings, self.matrix, content["features"], content["genres"], parts)

    @cached_property
    def expected(self) -> Floats:
        """Expected rating and the bounds of its interval, 0 to 1, as rows (3, N)."""
        predicted = self.predictor.predict(self.inputs)
        return np.stack([predicted.mean, *predicted.interval()])

    @cached_property
    def taste(self) -> Floats:
        """How much the listener likes each, 0 to 1: their rating, or else the expected one."""
        return np.where(np.isnan(self.ratings), self.expected[0], self.ratings)

    @cached_property
    def neighbours(self) -> Neighbours:
        """The search for what sounds alike, by cosine."""
        return Neighbours(self.matrix, hub_correction=False)

    @property
    def unit(self) -> Matrix:
        """Vectors (N, D) standardised over the library, of length 1."""
        return self.neighbours.unit

    def similarity(self, row: int) -> Floats:
        """Return the cosine of every recording with the one at `row`."""
        return np.asarray(self.unit @ self.unit[row], dtype=np.float64)


def store_of(classifier: Header) -> Path:
    """Return the embedding database that the classifier was trained on."""
    parent = classifier.provenance.parent("embeddings")
    if parent is None:
        raise InputError(f"{classifier.path}: names no embedding database; name one with --store")
    return Path(parent.path)


def read_library(classifier: Header, store: EmbeddingStore, model_class: str | None = None) -> Library:
    """Return the library of a store; raise InputError for embeddings of another encoder than the classifier's."""
    vectors, songs = vectors_for(classifier, store), store.songs()
    row_of = {audio_id: row for row, audio_id in enumerate(vectors.audio_ids)}
    recordings = [recording for recording in recordings_of(songs) if recording.audio_id in row_of]
    rows = [row_of[recording.audio_id] for recording in recordings]
    whole = rows == list(range(len(vectors.audio_ids)))  # then the matrix need not be copied
    matrix = vectors.matrix if whole else vectors.matrix[rows]
    return Library(classifier, vectors, songs, recordings, matrix, model_class)


def codes_of(names: Iterable[str]) -> Codes:
    """Return a number for each name, in the order they come first; NO_ARTIST for an empty one."""
    known: dict[str, int] = {"": NO_ARTIST}
    return np.array([known.setdefault(name, len(known) - 1) for name in names], dtype=np.intp)


def rows_where(mask: Mask) -> Rows:
    """Return the rows at which `mask` is true."""
    return np.flatnonzero(mask)


def nearest_rated(library: Library, rows: Sequence[int] | Rows, count: int, among: Mask | None = None) -> Found:
    """Return the `count` rated recordings, all or of those `among` them, that sound most like each of `rows` (M,)."""
    rated = ~np.isnan(library.ratings) if among is None else among & ~np.isnan(library.ratings)
    return library.neighbours.nearest_of(np.asarray(rows, dtype=np.intp), np.flatnonzero(rated), count)
