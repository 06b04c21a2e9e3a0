"""Retrieval: whether songs that belong together are near each other, whatever their ratings; needs no torch.

Songs of one album share their mastering, so that an album is found by its sound
engineer as much as by its music. The filters of the field take that away: an artist
filter leaves out all songs of the query's artist (Pampalk, Flexer, Widmer 2005), an
album filter those of its album.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ml_skeleton.music.neighbours import Matrix, Neighbours, Rows
from ml_skeleton.music.recordings import Recording

MOST_QUERIES = 2000  # more songs of a large library do not change a figure's second digit
Labels = Sequence[tuple[str, ...]]  # of each song

ALBUM = "album"
ALBUM_ARTIST_FILTER = "album, artist filter"  # defined for songs of albums by several artists
ARTIST_ALBUM_FILTER = "artist, album filter"


@dataclass(frozen=True)
class Retrieval:
    """How well songs find their fellows among all others that the filter leaves."""

    rows: Rows  # (Q,) the songs that have a fellow to find
    average_precision: npt.NDArray[np.float64]  # (Q,) 0 to 1
    first_is_fellow: npt.NDArray[np.bool_]  # (Q,) the nearest song is one

    @property
    def map(self) -> float | None:
        """Mean average precision, 0 to 1; None if no song has a fellow."""
        return float(self.average_precision.mean()) if len(self.rows) else None

    @property
    def nearest(self) -> float | None:
        """Share of songs whose nearest one is a fellow (1-NN accuracy); None if no song has one."""
        return float(self.first_is_fellow.mean()) if len(self.rows) else None


def measure_retrieval(matrix: Matrix, recordings: Sequence[Recording]) -> dict[str, Retrieval]:
    """Return album and artist retrieval over embeddings (N, D) of `recordings`, hubs not corrected.

    ALBUM is of all songs; under ALBUM_ARTIST_FILTER the album has to be found
    through its other artists, under ARTIST_ALBUM_FILTER the artist through other albums.
    """
    space = Neighbours(matrix, hub_correction=False)
    albums = [recording.album_keys for recording in recordings]
    artists = [(recording.artist,) if recording.artist else () for recording in recordings]
    return {
        ALBUM: retrieve(space, albums),
        ALBUM_ARTIST_FILTER: retrieve(space, albums, left_out=artists),
        ARTIST_ALBUM_FILTER: retrieve(space, artists, left_out=albums),
    }


def retrieve(space: Neighbours, fellows: Labels, left_out: Labels | None = None) -> Retrieval:
    """Return how well songs that share one of `fellows` find each other.

    Songs that share one of the labels `left_out` are no candidates for each other.
    Of a library with more than 2000 songs, so many evenly spaced ones are asked.
    """
    members, barred = _members(fellows), _members(left_out or [])
    asked = np.linspace(0, len(space) - 1, min(MOST_QUERIES, len(space))).round().astype(np.intp)
    rows, precisions, firsts = [], [], []
    for row in asked:
        relevant, candidate = np.zeros(len(space), np.bool_), np.ones(len(space), np.bool_)
        for label in fellows[row]:
            relevant[members[label]] = True
        for label in left_out[row] if left_out else ():
            candidate[barred[label]] = False
        candidate[row] = False
        if not (relevant & candidate).any():
            continue
        similarity = space.similarity_of_songs(np.array([row]))[0, candidate]
        hits = relevant[candidate][np.argsort(-similarity, kind="stable")]
        rows.append(row)
        precisions.append(_average_precision(hits))
        firsts.append(hits[0])
    return Retrieval(np.array(rows, np.intp), np.array(precisions, np.float64), np.array(firsts, np.bool_))


def _members(labels: Labels) -> Mapping[str, list[int]]:
    members: dict[str, list[int]] = defaultdict(list)
    for row, own in enumerate(labels):
        for label in own:
            members[label].append(row)
    return members


def _average_precision(hits: npt.NDArray[np.bool_]) -> float:
    """Return the mean, over the fellows, of the share of fellows among the songs up to there."""
    ranks = np.flatnonzero(hits) + 1
    return float((np.arange(1, len(ranks) + 1) / ranks).mean())
