"""Whole albums, the one with the most stars a song first."""

from pathlib import PurePath

import numpy as np

from ml_skeleton_recommend.candidates import Candidates
from ml_skeleton_recommend.choosing import vary
from ml_skeleton_recommend.library import NO_ARTIST, Library, Rows
from ml_skeleton_recommend.listing import Listing, limits_of, listing, weighted
from ml_skeleton_recommend.request import Request

FEWEST = 3  # songs that make an album
KNOWN = 0.5  # of an album may be rated, or the listener knows it


def album(candidates: Candidates) -> list[Listing]:
    """Return whole albums that the listener does not know well, each in the order of its files.

    An album is listed whole or not at all; the first one may be longer than asked for.
    """
    library, request = candidates.library, candidates.request
    rows = candidates.some(library.albums != NO_ARTIST, "no album")
    rows = rows[np.isin(library.albums[rows], little_known(library, rows))]
    rows = rows if len(rows) else candidates.some(np.zeros(len(library.albums), dtype=np.bool_), "no album to discover")
    keys, album_of = np.unique(library.albums[rows], return_inverse=True)
    mean = np.bincount(album_of, library.taste[rows]) / np.bincount(album_of)
    ranked = np.argsort(-vary(mean, request.variation, request.seed), kind="stable")
    parts = weighted(request, {"taste": 1.0}, {"taste": mean[album_of]})
    order = whole_albums(library, rows, [np.flatnonzero(album_of == place) for place in ranked[: len(keys)]], request)
    return [listing(request.file_name, request.title or "Albums to discover", rows, parts, order)]


def little_known(library: Library, rows: Rows) -> Rows:
    """Return the albums of three songs and more of which at most half is rated."""
    albums = library.albums[rows]
    keys, counts = np.unique(albums, return_counts=True)
    rated = np.array([library.rated[rows][albums == key].mean() for key in keys])
    return keys[(counts >= FEWEST) & (rated <= KNOWN)]


def whole_albums(library: Library, rows: Rows, albums: list[Rows], request: Request) -> list[int]:
    """Return places among `rows` of as many whole albums as fit, no recording twice."""
    limits, order, artists, seconds = limits_of(request), list[int](), list[int](), 0.0
    for places in albums:
        new = once(library.groups[rows], in_order_of_files(library, rows, places), order)
        artist, length = int(library.artists[rows[places[0]]]), float(library.lengths_s[rows[new]].sum())
        if len(new) < FEWEST or (limits.per_artist and artists.count(artist) >= limits.per_artist):
            continue
        full = limits.songs is not None and len(order) + len(new) > limits.songs
        if order and (full or (limits.seconds is not None and seconds + length > limits.seconds)):
            continue
        order, seconds = [*order, *new], seconds + length
        artists.append(artist)
    return order


def once(groups: Rows, places: list[int], before: list[int]) -> list[int]:
    """Return the places of which none sounds like one before it, nor like those `before`."""
    heard, new = {int(groups[place]) for place in before}, list[int]()
    for place in places:
        if int(groups[place]) not in heard:
            heard.add(int(groups[place]))
            new.append(place)
    return new


def in_order_of_files(library: Library, rows: Rows, places: Rows) -> list[int]:
    """Return places by folder and file name, which number albums; the snapshot of songs has no track numbers."""
    return sorted(places.tolist(), key=lambda place: PurePath(library.recordings[int(rows[place])].song.path).parts)
