"""The forms of a playlist: XSPF and M3U8 for players, CSV for spreadsheets, JSON and Parquet for programs.

XSPF (xspf.org, version 1) and M3U8 name each file as the player's database does,
so that the player finds it wherever the list was made; Places says otherwise.
"""

import csv
import io
import json
import os
import re
import xml.etree.ElementTree as ET
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import quote, quote_from_bytes, unquote_to_bytes

import pyarrow as pa
import pyarrow.parquet as pq

from ml_skeleton.artifacts.parquet import metadata_of
from ml_skeleton.artifacts.playlists import SHARES, Entry, Playlist, RatedNeighbour, Why
from ml_skeleton.artifacts.songs import Song
from ml_skeleton.path_map import PathMap

XSPF_NAMESPACE = "http://xspf.org/ns/0/"
PROVENANCE_REL = "urn:ml-skeleton:provenance"
NOT_IN_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
STARS = ("stars", "stars_low", "stars_high")
CSV_COLUMNS = ("rank", *STARS, "artist", "album", "title", "path")
LEAST_SHARE = 0.005  # of a score, to be spoken of
NOT_UTF8 = "\N{REPLACEMENT CHARACTER}"  # what a path shows for bytes that are not
NO_MAP = PathMap()

_SONG_FIELDS = [("artist", pa.string()), ("album", pa.string()), ("title", pa.string()), ("url", pa.string())]
_SONG_FIELDS += [("path", pa.string()), ("song_id", pa.int64()), ("audio_id", pa.string())]
_NEAREST = pa.list_(pa.struct([("stars", pa.float64()), ("similarity", pa.float64()), *_SONG_FIELDS]))
_SHARES = pa.struct([(share, pa.float64()) for share in SHARES])
PARQUET_SCHEMA = pa.schema(
    [
        ("rank", pa.int32()),
        *((name, pa.float64()) for name in STARS),
        *_SONG_FIELDS,
        ("score", pa.float64()),
        ("why", pa.struct([("shares", _SHARES), ("nearest", _NEAREST)])),
    ]
)


@dataclass(frozen=True)
class Places:
    """How XSPF and M3U8 name files."""

    style: str = "player"  # as the database does; absolute: as this machine does; relative: to the playlist
    path_map: PathMap = NO_MAP  # by which absolute paths go back to those of the host
    folder: Path = Path()  # of the playlist

    def url(self, song: Song) -> str:
        """Return the song's URL, or its reference relative to the playlist."""
        if self.style == "player":
            return location(song)
        path = self._path(song)
        return quote_from_bytes(path) if self.style == "relative" else "file://" + quote_from_bytes(path)

    def path(self, song: Song) -> str:
        """Return the plain path, or the whole URL for a name that would break a line or is no UTF-8."""
        try:
            raw = _spelt(song) if self.style == "player" else self._path(song)
            path = raw.decode("utf-8")
        except UnicodeDecodeError:
            return self._whole_url(song)
        if not (path.isprintable() and path == path.strip()):
            return self._whole_url(song)
        return f"./{path}" if path.startswith("#") else path  # else it would be a comment

    def _whole_url(self, song: Song) -> str:
        """Return the URL, never a relative one: players take that for the name of a file."""
        return replace(self, style="absolute").url(song) if self.style == "relative" else self.url(song)

    def _path(self, song: Song) -> bytes:
        here = file_here(song)
        if self.style == "relative":
            return os.path.relpath(here, os.fsencode(self.folder.resolve()))
        return self.path_map.on_host(here)


AS_THE_PLAYER = Places()


def location(song: Song) -> str:
    """Return the song's URL, percent-encoded wherever RFC 3986 asks for it."""
    url = song.url if song.url.startswith("file:") else "file://" + quote(song.url)
    return quote(url, safe="%:/?#[]@!$&'()*+,;=~")


def file_here(song: Song) -> bytes:
    """Return the path of the song's file here, also where only the URL spells its name, as it is no UTF-8."""
    if NOT_UTF8 not in song.path:
        return os.fsencode(song.path)
    spelt = _spelt(song).split(b"/")
    shown = song.path.split("/")
    same = 0  # names at the end that both have; before them a path map may have changed the folders
    while same < min(len(spelt), len(shown)) and _looks(spelt[-1 - same], shown[-1 - same]):
        same += 1
    return b"/".join([*map(os.fsencode, shown[: len(shown) - same]), *spelt[len(spelt) - same :]])


def _spelt(song: Song) -> bytes:
    """Return the path in the player's URL."""
    return unquote_to_bytes(location(song).removeprefix("file://"))


def _looks(name: bytes, shown: str) -> bool:
    return name.decode("utf-8", "replace") == shown


def xspf(playlist: Playlist, places: Places) -> bytes:
    """Return XSPF, valid against its schema."""
    ET.register_namespace("", XSPF_NAMESPACE)
    root = ET.Element(_tag("playlist"), version="1")
    _child(root, "title", playlist.title)
    _child(root, "meta", playlist.provenance.to_json()).set("rel", PROVENANCE_REL)
    tracks = ET.SubElement(root, _tag("trackList"))
    for entry in playlist.entries:
        track, song = ET.SubElement(tracks, _tag("track")), entry.song
        _child(track, "location", places.url(song))
        for name, text in (("title", song.title), ("creator", song.artist)):
            _child(track, name, text)
        _child(track, "annotation", explanation(entry))
        _child(track, "album", song.album)
        if song.length_s:
            _child(track, "duration", str(round(song.length_s * 1000)))  # ms
    ET.indent(root)
    text = '<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(root, encoding="unicode") + "\n"
    return _encoded(text)


def m3u8(playlist: Playlist, places: Places) -> bytes:
    """Return extended M3U in UTF-8."""
    lines = ["#EXTM3U", f"#PLAYLIST:{_one_line(playlist.title)}", f"#ML_SKELETON:{playlist.provenance.to_json()}"]
    for entry in playlist.entries:
        length = round(entry.song.length_s) if entry.song.length_s else -1
        lines += [f"#EXTINF:{length},{_one_line(entry.song.label)}", places.path(entry.song)]
    return _encoded("\n".join(lines) + "\n")


def table(playlist: Playlist, places: Places) -> bytes:
    """Return CSV."""
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow(CSV_COLUMNS)
    for rank, entry in enumerate(playlist.entries, 1):
        song = entry.song
        expected = ["" if stars is None else f"{stars:.2f}" for stars in _stars(entry)]
        rows.writerow([rank, *expected, song.artist, song.album, song.title, song.path])
    return _encoded(text.getvalue())


def parquet(playlist: Playlist, places: Places) -> bytes:
    """Return Parquet of PARQUET_SCHEMA."""
    content = pa.BufferOutputStream()
    schema = PARQUET_SCHEMA.with_metadata(metadata_of(playlist.provenance))
    pq.write_table(pa.Table.from_pylist(tracks_of(playlist), schema=schema), content)
    return bytes(content.getvalue())


def json_text(playlist: Playlist, places: Places) -> bytes:
    """Return JSON."""
    provenance = json.loads(playlist.provenance.to_json())
    fields = {"ml_skeleton": provenance, "title": playlist.title, "tracks": tracks_of(playlist)}
    return _encoded(json.dumps(fields, indent=1, ensure_ascii=False) + "\n")


FORMS = {"xspf": xspf, "m3u8": m3u8, "csv": table, "parquet": parquet, "json": json_text}


def tracks_of(playlist: Playlist) -> list[dict[str, Any]]:
    """Return the songs of a list as JSON values."""
    return [_track(rank, entry) for rank, entry in enumerate(playlist.entries, 1)]


def _track(rank: int, entry: Entry) -> dict[str, Any]:
    stars = [None if value is None else round(value, 4) for value in _stars(entry)]
    score = None if entry.score is None else round(entry.score, 4)
    expected = dict(zip(STARS, stars, strict=True))
    return {"rank": rank, **expected, **_song(entry.song), "score": score, "why": _why(entry.why)}


def _song(song: Song) -> dict[str, Any]:
    return {name: getattr(song, name) for name, _ in _SONG_FIELDS}


def explanation(entry: Entry) -> str:
    """Return for a person why the song is there, in one line."""
    text = f"{entry.stars:.2f} stars expected"
    if entry.stars_low is not None and entry.stars_high is not None:
        text += f" ({entry.stars_low:.1f} to {entry.stars_high:.1f})"
    if entry.why is None:
        return text
    shares = {share: getattr(entry.why, share) for share in SHARES}
    text += "; " + ", ".join(f"{value:.0%} {share}" for share, value in shares.items() if value >= LEAST_SHARE)
    known = [f"{near.song.label} ({near.stars:.1f} stars)" for near in entry.why.nearest]
    return text + (f"; sounds like {', '.join(known)}" if known else "")


def _why(why: Why | None) -> dict[str, Any] | None:
    if why is None:
        return None
    shares = {share: round(getattr(why, share), 4) for share in SHARES}
    return {"shares": shares, "nearest": [_neighbour(near) for near in why.nearest]}


def _neighbour(near: RatedNeighbour) -> dict[str, Any]:
    return {"stars": near.stars, "similarity": round(near.similarity, 4), **_song(near.song)}


def _stars(entry: Entry) -> tuple[float | None, ...]:
    return entry.stars, entry.stars_low, entry.stars_high


def _tag(name: str) -> str:
    return f"{{{XSPF_NAMESPACE}}}{name}"


def _child(parent: ET.Element, name: str, text: str) -> ET.Element:
    """Add an element; the XSPF schema has no place for empty ones, so "" adds none."""
    element = ET.SubElement(parent, _tag(name)) if text else ET.Element(_tag(name))
    element.text = NOT_IN_XML.sub("\N{REPLACEMENT CHARACTER}", text)
    return element


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _encoded(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")  # names that are not UTF-8 keep their bytes
