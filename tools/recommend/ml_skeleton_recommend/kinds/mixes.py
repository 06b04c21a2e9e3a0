"""Mixes: what the listener loves, in clusters, and for each a list of it and of what sounds like it."""

from collections import Counter
from dataclasses import replace

import numpy as np
from ml_skeleton.music.inputs import Matrix

from ml_skeleton_recommend.candidates import Candidates
from ml_skeleton_recommend.kinds.ranked import LOVED
from ml_skeleton_recommend.kinds.seeded import as_share
from ml_skeleton_recommend.library import Library, Rows
from ml_skeleton_recommend.listing import Listing, pick, weighted

FEWEST_LOVED = 6  # songs of a cluster, on average
MOST_MIXES = 6
ROUNDS = 50
TELLING = 0.5  # share of a cluster that has something in common for it to be the name
USUAL_TOP = 30


def mix(candidates: Candidates) -> list[Listing]:
    """Return a listing for each cluster of loved songs, the largest cluster first."""
    library, request = candidates.library, candidates.request
    loved = np.flatnonzero(library.ratings >= LOVED)
    if not len(loved):  # nothing loved yet: what is expected to be
        loved = np.sort(np.argsort(-library.taste, kind="stable")[: max(FEWEST_LOVED, len(library.taste) // 10)])
    rows = candidates.not_disliked()
    clusters = cluster(library.unit[loved], max(1, min(MOST_MIXES, len(loved) // FEWEST_LOVED)))
    centres = np.stack([_centre(library.unit[loved[clusters == number]]) for number in range(clusters.max() + 1)])
    similarity = library.search(request.hub_correction).similarity_to(centres)[:, rows].astype(np.float64)
    nearest = similarity.argmax(axis=0)  # a song is in one mix
    request = replace(request, top=request.top or (None if request.minutes else USUAL_TOP))
    listings, names = list[Listing](), set[str]()
    for number in range(len(centres)):
        here = rows[nearest == number]
        if not len(here):
            continue
        alike = as_share(similarity[number, nearest == number])
        parts = weighted(
            request, {"similarity": 0.5, "taste": 0.5}, {"similarity": alike, "taste": library.taste[here]}
        )
        title = what_they_share(library, loved[clusters == number], names)
        names.add(title)
        place = f"{request.file_name}-{len(listings) + 1}"
        listings.append(
            pick(library, replace(request, title=""), f"{request.title or 'Mix'}: {title}", here, parts, place)
        )
    return listings


def cluster(unit: Matrix, count: int) -> Rows:
    """Return the cluster (M,) of each song by k-means on the sphere, the largest being 0; nothing is left to chance.

    The first centre is the song nearest to the mean, each next the one farthest from all before.
    """
    centres = [int((unit @ unit.mean(axis=0)).argmax())]
    while len(centres) < min(count, len(unit)):
        centres.append(int((unit @ unit[centres].T).max(axis=1).argmin()))
    middle, labels = unit[centres], np.zeros(len(unit), dtype=np.intp)
    for _ in range(ROUNDS):
        found = (unit @ middle.T).argmax(axis=1)
        if (found == labels).all() and _ > 0:
            break
        labels = found
        middle = np.stack(
            [_centre(unit[labels == n]) if (labels == n).any() else middle[n] for n in range(len(middle))]
        )
    sizes = np.bincount(labels, minlength=len(middle))
    order = np.argsort(-sizes, kind="stable")
    return np.argsort(order, kind="stable")[labels]


def what_they_share(library: Library, rows: Rows, taken: set[str]) -> str:
    """Return a name for songs that is not taken: their genre, their decade, or else the artists that most are by."""
    songs = [library.recordings[row].song for row in rows.tolist()]
    shared = []
    genre, count = Counter(song.genre for song in songs).most_common(1)[0]
    if genre and count >= TELLING * len(songs):
        shared.append(genre)
    decade, count = (
        Counter(song.year // 10 * 10 for song in songs if song.year).most_common(1)[0]
        if any(song.year for song in songs)
        else (0, 0)
    )
    if count >= TELLING * len(songs):
        shared.append(f"{decade}s")
    artists = [artist for artist, _ in Counter(song.artist for song in songs if song.artist).most_common(2)]
    by = " and ".join(artists) or songs[0].label
    name = ", ".join(shared)
    return name if name and name not in taken else f"{name}, {by}" if name else by


def _centre(unit: Matrix) -> Matrix:
    middle: Matrix = unit.mean(axis=0)
    return middle / (np.linalg.norm(middle) or 1.0)
