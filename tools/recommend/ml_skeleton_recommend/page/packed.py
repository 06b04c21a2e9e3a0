"""The library as a page carries it: repeated texts once, numbers as typed arrays in base64."""

import base64
import posixpath
from collections.abc import Iterable, Sequence
from typing import Any
from urllib.parse import quote_from_bytes

import numpy as np
import numpy.typing as npt
from ml_skeleton.artifacts.playlist_forms import NOT_UTF8, file_here
from ml_skeleton.artifacts.playlists import WrittenPlaylist

from ml_skeleton_recommend.page.seen import SeenLibrary

UNRATED, UNKNOWN_YEAR = 255, 0
HUNDREDTHS = 100
FINEST = 65535  # steps across the map: finer than the pixels of any screen


def packed_library(seen: SeenLibrary) -> dict[str, Any]:
    """Return what library.js unpacks."""
    songs = [recording.song for recording in seen.recordings]
    ratings = [UNRATED if one.rating is None else round(one.rating * 10) for one in seen.recordings]
    folders, names = zip(*(posixpath.split(song.path) for song in songs), strict=True)
    row_of = {recording.audio_id: row for row, recording in enumerate(seen.recordings)}
    return {
        "title": [song.title or name for song, name in zip(songs, names, strict=True)],
        "file": names,
        "folder": _dictionary(folders),
        "odd": {row: quote_from_bytes(file_here(song)) for row, song in enumerate(songs) if NOT_UTF8 in song.path},
        "artist": _dictionary(song.artist or song.albumartist for song in songs),
        "album": _dictionary(song.album for song in songs),
        "genre": _dictionary(song.genre for song in songs),
        "year": _packed([song.year or UNKNOWN_YEAR for song in songs], np.uint16),
        "song_id": _packed([song.song_id for song in songs], np.uint32),
        "start": _packed([song.start_s for song in songs], np.float32),
        "length": _packed([song.length_s or 0 for song in songs], np.float32),
        "rating": _packed(ratings, np.uint8),
        "stars": _packed(np.rint(seen.stars * HUNDREDTHS), np.uint16),
        "place": _packed(_on_a_grid(seen.map.places), np.uint16),
        "neighbours": _rows(seen.map.neighbours),
        "proximity": _percent(seen.map.proximity),
        "nearest_rated": _rows(np.where(seen.nearest_rated < 0, len(songs), seen.nearest_rated)),
        "likeness": _percent(seen.likeness),
        "artists": _artists(seen),
        "playlists": [_playlist(playlist, row_of) for playlist in seen.playlists],
    }


def _artists(seen: SeenLibrary) -> dict[str, Any]:
    number = {artist: place for place, artist in enumerate(seen.map.artists.tolist())}
    drawn = [number.get(recording.artist, len(number)) for recording in seen.recordings]
    return {
        "of_song": _rows(np.array(drawn)),
        "place": _packed(seen.map.artist_places, np.float32),
        "links": _packed(seen.map.artist_links, np.uint16),
    }


def _playlist(playlist: WrittenPlaylist, row_of: dict[str, int]) -> dict[str, Any]:
    """Return the tracks that the map knows, each with what its score is made of."""
    tracks = [
        [row_of[track["audio_id"]], track.get("score"), (track.get("why") or {}).get("shares")]
        for track in playlist.tracks
        if track["audio_id"] in row_of
    ]
    return {"name": playlist.name, "title": playlist.title, "tracks": tracks}


def _dictionary(texts: Iterable[str]) -> dict[str, Any]:
    """Return the different texts, the commonest first, and which of them each song has."""
    given = list(texts)
    counts: dict[str, int] = {}
    for text in given:
        counts[text] = counts.get(text, 0) + 1
    order = sorted(counts, key=lambda text: (-counts[text], text))
    number = {text: place for place, text in enumerate(order)}
    return {"texts": order, "of_song": _rows(np.array([number[text] for text in given]))}


def _on_a_grid(places: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Return places from 0 to FINEST, the picture's proportions kept."""
    low, extent = places.min(axis=0), float(np.ptp(places, axis=0).max()) or 1.0
    margin = (extent - np.ptp(places, axis=0)) / 2
    grid: npt.NDArray[np.float32] = np.rint((places - low + margin) / extent * FINEST)
    return grid


def _rows(rows: npt.NDArray[Any]) -> dict[str, str]:
    """Return row numbers in two bytes each where they fit."""
    return _packed(rows, np.uint16 if rows.max(initial=0) <= FINEST else np.uint32)


def _percent(shares: npt.NDArray[np.floating[Any]]) -> dict[str, str]:
    return _packed(np.rint(shares * 100), np.int8)


def _packed(numbers: Sequence[float] | npt.NDArray[Any], kind: type[np.generic]) -> dict[str, str]:
    """Return numbers, row after row, as JavaScript's typed arrays hold them on every machine there is today."""
    array = np.asarray(numbers).astype(np.dtype(kind).newbyteorder("<"))
    return {"type": np.dtype(kind).name.capitalize(), "data": base64.b64encode(array.tobytes()).decode()}
