"""Playlists: the same list as XSPF and M3U8 for players, CSV for spreadsheets and JSON for programs.

XSPF (xspf.org, version 1) and M3U8 name each file as the player's database does,
so that the player finds it wherever the list was made. A playlist points to
files, not into them, so tracks of a cue sheet cannot be in one.
"""

import csv
import io
import json
import re
import xml.etree.ElementTree as ET
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, unquote_to_bytes

from ml_skeleton.artifacts.files import write_text
from ml_skeleton.artifacts.provenance import Provenance, parse_provenance, require
from ml_skeleton.artifacts.songs import Song
from ml_skeleton.errors import InputError, UserError

KIND = "playlist"
FORMAT = 2
MADE_BY = "recommend CLASSIFIER"
SUFFIXES = ("xspf", "m3u8", "csv", "json")
XSPF_NAMESPACE = "http://xspf.org/ns/0/"
PROVENANCE_REL = "urn:ml-skeleton:provenance"
NOT_IN_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
STARS = ("stars", "stars_low", "stars_high")
SHARES = ("taste", "similarity", "freshness", "doubt")
LEAST_SHARE = 0.005  # of a score, to be spoken of
CSV_COLUMNS = ("rank", *STARS, "artist", "album", "title", "path")


@dataclass(frozen=True)
class RatedNeighbour:
    """A song that the listener rated, as the reason for another one."""

    song: Song
    stars: float  # that the listener gave, 0 to 5
    similarity: float  # to the song of the playlist, cosine of standardised vectors, -1 to 1


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


def write_playlist(folder: Path, playlist: Playlist) -> list[Path]:
    """Write NAME.xspf, .m3u8, .csv and .json to `folder` and return their paths; the same list gives the same bytes."""
    if (folder / "songs.parquet").exists():
        raise UserError(f"{folder}: a crops folder, expected one for playlists; name another with --out")
    writers = (_xspf, _m3u8, _csv, _json)  # JSON last: what it says of the others is then true
    paths = [folder / f"{playlist.name}.{suffix}" for suffix in SUFFIXES]
    for path, write in zip(paths, writers, strict=True):
        write_text(path, write(playlist))
    return paths


def is_written(folder: Path, name: str, purpose: str) -> bool:
    """Return whether all files of the playlist are there and were written for that purpose (a setting of theirs)."""
    if not all((folder / f"{name}.{suffix}").exists() for suffix in SUFFIXES):
        return False
    try:
        return read_playlist(folder / f"{name}.json")[0].settings.get("purpose") == purpose
    except InputError:  # damaged, or of an older format: it is written anew
        return False


def read_playlist(path: Path) -> tuple[Provenance, list[dict[str, object]]]:
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


def location(song: Song) -> str:
    """Return the song's URL, percent-encoded wherever RFC 3986 asks for it."""
    url = song.url if song.url.startswith("file:") else "file://" + quote(song.url)
    return quote(url, safe="%:/?#[]@!$&'()*+,;=~")


def _xspf(playlist: Playlist) -> str:
    ET.register_namespace("", XSPF_NAMESPACE)
    root = ET.Element(_tag("playlist"), version="1")
    _child(root, "title", playlist.title)
    _child(root, "meta", playlist.provenance.to_json()).set("rel", PROVENANCE_REL)
    tracks = ET.SubElement(root, _tag("trackList"))
    for entry in playlist.entries:
        track, song = ET.SubElement(tracks, _tag("track")), entry.song
        _child(track, "location", location(song))
        for name, text in (("title", song.title), ("creator", song.artist)):
            _child(track, name, text)
        _child(track, "annotation", explanation(entry))
        _child(track, "album", song.album)
        if song.length_s:
            _child(track, "duration", str(round(song.length_s * 1000)))  # ms
    ET.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(root, encoding="unicode") + "\n"


def _m3u8(playlist: Playlist) -> str:
    lines = ["#EXTM3U", f"#PLAYLIST:{_one_line(playlist.title)}", f"#ML_SKELETON:{playlist.provenance.to_json()}"]
    for entry in playlist.entries:
        length = round(entry.song.length_s) if entry.song.length_s else -1
        lines += [f"#EXTINF:{length},{_one_line(entry.song.label)}", _m3u8_location(entry.song)]
    return "\n".join(lines) + "\n"


def _m3u8_location(song: Song) -> str:
    """Return the plain path, or the URL for a name that would break a line or is no UTF-8."""
    try:
        path = unquote_to_bytes(location(song).removeprefix("file://")).decode("utf-8")
    except UnicodeDecodeError:
        return location(song)
    plain = path.isprintable() and path == path.strip()
    return path if plain else location(song)


def _csv(playlist: Playlist) -> str:
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow(CSV_COLUMNS)
    for rank, entry in enumerate(playlist.entries, 1):
        song = entry.song
        expected = ["" if stars is None else f"{stars:.2f}" for stars in _stars(entry)]
        rows.writerow([rank, *expected, song.artist, song.album, song.title, song.path])
    return text.getvalue()


def _json(playlist: Playlist) -> str:
    tracks = [
        {
            "rank": rank,
            **dict(zip(STARS, [stars if stars is None else round(stars, 4) for stars in _stars(entry)], strict=True)),
            "artist": entry.song.artist,
            "album": entry.song.album,
            "title": entry.song.title,
            "url": entry.song.url,
            "path": entry.song.path,
            "song_id": entry.song.song_id,
            "audio_id": entry.song.audio_id,
            "score": None if entry.score is None else round(entry.score, 4),
            "why": _why(entry.why),
        }
        for rank, entry in enumerate(playlist.entries, 1)
    ]
    fields = {"ml_skeleton": json.loads(playlist.provenance.to_json()), "title": playlist.title, "tracks": tracks}
    return json.dumps(fields, indent=1, ensure_ascii=False) + "\n"


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


def _why(why: Why | None) -> dict[str, object] | None:
    if why is None:
        return None
    nearest = [
        {
            "stars": near.stars,
            "similarity": round(near.similarity, 4),
            "artist": near.song.artist,
            "album": near.song.album,
            "title": near.song.title,
            "url": near.song.url,
            "path": near.song.path,
            "song_id": near.song.song_id,
            "audio_id": near.song.audio_id,
        }
        for near in why.nearest
    ]
    return {"shares": {share: round(getattr(why, share), 4) for share in SHARES}, "nearest": nearest}


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
