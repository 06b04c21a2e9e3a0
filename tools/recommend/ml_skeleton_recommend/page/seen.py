"""What the page shows of a library, gathered from the store, the classifier and the playlists of a folder."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from ml_skeleton.artifacts.checkpoints import Header
from ml_skeleton.artifacts.embeddings import EmbeddingStore
from ml_skeleton.artifacts.files import fingerprint_of
from ml_skeleton.artifacts.maps import FORMAT, KIND, NAME, SongMap, read_map, write_map
from ml_skeleton.artifacts.playlists import WrittenPlaylist, read_playlists
from ml_skeleton.artifacts.provenance import Provenance
from ml_skeleton.console import note
from ml_skeleton.errors import InputError
from ml_skeleton.music.classifiers.saved import inputs_for, load_predictor, vectors_for
from ml_skeleton.music.neighbours import Matrix, Neighbours
from ml_skeleton.music.recordings import Recording, recordings_of
from ml_skeleton.music.scores import STARS

from ml_skeleton_recommend.page.projection import make_map

NEAREST_RATED = 3
ROWS_PER_BLOCK = 2000  # of songs by rated songs: 2,000 x 10,000 similarities are 80 MB


@dataclass(frozen=True)
class SeenLibrary:
    """A library at the moment it was read; rows of all arrays are the recordings."""

    recordings: Sequence[Recording]
    stars: npt.NDArray[np.float64]  # (N, 3) expected, and the ends of the interval, 0 to 5
    nearest_rated: npt.NDArray[np.int64]  # (N, 3) rows, nearest first; -1 where fewer are rated
    likeness: npt.NDArray[np.float32]  # (N, 3) cosines to them
    map: SongMap
    playlists: Sequence[WrittenPlaylist]


def see_library(
    classifier: Header, store: EmbeddingStore, folder: Path, seed: int, model_class: str | None = None
) -> SeenLibrary:
    """Return what is known of the library, with the map that lies in `folder`, or a new one put there.

    Raises InputError when no song has a vector and a file.
    """
    vectors = vectors_for(classifier, store)
    row_of = {audio_id: row for row, audio_id in enumerate(vectors.audio_ids)}
    recordings = [one for one in recordings_of(store.songs()) if one.available and one.audio_id in row_of]
    if not recordings:
        raise InputError(f"{store.path}: no song is both embedded and there to play, so there is nothing to show")
    matrix: Matrix = vectors.matrix[[row_of[recording.audio_id] for recording in recordings]]
    predicted = load_predictor(classifier, model_class).predict(inputs_for(classifier, recordings, vectors))
    nearest, likeness = nearest_rated(recordings, matrix)
    purpose = fingerprint_of(
        *(parent.fingerprint for parent in vectors.parents), *(one.audio_id + one.artist for one in recordings)
    )
    made = Provenance(KIND, FORMAT, "recommend", {"purpose": purpose}, seed, vectors.parents)
    return SeenLibrary(
        recordings=recordings,
        stars=STARS * np.stack([predicted.mean, *predicted.interval()], axis=1),
        nearest_rated=nearest,
        likeness=likeness,
        map=_kept_or_new_map(folder / NAME, recordings, matrix, made),
        playlists=read_playlists(folder),
    )


def nearest_rated(
    recordings: Sequence[Recording], matrix: Matrix
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float32]]:
    """Return the rows (N, 3) of the rated recordings that sound most like each, and the cosines to them."""
    rated = np.array([row for row, recording in enumerate(recordings) if recording.rating is not None], dtype=int)
    rows = np.full((len(matrix), NEAREST_RATED), -1)
    likeness = np.zeros((len(matrix), NEAREST_RATED), np.float32)
    unit = Neighbours(matrix, hub_correction=False).unit
    most = min(NEAREST_RATED, len(rated)) - 1
    for start in range(0, len(matrix), ROWS_PER_BLOCK):
        block = slice(start, start + ROWS_PER_BLOCK)
        cosine = unit[block] @ unit[rated].T  # (B, R)
        cosine[rated == np.arange(len(matrix))[block, None]] = -np.inf  # the song itself
        best = np.argpartition(-cosine, most, axis=1)[:, : most + 1] if len(rated) else cosine.astype(int)
        near = np.take_along_axis(cosine, best, axis=1)
        order = np.argsort(-near, axis=1, kind="stable")
        best, near = np.take_along_axis(best, order, axis=1), np.take_along_axis(near, order, axis=1)
        rows[block, : best.shape[1]] = np.where(near > -np.inf, rated[best], -1)
        likeness[block, : best.shape[1]] = np.where(near > -np.inf, near, 0)
    return rows, likeness


def _kept_or_new_map(path: Path, recordings: Sequence[Recording], matrix: Matrix, made: Provenance) -> SongMap:
    try:
        kept, drawn = read_map(path)
        if (kept.settings, kept.seed) == (made.settings, made.seed):
            return drawn
    except InputError:  # none yet, or of an older format: it can always be made anew
        pass
    note(f"drawing the map of {len(recordings)} songs")
    drawn = make_map(recordings, matrix, made.seed or 0)
    write_map(path, drawn, made)
    return drawn
