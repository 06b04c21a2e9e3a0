"""Makes playlists of a library: from requests to lists with their reasons, and from those to files."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from ml_skeleton.artifacts.playlist_files import (
    DAY_S,
    USUAL_FORMS,
    add_to_history,
    is_written,
    listed_between,
    remove_playlist,
    write_playlist,
)
from ml_skeleton.artifacts.playlist_forms import AS_THE_PLAYER, Places
from ml_skeleton.artifacts.playlists import FORMAT, KIND, Entry, Playlist, RatedNeighbour, Why
from ml_skeleton.artifacts.provenance import Provenance
from ml_skeleton.errors import InputError
from ml_skeleton.music.scores import STARS

from ml_skeleton_recommend.candidates import find_candidates
from ml_skeleton_recommend.kinds import KINDS
from ml_skeleton_recommend.library import Library, nearest_rated
from ml_skeleton_recommend.listing import Listing
from ml_skeleton_recommend.request import PARTS, Request

TOOL = "recommend"
EDITION_S = DAY_S / 2  # a list made so lately is the same edition: to make it again does not use up its songs
REASONS = 3  # rated songs named for each song


@dataclass(frozen=True)
class Output:
    """Where lists go, and in which forms."""

    folder: Path
    forms: tuple[str, ...] = USUAL_FORMS
    places: Places = AS_THE_PLAYER


@dataclass(frozen=True)
class Made:
    """The lists of one request, most often one."""

    request: Request
    playlists: list[Playlist]
    left_out: dict[str, int]  # unrated songs, by reason

    def __str__(self) -> str:
        entries = self.playlists[0].entries
        total = sum(len(playlist.entries) for playlist in self.playlists)
        lists = f" in {len(self.playlists)} lists" if len(self.playlists) > 1 else ""
        left_out = "".join(f"; {number} left out {reason}" for reason, number in self.left_out.items() if number)
        count = "1 song" if total == 1 else f"{total} songs"
        return (
            f"{self.request.file_name}: {count}{lists}, the first with {entries[0].stars:.2f} expected stars{left_out}"
        )


def make(library: Library, request: Request, folder: Path, now: float | None = None) -> Made:
    """Return the lists of a request; nothing is written.

    `folder` is asked what was listed lately, if the request wants fresh songs. Raises
    InputError when there is no song to list.
    """
    now = time.time() if now is None else now
    candidates = find_candidates(library, request, held_back(request, folder, now))
    listings = [listing for listing in KINDS[request.kind](candidates) if listing.rows]
    if not listings:
        raise InputError(f"{library.path}: {request.file_name}: no song fits; loosen its limits")
    return Made(request, [playlist_of(library, request, one) for one in listings], candidates.left_out)


def held_back(request: Request, folder: Path, now: float) -> set[str]:
    """Return the audio_id of what earlier editions of the list held, as far back as songs must be fresh."""
    if not request.fresh_days:
        return set()
    return listed_between(folder, request.file_name, now - request.fresh_days * DAY_S, now - EDITION_S)


def playlist_of(library: Library, request: Request, listing: Listing) -> Playlist:
    """Return the playlist of a listing, each song with its reasons; the same inputs give the same bytes."""
    made_at = library.classifier.provenance.created  # not now
    settings = {**request.settings(), "title": listing.title}
    provenance = Provenance(KIND, FORMAT, TOOL, settings, request.seed, library.parents, created=made_at)
    return Playlist(listing.name, listing.title, entries_of(library, listing, request.hub_correction), provenance)


def entries_of(library: Library, listing: Listing, hub_correction: bool) -> list[Entry]:
    """Return the songs of a listing with what is expected of them and why they are there."""
    near = nearest_rated(library, listing.rows, REASONS, hub_correction=hub_correction)
    scores = np.sum(list(listing.parts.values()), axis=0)
    entries = []
    for place, row in enumerate(listing.rows):
        nearest = tuple(
            RatedNeighbour(library.recordings[other].song, round(STARS * float(library.ratings[other]), 1), alike)
            for other, alike in zip(near.rows[place].tolist(), near.similarity[place].tolist(), strict=True)
            if np.isfinite(alike)
        )
        score = float(scores[place])
        shares = {part: float(listing.parts[part][place]) / score if score else 0.0 for part in PARTS}
        stars, low, high = (STARS * library.expected[:, row]).tolist()
        entries.append(Entry(library.recordings[row].song, stars, low, high, score, Why(**shares, nearest=nearest)))
    return entries


def write(made: Sequence[Made], output: Output, force: bool = False, now: float | None = None) -> int:
    """Write the lists that are not there already, each file at once or not at all, and return how many were written.

    Lists of a series that has become shorter are removed.
    """
    playlists = [playlist for one in made for playlist in one.playlists]
    new = [one for one in playlists if force or not is_written(output.folder, one, output.forms, output.places)]
    for playlist in new:
        write_playlist(output.folder, playlist, output.forms, output.places)
    for one in made:
        number = len(one.playlists) + 1
        while one.playlists[0].name != one.request.file_name and remove_playlist(
            output.folder, f"{one.request.file_name}-{number}"
        ):
            number += 1
    if new:
        add_to_history(output.folder, new, time.time() if now is None else now)
    return len(new)
