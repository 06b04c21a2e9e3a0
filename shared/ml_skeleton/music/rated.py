"""The rated songs of an embedding version, and how a classifier is fitted to them; needs no torch."""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ml_skeleton.artifacts.embeddings import EmbeddingStore, Version
from ml_skeleton.artifacts.files import fingerprint_of
from ml_skeleton.artifacts.provenance import Parent
from ml_skeleton.errors import InputError
from ml_skeleton.music.recordings import Recording, recordings_of
from ml_skeleton.music.scores import Ratings


@dataclass(frozen=True)
class FitSettings:
    """How a classifier is fitted."""

    model: str = "mlp"
    hidden: int = 32
    dropout: float = 0.2
    lr: float = 1e-3
    weight_decay: float = 0.1
    max_steps: int = 100
    folds: int = 5  # of whole albums, to choose how long to train
    seed: int = 42

    def as_dict(self) -> dict[str, Any]:
        """Return the settings as JSON values."""
        return asdict(self)


@dataclass(frozen=True)
class RatedSongs:
    """The rated recordings that have a vector, ordered by audio_id."""

    version: Version
    parent: Parent  # the embeddings, for the provenance of what is made from them
    recordings: list[Recording]
    matrix: npt.NDArray[np.float32]  # (N, D)
    ratings: Ratings  # (N,) 0 to 1
    rating_seen: npt.NDArray[np.bool_]  # (N,) the rating shaped the encoder, so it cannot test it

    def purpose(self, *settings: object) -> str:
        """Return the fingerprint of all that decides what is learned from these songs with `settings`."""
        labels = [f"{r.audio_id} {r.rating} {r.artist} {r.album_keys}" for r in self.recordings]
        return fingerprint_of(self.parent.fingerprint, *labels, *map(repr, settings))


def rated_songs(store: EmbeddingStore, version_name: str | None, max_speech: float = 0.5) -> RatedSongs:
    """Return the rated songs of a version, the newest for None; raise InputError if there is none.

    Those of which more than `max_speech` is speech, 0 to 1, are left out: an
    encoder that heard music alone can say nothing of them.
    """
    version = store.version(version_name)
    vectors = store.vectors(version.name)
    row_of = {audio_id: row for row, audio_id in enumerate(vectors.audio_ids)}
    music = (r for r in recordings_of(store.songs()) if r.speech <= max_speech)
    rated = [recording for recording in music if recording.rating is not None and recording.audio_id in row_of]
    if not rated:
        raise InputError(f"{store.path}: no rated song; rate some in the player, then run clem-extract and embed again")
    rows = [row_of[recording.audio_id] for recording in rated]
    return RatedSongs(
        version=version,
        parent=Parent("embeddings", str(store.path.resolve()), vectors.fingerprint, version.name),
        recordings=rated,
        matrix=vectors.matrix[rows],
        ratings=np.array([recording.rating for recording in rated], dtype=np.float64),
        rating_seen=vectors.rating_seen[rows],
    )
