"""Reads the songs of a Clementine or Strawberry database, which is never written to.

What the players really write (Clementine 1.4, Strawberry 1.0): Clementine's
`filename` is a percent-encoded URL in a BLOB, Strawberry's `url` the same as
TEXT; ratings are -1, 0, 1 or a float32 in a REAL; lengths are nanoseconds, -1
where unknown; a deleted file stays as a row with `unavailable` = 1.
"""

import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from urllib.parse import quote

from ml_skeleton.artifacts.files import FINGERPRINT_BYTES
from ml_skeleton.artifacts.player_playlists import playlists_of_songs
from ml_skeleton.artifacts.songs import Song, album_key
from ml_skeleton.errors import InputError, UserError

BUSY_TIMEOUT_S = 30.0  # a player that scans or saves holds the lock for a moment
NS_PER_S = 1e9

URL_COLUMN = {"filename": "clementine", "url": "strawberry"}  # the column that tells the players apart
COLUMNS = [
    "title",
    "artist",
    "albumartist",
    "effective_albumartist",
    "album",
    "genre",
    "year",
    "length",
    "beginning",
    "rating",
    "score",
    "playcount",
    "skipcount",
    "lastplayed",
    "ctime",
    "unavailable",
]


@dataclass(frozen=True)
class Library:
    """The songs of one player, and the fingerprint of what was read."""

    player: str  # "clementine" or "strawberry"
    songs: list[Song]  # mtime, filesize, audio_id not known yet; path is still to be mapped
    fingerprint: str


def read_library(db: Path) -> Library:
    """Return all songs of the player's database, ordered by ROWID.

    Raises InputError if `db` is missing or no database of a player, UserError if
    the player keeps it locked for longer than 30 s.
    """
    if not db.exists():
        raise InputError(f"{db}: no such file; Clementine keeps its own in ~/.config/Clementine/clementine.db")
    if db.is_dir():
        raise InputError(f"{db}: a folder, expected the player's database file")
    with _opened(db) as connection:
        present = {row[1].decode() for row in connection.execute("PRAGMA table_info(songs)")}
        url_column = next((name for name in URL_COLUMN if name in present), None)
        if url_column is None or "audio_id" in present:  # an embedding store has songs with URLs as well
            raise InputError(f"{db}: no songs table of Clementine or Strawberry in this database")
        wanted = [name if name in present else f"NULL AS {name}" for name in COLUMNS]
        query = f"SELECT rowid AS song_id, {url_column} AS location, {', '.join(wanted)} FROM songs ORDER BY rowid"
        player, songs, digest = URL_COLUMN[url_column], [], blake2b(digest_size=FINGERPRINT_BYTES)
        playlists = playlists_of_songs(connection, player)
        for row in connection.execute(query):  # not kept, as 60,000 of them take 100 MB
            songs.append(_song(player, row, playlists.get(row["song_id"], ())))
            digest.update(repr(tuple(row)).encode())
        digest.update(repr(sorted(playlists.items())).encode())
    return Library(player, songs, digest.hexdigest())


@contextmanager
def _opened(db: Path) -> Iterator[sqlite3.Connection]:
    address = f"file:{quote(str(db.resolve()))}?mode=ro"  # never immutable: the player may be writing
    try:
        with closing(sqlite3.connect(address, uri=True, timeout=BUSY_TIMEOUT_S)) as connection:
            connection.text_factory = bytes  # tags are not always UTF-8
            connection.row_factory = sqlite3.Row
            yield connection
    except sqlite3.OperationalError as error:
        if "locked" in str(error) or "busy" in str(error):
            raise UserError(
                f"{db}: locked by another program for more than {BUSY_TIMEOUT_S:g} s; try again when it is idle"
            ) from None
        raise InputError(f"{db}: cannot open the database: {error}") from None
    except sqlite3.DatabaseError as error:
        raise InputError(f"{db}: not a player's database: {error}") from None


def _song(player: str, row: Mapping[str, object], playlists: tuple[str, ...]) -> Song:
    albumartist = _text(row["effective_albumartist"]) or _text(row["albumartist"]) or _text(row["artist"])
    album = _text(row["album"])
    url = _text(row["location"])
    return Song(
        song_id=_number(row["song_id"], 0),
        source=player,
        url=url,
        path=url,
        title=_text(row["title"]),
        artist=_text(row["artist"]),
        albumartist=albumartist,
        album=album,
        album_keys=album_key(albumartist, album),
        genre=_text(row["genre"]),
        year=_positive(row["year"]),
        length_s=_seconds(row["length"]),
        start_s=_seconds(row["beginning"]) or 0.0,
        rating=rating_of(row["rating"]),
        playcount=max(0, _number(row["playcount"], 0)),
        skipcount=max(0, _number(row["skipcount"], 0)),
        lastplayed=_positive(row["lastplayed"]),
        added=_positive(row["ctime"]),
        mtime=None,
        filesize=None,
        available=not _number(row["unavailable"], 0),
        audio_id=None,
        playlists=playlists,
        score=_score(row),
    )


def rating_of(value: object) -> float | None:
    """Return the rating from 0 to 1 in tenths, or None for the players' -1 and for anything that is no rating."""
    if not isinstance(value, int | float) or not 0 <= value <= 1:
        return None
    return round(float(value), 1)


def _score(row: Mapping[str, object]) -> float | None:
    """Return the player's score; a song that was neither played nor skipped has none, though the column says 0."""
    score = row["score"]
    heard = _number(row["playcount"], 0) > 0 or _number(row["skipcount"], 0) > 0
    return float(score) if isinstance(score, int | float) and heard else None


def _text(value: object) -> str:
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    return "" if value is None else str(value)


def _number(value: object, default: int) -> int:
    return int(value) if isinstance(value, int | float) else default


def _positive(value: object) -> int | None:
    number = _number(value, 0)
    return number if number > 0 else None


def _seconds(nanoseconds: object) -> float | None:
    return _number(nanoseconds, 0) / NS_PER_S if _number(nanoseconds, 0) > 0 else None
