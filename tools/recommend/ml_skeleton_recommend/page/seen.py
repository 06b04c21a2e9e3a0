"""What the page shows of a library, gathered from it and from the playlists of a folder."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from ml_skeleton.artifacts.files import fingerprint_of
from ml_skeleton.artifacts.maps import FORMAT, KIND, NAME, SongMap, read_map, write_map
from ml_skeleton.artifacts.playlists import WrittenPlaylist, read_playlists
from ml_skeleton.artifacts.provenance import Provenance
from ml_skeleton.console import note
from ml_skeleton.errors import InputError
from ml_skeleton.music.inputs import Matrix
from ml_skeleton.music.recordings import Recording
from ml_skeleton.music.scores import STARS

from ml_skeleton_recommend.library import Library, Rows, nearest_rated
from ml_skeleton_recommend.page.projection import make_map

NEAREST_RATED = 3
NOBODY = -1


@dataclass(frozen=True)
class SeenLibrary:
    """A library at the moment it was read; rows of all arrays are the recordings that are there to play."""

    recordings: Sequence[Recording]
    stars: npt.NDArray[np.float64]  # (N, 3) expected, and the ends of the interval, 0 to 5
    nearest_rated: Rows  # (N, 3) rows, nearest first; NOBODY where fewer are rated
    likeness: npt.NDArray[np.float64]  # (N, 3) mutual proximity to them, as of all that sounds alike on the page
    map: SongMap
    playlists: Sequence[WrittenPlaylist]


def see_library(library: Library, folder: Path, seed: int) -> SeenLibrary:
    """Return what is known of the library, with the map that lies in `folder`, or a new one put there.

    Raises InputError when no song has a vector and a file.
    """
    rows = shown_rows(library)
    recordings = shown_recordings(library)
    nearest, likeness = _nearest_rated(library, rows)
    purpose = fingerprint_of(
        *(parent.fingerprint for parent in library.embeddings), *(one.audio_id + one.artist for one in recordings)
    )
    made = Provenance(KIND, FORMAT, "recommend", {"purpose": purpose}, seed, library.embeddings)
    return SeenLibrary(
        recordings=recordings,
        stars=STARS * library.expected[:, rows].T,
        nearest_rated=nearest,
        likeness=likeness,
        map=_kept_or_new_map(folder / NAME, recordings, library.matrix[rows], made),
        playlists=sorted(read_playlists(folder), key=lambda playlist: playlist.name != "best"),
    )


def shown_rows(library: Library) -> Rows:
    """Return the rows of the library that are there to play; raise InputError if there are none."""
    rows = np.flatnonzero(library.catalogue.column("available"))
    if not len(rows):
        raise InputError(f"{library.path}: no song is both embedded and there to play, so there is nothing to show")
    return rows


def shown_recordings(library: Library) -> list[Recording]:
    """Return the recordings at `shown_rows`."""
    there = library.catalogue.column("available").tolist()
    return [recording for recording, shown in zip(library.recordings, there, strict=True) if shown]


def _nearest_rated(library: Library, rows: Rows) -> tuple[Rows, npt.NDArray[np.float64]]:
    """Return for each of `rows` the places among them (N, 3) of the rated ones most like it, and how alike they are."""
    place = np.full(len(library.recordings), NOBODY)
    place[rows] = np.arange(len(rows))
    found = nearest_rated(library, rows, NEAREST_RATED, among=place != NOBODY, hub_correction=True)
    near, likeness = np.full((len(rows), NEAREST_RATED), NOBODY), np.zeros((len(rows), NEAREST_RATED))
    there = np.isfinite(found.similarity)  # not itself
    near[:, : there.shape[1]] = np.where(there, place[found.rows], NOBODY)
    likeness[:, : there.shape[1]] = np.where(there, found.similarity, 0.0)
    return near, likeness


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
