"""Kinds that begin with songs the listener names: like and path."""

from itertools import pairwise

import numpy as np
from ml_skeleton.music.neighbours import Search

from ml_skeleton_recommend.candidates import Candidates
from ml_skeleton_recommend.choosing import agreement, best_first, space
from ml_skeleton_recommend.library import Floats, Library, Rows
from ml_skeleton_recommend.listing import Listing, listing, pick, weighted
from ml_skeleton_recommend.seeds import find_seeds

PER_STEP = 40  # songs that are weighed for each step of a path
SAME_ARTIST = 0.3  # what a step to the same artist costs, as much as losing 0.3 of cosine


def like(candidates: Candidates) -> list[Listing]:
    """Return songs that are like all seeds at once, and unlike the songs to stay away from."""
    library, request = candidates.library, candidates.request
    seeds, others = find_seeds(library, request.songs), find_seeds(library, request.unlike)
    rows = candidates.not_disliked([*seeds, *others])
    search = library.search(request.hub_correction)
    alike = agreement(search.similarity_to(library.unit[seeds])[:, rows].astype(np.float64))
    if others:
        unlike = search.similarity_to(library.unit[others])[:, rows]
        alike = alike * (1.0 - np.max([as_share(similarity) for similarity in unlike], axis=0))
    parts = weighted(request, {"similarity": 0.5, "taste": 0.5}, {"similarity": alike, "taste": library.taste[rows]})
    names = " and ".join(library.recordings[seed].song.label for seed in seeds)
    return [pick(library, request, f"Like {names}", rows, parts)]


def path(candidates: Candidates) -> list[Listing]:
    """Return a way from one song to the other on which each song sounds like the one before."""
    library, request = candidates.library, candidates.request
    begin, end = find_seeds(library, request.songs)
    rows = candidates.not_disliked([begin, end])
    rows = rows[first_of_groups(library.groups[rows])]
    search = library.search(request.hub_correction)
    nearness, progress = along(search, begin, end, rows)
    parts = weighted(request, {"similarity": 0.9, "taste": 0.1}, {"similarity": nearness, "taste": library.taste[rows]})
    worth = np.sum(list(parts.values()), axis=0)
    way = smooth_way(
        library, search, rows, worth, progress, steps=request.most or steps_for(library, request.minutes or 0.0)
    )
    names = f"From {library.recordings[begin].song.label} to {library.recordings[end].song.label}"
    artists = library.artists[rows]
    return [listing(request.file_name, request.title or names, rows, parts, space(way, artists, gap=0))]


def along(search: Search, begin: int, end: int, rows: Rows) -> tuple[Floats, Floats]:
    """Return how near songs (M,) lie to the way between two, 0 to 1, and how far along it they are, 0 to 1."""
    similarity = search.similarity_to(search.unit[[begin, end]]).astype(np.float64)
    away = np.arccos(np.clip(similarity[:, rows], -1.0, 1.0))  # angles
    total = np.maximum(away.sum(axis=0), 1e-9)
    whole = float(np.arccos(np.clip(similarity[0, end], -1.0, 1.0)))
    return np.clip(1.0 - (total - whole) / np.pi, 0.0, 1.0), away[0] / total


def smooth_way(library: Library, search: Search, rows: Rows, worth: Floats, progress: Floats, steps: int) -> list[int]:
    """Return places among `rows`, one for each step that has a song: the way with the least sum of leaps (Viterbi)."""
    edges = np.quantile(progress, np.linspace(0, 1, steps + 1))  # as many songs at each step
    step_of = np.clip(np.searchsorted(edges, progress, side="right") - 1, 0, steps - 1)
    stages = []
    for step in range(steps):
        places = np.flatnonzero(step_of == step)
        if len(places):
            stages.append(places[best_first(worth[places])[:PER_STEP]])
    total, back = -worth[stages[0]], list[Rows]()
    for before, now in pairwise(stages):
        similarity = search.similarity_between(rows[before], rows[now])
        artists = library.artists[rows]
        same = (artists[before][:, None] == artists[now][None]) & (artists[now] >= 0)
        cost = total[:, None] + (1.0 - similarity) + SAME_ARTIST * same
        back.append(cost.argmin(axis=0))
        total = cost.min(axis=0) - worth[now]
    place = int(total.argmin())
    way = [int(stages[-1][place])]
    for stage, links in zip(reversed(stages[:-1]), reversed(back), strict=True):
        place = int(links[place])
        way.append(int(stage[place]))
    return way[::-1]


def steps_for(library: Library, minutes: float) -> int:
    """Return how many songs of usual length fill the minutes."""
    return max(1, round(minutes * 60 / float(np.median(library.lengths_s))))


def first_of_groups(groups: Rows) -> Rows:
    """Return the first place of each group, in rising order."""
    return np.sort(np.unique(groups, return_index=True)[1])


def as_share(similarity: Floats) -> Floats:
    """Return what is positive of similarities as a share of the largest, 0 to 1."""
    positive = np.maximum(similarity, 0.0)
    return positive / (positive.max() or 1.0)
