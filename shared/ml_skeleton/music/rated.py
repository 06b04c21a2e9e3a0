"""The rated songs of embedding versions, and how a classifier is fitted to them; needs no torch."""

from collections.abc import Sequence, Set
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from ml_skeleton.artifacts.embeddings import EmbeddingStore, Version
from ml_skeleton.artifacts.files import fingerprint_of
from ml_skeleton.artifacts.provenance import Parent
from ml_skeleton.console import MOST_SPEECH, warn
from ml_skeleton.errors import InputError
from ml_skeleton.music.inputs import AUDIO, METADATA, Matrix, commonest_genres, make_inputs
from ml_skeleton.music.recordings import Recording, recordings_of
from ml_skeleton.music.scores import Ratings
from ml_skeleton.music.targets import Examples, Mask, ratings_by_habit, recency_weights, was_heard


@dataclass(frozen=True)
class FitSettings:
    """How a classifier is fitted."""

    model: str = "gp"
    hidden: int = 32
    dropout: float = 0.2
    lr: float = 1e-3
    weight_decay: float = 0.1
    max_steps: int = 100
    folds: int = 5  # of whole albums, to choose the settings and the width of intervals on
    seed: int = 42
    model_args: dict[str, Any] = field(default_factory=dict)  # of the model's class, JSON values

    def as_dict(self) -> dict[str, Any]:
        """Return the settings as JSON values."""
        return asdict(self)


@dataclass(frozen=True)
class Targeting:
    """What is learned from, besides ratings as they stand."""

    features: tuple[str, ...] = (AUDIO,)  # groups of inputs
    implicit: float = 0.0  # what a song that was only played or skipped counts beside a rated one
    half_life_days: float | None = None  # after which a rating counts half


@dataclass(frozen=True)
class SharedVectors:
    """The vectors that several versions hold together."""

    versions: tuple[Version, ...]
    parents: tuple[Parent, ...]  # one for each version, for the provenance of what is made from them
    audio_ids: list[str]
    matrix: Matrix  # (N, D) the versions side by side
    rating_seen: Mask  # (N,) the rating shaped an encoder, so it cannot test it
    parts: dict[str, int]  # name and width of what a vector is made of; none where one version does not say

    def of(self, recordings: Sequence[Recording]) -> tuple[list[Recording], Matrix]:
        """Return the recordings that have a vector, and those (N, D)."""
        row_of = {audio_id: row for row, audio_id in enumerate(self.audio_ids)}
        known = [recording for recording in recordings if recording.audio_id in row_of]
        rows = [row_of[recording.audio_id] for recording in known]
        whole = rows == list(range(len(self.audio_ids)))  # then the matrix need not be copied
        return known, self.matrix if whole else self.matrix[rows]


@dataclass(frozen=True)
class RatedSongs:
    """The rated recordings that have a vector, ordered by audio_id, and after them those with a weak label."""

    versions: tuple[Version, ...]
    parents: tuple[Parent, ...]
    recordings: list[Recording]
    examples: Examples
    genres: list[str]  # that metadata has a column for
    targeting: Targeting

    @property
    def version(self) -> str:
        """The names of the versions."""
        return ",".join(version.name for version in self.versions)

    @property
    def path(self) -> str:
        """The embedding database."""
        return self.parents[0].path

    @property
    def rated(self) -> int:
        """How many of the recordings are rated."""
        return int((~self.examples.weak).sum())

    def only(self, audio_ids: Set[str]) -> "RatedSongs":
        """Return the same without the recordings that are not among `audio_ids`."""
        rows = np.array([row for row, r in enumerate(self.recordings) if r.audio_id in audio_ids], dtype=np.intp)
        return replace(self, recordings=[self.recordings[row] for row in rows], examples=self.examples.at(rows))

    def purpose(self, *settings: object) -> str:
        """Return the fingerprint of all that decides what is learned from these songs with `settings`."""
        labels = [f"{r.audio_id} {r.artist} {r.album_keys}" for r in self.recordings]
        numbers = (self.examples.inputs.matrix, self.examples.ratings, self.examples.weights)
        arrays = [values.tobytes() for values in numbers]
        vectors = [parent.fingerprint for parent in self.parents]
        said = map(repr, (self.examples.inputs.parts, self.targeting, *settings))
        return fingerprint_of(*vectors, *labels, *arrays, *said)


def vectors_of(store: EmbeddingStore, names: Sequence[str | None]) -> SharedVectors:
    """Return what the versions, the newest for None, say of the recordings that all of them hold."""
    versions = tuple(_newest(store) if name is None else store.version(name) for name in dict.fromkeys(names))
    every = [store.vectors(version.name) for version in versions]
    row_of = [{audio_id: row for row, audio_id in enumerate(vectors.audio_ids)} for vectors in every]
    shared = [audio_id for audio_id in every[0].audio_ids if all(audio_id in rows for rows in row_of)]
    places = [np.array([rows[audio_id] for audio_id in shared], dtype=np.intp) for rows in row_of]
    matrix = np.concatenate([vectors.matrix[at] for vectors, at in zip(every, places, strict=True)], axis=1)
    if not np.isfinite(matrix).all():
        raise InputError(f"{store.path}: vectors that are not numbers; make them again with embed --force")
    where = str(store.path.resolve())
    parents = [
        Parent("embeddings", where, v.fingerprint, version.name) for v, version in zip(every, versions, strict=True)
    ]
    seen = np.any([vectors.rating_seen[at] for vectors, at in zip(every, places, strict=True)], axis=0)
    return SharedVectors(versions, tuple(parents), shared, matrix, seen, parts_of(versions))


def _newest(store: EmbeddingStore) -> Version:
    """Return the newest version that was not rejected, with a warning where that is not the newest of all."""
    version, last = store.newest(), store.newest(rejected_too=True)
    if last.name != version.name:
        warn(
            f"{store.path}: {last.name} was rejected ({last.rejected}), {version.name} is used; --version takes others"
        )
    return version


def parts_of(versions: Sequence[Version]) -> dict[str, int]:
    """Return the parts of one version, or of several side by side, where each is a part at least."""
    if len(versions) == 1:
        return versions[0].parts
    return {
        f"{version.name} {name}": width
        for version in versions
        for name, width in (version.parts or {AUDIO: version.dimension}).items()
    }


def rated_songs(
    store: EmbeddingStore,
    versions: Sequence[str] | str | None = None,
    max_speech: float = MOST_SPEECH,
    targeting: Targeting = Targeting(),
) -> RatedSongs:
    """Return the rated songs of some versions, the newest for None; raise InputError if there is none.

    Those of which more than `max_speech` is speech, 0 to 1, are left out: an
    encoder that heard music alone can say nothing of them.
    """
    heard = vectors_of(store, [versions] if versions is None or isinstance(versions, str) else versions)
    row_of = {audio_id: row for row, audio_id in enumerate(heard.audio_ids)}
    known = recordings_of(store.songs())
    music = [r for r in known if r.speech <= max_speech and r.audio_id in row_of]
    rated = [recording for recording in music if recording.rating is not None]
    if not rated:
        raise InputError(f"{store.path}: no rated song; rate some in the player, then run clem-extract and embed again")
    weak = [r for r in music if r.rating is None and was_heard(r)] if targeting.implicit else []
    recordings, rows = [*rated, *weak], [row_of[recording.audio_id] for recording in [*rated, *weak]]
    genres = commonest_genres(known) if METADATA in targeting.features else []
    is_weak = np.arange(len(recordings)) >= len(rated)
    examples = Examples(
        inputs=make_inputs(recordings, heard.matrix[rows], targeting.features, genres, heard.parts),
        ratings=_ratings(rated, weak),
        weights=_weights(recordings, is_weak, targeting),
        seen=heard.rating_seen[rows],
        weak=is_weak,
    )
    return RatedSongs(heard.versions, heard.parents, recordings, examples, genres, targeting)


def _ratings(rated: Sequence[Recording], weak: Sequence[Recording]) -> Ratings:
    given = np.array([recording.rating for recording in rated], dtype=np.float64)
    return np.concatenate([given, ratings_by_habit(rated, weak)]) if weak else given


def _weights(recordings: Sequence[Recording], weak: npt.NDArray[np.bool_], targeting: Targeting) -> Ratings:
    """Return weights of which those of the rated songs have the mean 1."""
    half_life = targeting.half_life_days
    weights = recency_weights(recordings, half_life) if half_life else np.ones(len(recordings))
    trusted: Ratings = np.where(weak, targeting.implicit, 1.0) * weights / weights[~weak].mean()
    return trusted
