"""A listing: rows of the library in the order they are to be heard, and what the score of each is made of."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from ml_skeleton_recommend.choosing import Crowd, Limits, arc, choose, space, vary
from ml_skeleton_recommend.energy import energy_of
from ml_skeleton_recommend.library import Floats, Library, Rows
from ml_skeleton_recommend.request import PARTS, Request

SECONDS_PER_MINUTE = 60.0


@dataclass(frozen=True)
class Listing:
    """One playlist before it is written."""

    name: str
    title: str
    rows: list[int]
    parts: dict[str, Floats]  # by part of the score, aligned with `rows`; weighted, so they add up to the score


def weighted(request: Request, usual: dict[str, float], parts: Mapping[str, Floats]) -> dict[str, Floats]:
    """Return the parts of the score (M,), each 0 to 1 before, times the weight it has in this request."""
    weights = request.weights(usual)
    return {part: weights[part] * np.asarray(parts[part], dtype=np.float64) for part in usual}


def pick(
    library: Library, request: Request, title: str, rows: Rows, parts: dict[str, Floats], name: str = ""
) -> Listing:
    """Return the listing of the best of `rows` (M,) within the request's limits, artists apart."""
    scores = vary(np.sum(list(parts.values()), axis=0), request.variation, request.seed)
    artists, left = library.artists[rows], np.arange(len(rows))
    while True:
        chosen = left[_chosen(library, request, rows[left], scores[left])]
        order = space(chosen, artists)
        dropped = np.setdiff1d(chosen, order)
        if not len(dropped):
            break
        full = np.isin(artists[left], artists[dropped]) & ~np.isin(left, order)
        left = left[~full]  # others in place of those that would be a fourth in a row
    return listing(name or request.file_name, request.title or title, rows, parts, order)


def _chosen(library: Library, request: Request, rows: Rows, scores: Floats) -> Rows:
    """Return the places (K,) of the best of `rows` (M,) within the limits, in the order asked for."""
    crowd = crowd_of(library).at(rows)
    chosen = choose(scores, crowd, limits_of(request), lambda places: library.unit[rows[places]], request.diversity)
    return chosen[arc(energy_of(library, rows[chosen]))] if request.order == "arc" else chosen


def listing(name: str, title: str, rows: Rows, parts: Mapping[str, Floats], order: list[int]) -> Listing:
    """Return the listing of some of `rows` (M,), in that order, with their parts of the score."""
    kept = {part: parts[part][order] if part in parts else np.zeros(len(order)) for part in PARTS}
    return Listing(name, title, [int(rows[place]) for place in order], kept)


def crowd_of(library: Library) -> Crowd:
    """Return what limits go by, of all songs."""
    return Crowd(library.artists, library.albums, library.groups, library.lengths_s)


def limits_of(request: Request) -> Limits:
    """Return the limits of a request."""
    seconds = request.minutes * SECONDS_PER_MINUTE if request.minutes else None
    return Limits(request.most, seconds, request.per_artist, request.per_album)
