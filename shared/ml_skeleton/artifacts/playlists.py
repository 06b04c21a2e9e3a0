"""Playlists: lists of songs and why each is in them, and how they are read. Written by recommend.

playlist_forms holds the forms they are written in, playlist_files the files. A
playlist points to files, not into them, so tracks of a cue sheet cannot be in one.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ml_skeleton.artifacts.provenance import Provenance, parse_provenance, require
from ml_skeleton.artifacts.songs import Song
from ml_skeleton.errors import InputError

KIND = "playlist"
FORMAT = 2
MADE_BY = "recommend CLASSIFIER"
SHARES = ("taste", "similarity", "freshness", "doubt")


@dataclass(frozen=True)
class RatedNeighbour:
    """A song that the listener rated, as the reason for another one."""

    song: Song
    stars: float  # that the listener gave, 0 to 5
    similarity: float  # to the song of the playlist: cosine, -1 to 1, or with --hub-correction mutual proximity, 0 to 1


@dataclass(frozen=True)
class Why:
    """Why a song is in a playlist: what its score is made of, and what the listener said of songs like it.

    The shares are of the score, 0 to 1, and add up to 1.
    """

    taste: float  # stars that are expected
    similarity: float  # to the songs that the playlist was asked for with
    freshness: float  # how long it was not played
    doubt: float  # how much a rating of it would teach
    nearest: tuple[RatedNeighbour, ...] = ()  # three rated songs that sound most like it, nearest first


@dataclass(frozen=True)
class Entry:
    """One song of a playlist, how many stars the model expects, and why it is there."""

    song: Song
    stars: float  # 0 to 5
    stars_low: float | None = None  # the interval that holds 80 % of such songs' stars; None if none was made
    stars_high: float | None = None
    score: float | None = None  # 0 to 1, what it was chosen by
    why: Why | None = None


@dataclass(frozen=True)
class Playlist:
    """A named list, best first."""

    name: str  # of the files, without suffix
    title: str
    entries: Sequence[Entry]
    provenance: Provenance


@dataclass(frozen=True)
class WrittenPlaylist:
    """A list that lies in a folder."""

    name: str
    title: str
    tracks: Sequence[dict[str, Any]]  # as its JSON holds them
    versions: Sequence[str]  # of the embeddings that it was made from


def read_playlists(folder: Path) -> list[WrittenPlaylist]:
    """Return the playlists that lie in a folder, by name; JSON of other programs is passed over."""
    found = []
    for path in sorted(folder.glob("*.json")):
        try:
            provenance, tracks = read_playlist(path)
        except InputError:
            continue
        title = str(provenance.settings.get("title") or path.stem)
        versions = [parent.part for parent in provenance.parents if parent.kind == "embeddings" and parent.part]
        found.append(WrittenPlaylist(path.stem, title, tracks, versions))
    return found


def read_playlist(path: Path) -> tuple[Provenance, list[dict[str, Any]]]:
    """Return what NAME.json holds: the provenance and the tracks."""
    try:
        fields = json.loads(path.read_text(encoding="utf-8"))
        provenance = parse_provenance(json.dumps(fields["ml_skeleton"]), path)
        tracks = fields["tracks"]
    except FileNotFoundError:
        raise InputError(f"{path}: no such playlist; make it with: {MADE_BY}") from None
    except (ValueError, KeyError, TypeError):
        raise InputError(f"{path}: not a playlist of these tools; make it again with: {MADE_BY}") from None
    require(provenance, path, KIND, FORMAT, MADE_BY)
    return provenance, tracks
