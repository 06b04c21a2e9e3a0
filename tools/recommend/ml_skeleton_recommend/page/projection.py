"""The map of a library: each song beside those that sound like it, on a plane; artists as a network in space.

The plane is a t-SNE (van der Maaten and Hinton 2008, by openTSNE's interpolation, whose
time grows with the number of songs and not with its square) of the same nearest songs
that the page lists, hub-corrected, each drawn equally (uniform affinities). So a song's
neighbours in the list are its neighbours on the map, and no second, approximate search
for them is made. It starts from the two main directions, which keeps the large picture
the same from run to run.
"""

import os
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from ml_skeleton.artifacts.maps import SongMap
from ml_skeleton.errors import UserError
from ml_skeleton.music.neighbours import Found, Matrix, Neighbours, Rows
from ml_skeleton.music.recordings import Recording

NEIGHBOURS = 12  # of a song, listed on the page
FEWEST_SONGS = 8  # for a t-SNE; fewer are placed by their main directions
FFT_FROM = 2000  # songs: below, the tree is faster than the grid
MOST_ARTISTS = 1000  # in the network: more are a ball of wool
LINKS = 4  # from an artist to those nearest
CELL = 2  # places across a cell of the grid; with 1 most of the time goes into its Fourier transforms
EARLY, LATE = 150, 350  # steps; with 250 and 500 as many of 12,000 songs' neighbours stay beside them (0.62)
START_SPREAD = 1e-4  # of the first places, so that songs can still pass each other


def make_map(recordings: Sequence[Recording], matrix: Matrix, seed: int) -> SongMap:
    """Return the map of recordings with vectors (N, D); the same inputs and seed give the same map."""
    search = Neighbours(matrix)
    found = search.nearest_to_songs(np.arange(len(matrix)), NEIGHBOURS)
    artists, artist_places, links = _artists(recordings, search, seed)
    return SongMap(
        audio_ids=np.array([recording.audio_id.encode() for recording in recordings]),
        places=_places(search.unit, found, seed),
        neighbours=found.rows.astype(np.int32),
        proximity=found.similarity.astype(np.float32),
        artists=np.array(artists, dtype=np.str_),
        artist_places=artist_places,
        artist_links=links,
    )


def main_directions(unit: Matrix, count: int) -> npt.NDArray[np.float64]:
    """Return vectors along the directions (N, count) in which they differ most; signs are fixed, so that none flips."""
    centred = unit - unit.mean(axis=0)
    directions = np.linalg.eigh((centred.T @ centred).astype(np.float64))[1][:, ::-1][:, :count]  # (D, count)
    directions *= np.sign(directions[np.abs(directions).argmax(axis=0), np.arange(directions.shape[1])])
    along = np.zeros((len(unit), count))
    along[:, : directions.shape[1]] = centred @ directions
    return along


def _places(unit: Matrix, found: Found, seed: int) -> Matrix:
    along = main_directions(unit, 2)
    if len(unit) < FEWEST_SONGS:
        return along.astype(np.float32)
    openTSNE = _library()
    known = openTSNE.nearest_neighbors.PrecomputedNeighbors(found.rows, 1.0 - found.similarity)
    affinities = openTSNE.affinity.Uniform(knn_index=known, k_neighbors=found.rows.shape[1])
    start = along / (along[:, 0].std() or 1.0) * START_SPREAD
    many = len(unit) >= FFT_FROM
    method, jobs = ("fft", len(os.sched_getaffinity(0))) if many else ("bh", 1)  # threads wait longer than they work
    embedding = openTSNE.TSNEEmbedding(
        start, affinities, negative_gradient_method=method, ints_in_interval=CELL, n_jobs=jobs, random_state=seed
    )
    embedding = embedding.optimize(n_iter=EARLY, exaggeration=12, momentum=0.5)
    places: Matrix = np.asarray(embedding.optimize(n_iter=LATE, momentum=0.8), dtype=np.float32)
    return places


def _artists(
    recordings: Sequence[Recording], search: Neighbours, seed: int
) -> tuple[list[str], Matrix, npt.NDArray[np.int32]]:
    """Return the artists with the most songs, their places (A, 3), and who is near whom (L, 2)."""
    rows: dict[str, list[int]] = {}
    for row, recording in enumerate(recordings):
        rows.setdefault(recording.artist, []).append(row)
    rows.pop("", None)
    largest = sorted(rows, key=lambda artist: (-len(rows[artist]), artist))[:MOST_ARTISTS]
    if len(largest) < 2:
        return largest, np.zeros((len(largest), 3), np.float32), np.empty((0, 2), np.int32)
    means = np.stack([search.unit[rows[artist]].mean(axis=0) for artist in largest])
    found = Neighbours(means).nearest_to_songs(np.arange(len(largest)), LINKS)
    links = _links(found)
    return largest, _network(means, links, seed), links


def _links(found: Found) -> npt.NDArray[np.int32]:
    """Return each pair (L, 2) once, the nearest first."""
    proximity: dict[tuple[int, int], float] = {}
    for row, (others, nearness) in enumerate(zip(found.rows.tolist(), found.similarity.tolist(), strict=True)):
        for other, near in zip(others, nearness, strict=True):
            proximity[min(row, other), max(row, other)] = near
    pairs = sorted(proximity, key=lambda pair: (-proximity[pair], pair))
    return np.array(pairs, np.int32).reshape(-1, 2)


def _network(means: Matrix, links: Rows | npt.NDArray[np.int32], seed: int) -> Matrix:
    """Return places (A, 3) in which links are short (Fruchterman and Reingold 1991), from the main directions on."""
    import networkx

    graph = networkx.Graph()
    graph.add_nodes_from(range(len(means)))
    graph.add_edges_from(links.tolist())
    along = main_directions(means, 3)
    start = dict(enumerate(along / (np.abs(along).max() or 1.0)))
    drawn = networkx.spring_layout(graph, pos=start, dim=3, iterations=80, seed=seed, method="force")
    return np.array([drawn[number] for number in range(len(means))], dtype=np.float32)


def _library() -> Any:
    try:
        import openTSNE
    except ModuleNotFoundError:
        raise UserError("the map needs openTSNE; install it with: pip install 'ml-skeleton-recommend[html]'") from None
    return openTSNE
