"""clementine.db: the player's own schema, version 51, and rows as the player writes them.

The schema is in schema.sql, without the player's full-text tables, which need a
tokenizer of its own. `songs.filename` holds a BLOB although it is declared TEXT,
`rating` a float32 in a column declared INTEGER.
"""

import sqlite3
import struct
from contextlib import closing
from dataclasses import dataclass
from importlib.resources import files
from os import fsencode
from pathlib import Path
from typing import Any
from urllib.parse import quote

from ml_skeleton.artifacts.files import complete_or_absent

SCHEMA_VERSION = 51
LITERAL = "/-._~!$&'()*+,;=:@[]"  # what Qt leaves as it is in the path of a URL, beside letters and digits
FILETYPES = {"flac": 2, "mp3": 5, "ogg": 8, "wav": 10, "opus": 13}
NS_PER_S = 1_000_000_000
UNKNOWN = -1
PLAYLIST = "Sunday Morning"


@dataclass(frozen=True)
class Row:
    """A row of `songs`, as far as rows differ."""

    title: str
    album: str
    artist: str
    albumartist: str
    track: int
    year: int
    genre: str
    compilation: bool
    length_ns: int
    bitrate: int  # kbit/s
    samplerate: int  # Hz
    path: Path
    mtime: int  # Unix time
    filesize: int  # bytes
    stars: float | None  # 0 to 5 in halves; None unrated
    playcount: int = 0
    skipcount: int = 0
    lastplayed: int = UNKNOWN
    score: float = 0.0  # 0 to 100
    beginning_ns: int = 0
    cue_path: Path | None = None
    unavailable: bool = False


def write_database(path: Path, music: Path, folders: dict[Path, int], rows: list[Row], playlist: list[int]) -> None:
    """Replace `path` by a database of the library in `music`.

    `folders` maps every folder to its Unix time; `playlist` names rows, the first being 1.
    """
    with complete_or_absent(path) as partial, closing(sqlite3.connect(partial)) as database:
        schema = files(__package__).joinpath("schema.sql").read_text(encoding="utf-8")
        database.executescript(f"BEGIN;\n{schema}")  # one transaction: else every statement waits for the disk
        database.execute("INSERT INTO schema_version VALUES (?)", (SCHEMA_VERSION,))
        database.execute("INSERT INTO directories VALUES (?, 1)", (str(music),))
        database.executemany(
            "INSERT INTO subdirectories VALUES (1, ?, ?)", [(str(folder), mtime) for folder, mtime in folders.items()]
        )
        for row in rows:
            _insert(database, "songs", _song_columns(row))
        _insert(
            database, "playlists", {"name": PLAYLIST, "last_played": 0, "ui_order": 0, "dynamic_playlist_backend": None}
        )
        for row_id in playlist:
            _insert(database, "playlist_items", _playlist_columns(row_id))
        database.commit()


def file_url(path: Path) -> bytes:
    """Return the URL of a file as the player stores it."""
    return b"file://" + quote(fsencode(path), safe=LITERAL).encode("ascii")


def stored_rating(stars: float | None) -> float:
    """Return what the player stores: -1, or a fifth of the stars in single precision (3.5 is 0.699999988079071)."""
    if stars is None:
        return UNKNOWN
    (single,) = struct.unpack("f", struct.pack("f", stars / 5))
    return float(single)


def _insert(database: sqlite3.Connection, table: str, columns: dict[str, Any]) -> None:
    marks = ", ".join("?" * len(columns))
    database.execute(f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({marks})", tuple(columns.values()))


def _song_columns(row: Row) -> dict[str, Any]:
    return _unknown_tags() | {
        "title": row.title,
        "album": row.album,
        "artist": row.artist,
        "albumartist": row.albumartist,
        "track": row.track,
        "year": row.year,
        "genre": row.genre,
        "compilation": int(row.compilation),
        "effective_compilation": int(row.compilation),
        "effective_albumartist": row.albumartist or row.artist,
        "length": row.length_ns,
        "bitrate": row.bitrate,
        "samplerate": row.samplerate,
        "directory": 1,
        "filename": file_url(row.path),
        "mtime": row.mtime,
        "ctime": row.mtime,
        "filesize": row.filesize,
        "filetype": FILETYPES[row.path.suffix[1:]],
        "rating": stored_rating(row.stars),
        "playcount": row.playcount,
        "skipcount": row.skipcount,
        "lastplayed": row.lastplayed,
        "score": row.score,
        "beginning": row.beginning_ns,
        "cue_path": None if row.cue_path is None else str(row.cue_path),
        "unavailable": int(row.unavailable),
    }


def _playlist_columns(row_id: int) -> dict[str, Any]:
    """Return an item that points to a song of the library; the player leaves the item's own copy of the tags unset."""
    numbers = dict.fromkeys(("length", "track", "year", "bitrate", "samplerate", "lastplayed", "rating"), UNKNOWN)
    texts = dict.fromkeys(("title", "artist", "album", "albumartist", "genre"), "")
    pointer = {"playlist": 1, "type": "Library", "library_id": row_id, "beginning": 0, "compilation": 0}
    return _unknown_tags() | numbers | texts | pointer


def _unknown_tags() -> dict[str, Any]:
    """Return the columns of tags that no song of the demo library has."""
    texts = dict.fromkeys(("composer", "comment", "etag", "performer", "grouping", "lyrics"), "")
    numbers = dict.fromkeys(("disc", "bpm", "originalyear", "effective_originalyear"), UNKNOWN)
    return texts | numbers
