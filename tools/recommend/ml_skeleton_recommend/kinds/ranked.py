"""Kinds that are a ranking of songs by themselves: best, sparse and rediscover."""

import numpy as np

from ml_skeleton_recommend.candidates import Candidates
from ml_skeleton_recommend.library import Floats, Library, Rows, nearest_rated
from ml_skeleton_recommend.listing import Listing, pick, weighted

LOVED = 0.8  # four stars
NEAREST = 5  # rated songs that tell how well a region is known
LONG_AGO_DAYS = 180.0


def best(candidates: Candidates) -> list[Listing]:
    """Return the unrated songs with the most expected stars."""
    library, request = candidates.library, candidates.request
    rows = candidates.unrated()
    parts = weighted(request, {"taste": 1.0}, {"taste": library.taste[rows]})
    return [pick(library, request, "Best songs not rated yet", rows, parts)]


def sparse(candidates: Candidates) -> list[Listing]:
    """Return unrated songs far from all rated ones, the liked ones among them first."""
    library, request = candidates.library, candidates.request
    rows = candidates.unrated()
    parts = {"doubt": ranks(-known_nearby(library, rows, request.hub_correction)), "taste": library.taste[rows]}
    return [
        pick(library, request, "Corners with few ratings", rows, weighted(request, {"doubt": 0.7, "taste": 0.3}, parts))
    ]


def rediscover(candidates: Candidates) -> list[Listing]:
    """Return songs that are loved, or expected to be, and were not played for half a year or never."""
    library, request = candidates.library, candidates.request
    liked = library.taste >= np.where(np.isnan(library.ratings), expected_of_loved(library), LOVED)
    rows = candidates.some(
        liked & (library.days_unplayed >= LONG_AGO_DAYS),
        f"no loved song that was not played for {LONG_AGO_DAYS:.0f} days",
    )
    days = library.days_unplayed[rows]
    parts = {"taste": library.taste[rows], "freshness": 1.0 - 1.0 / (1.0 + days / LONG_AGO_DAYS)}
    usual = {"taste": 0.6, "freshness": 0.4}
    return [pick(library, request, "Loved and not played for long", rows, weighted(request, usual, parts))]


def known_nearby(library: Library, rows: Rows, hub_correction: bool) -> Floats:
    """Return the mean similarity (M,) of songs to the five rated ones that sound most like them."""
    similarity = nearest_rated(library, rows, NEAREST, hub_correction=hub_correction).similarity
    return similarity.mean(axis=1) if similarity.shape[1] else np.zeros(len(rows))


def expected_of_loved(library: Library) -> float:
    """Return what is typically expected of songs that the listener gave four stars or more, 0 to 1.

    Expectations are drawn towards the mean, so few reach four stars even among loved songs.
    """
    loved = library.ratings >= LOVED
    return float(np.median(library.expected[0][loved])) if loved.any() else LOVED


def ranks(values: Floats) -> Floats:
    """Return the ranks of values as shares, 0 for the smallest and 1 for the largest."""
    order = np.argsort(np.argsort(values, kind="stable"), kind="stable")
    return order / max(len(values) - 1, 1)
