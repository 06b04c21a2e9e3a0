"""The embedding store in SQLite: vectors as little-endian float32 BLOBs, read back in one pass."""

import json
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from operator import attrgetter
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from ml_skeleton.artifacts.embeddings import MADE_BY, VECTORS_QUERY, EmbeddingStore, Vectors
from ml_skeleton.artifacts.songs import LIST_COLUMNS, SONG_COLUMNS, SONGS_SCHEMA, Song
from ml_skeleton.errors import InputError, UserError

BUSY_TIMEOUT_S = 30.0
PAGE_BYTES, CACHE_KB = 16384, 65536  # a page holds a dozen vectors of 256
NOT_ITS_FAULT = {  # the file may well be whole
    sqlite3.SQLITE_BUSY,
    sqlite3.SQLITE_LOCKED,
    sqlite3.SQLITE_READONLY,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_PERM,
}

TABLES = """
    CREATE TABLE artifact (key TEXT PRIMARY KEY, value TEXT NOT NULL);
    CREATE TABLE versions (
        number INTEGER PRIMARY KEY AUTOINCREMENT,
        name TEXT NOT NULL UNIQUE,
        encoder_fingerprint TEXT NOT NULL,
        dimension INTEGER NOT NULL,
        settings TEXT NOT NULL,
        parents TEXT NOT NULL,
        created TEXT NOT NULL,
        health TEXT,
        rejected TEXT,
        parts TEXT
    );
    CREATE TABLE vectors (
        version INTEGER NOT NULL REFERENCES versions (number) ON DELETE CASCADE,
        audio_id TEXT NOT NULL,
        rating_seen INTEGER NOT NULL,
        vector BLOB NOT NULL,
        PRIMARY KEY (version, audio_id)
    );
"""


class SQLiteStore(EmbeddingStore):
    """See EmbeddingStore."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        try:
            self._connection = sqlite3.connect(path, timeout=BUSY_TIMEOUT_S, isolation_level=None)
        except sqlite3.OperationalError as error:
            raise UserError(f"{path}: {error}; is its folder writable?") from None

    def add_vectors(
        self, version: str, audio_ids: Sequence[str], matrix: npt.NDArray[np.float32], rating_seen: Sequence[bool]
    ) -> None:
        content, size = memoryview(matrix.astype("<f4").tobytes()), 4 * matrix.shape[1]  # bytes
        in_order = sorted(range(len(audio_ids)), key=audio_ids.__getitem__)  # the index is filled from left to right
        rows = ((audio_ids[i], int(rating_seen[i]), content[i * size : (i + 1) * size]) for i in in_order)
        with self.transaction() as database:
            database.execute(f"PRAGMA cache_size = -{CACHE_KB}")
            (number,) = database.execute("SELECT number FROM versions WHERE name = ?", (version,)).fetchone()
            database.executemany(f"INSERT INTO vectors VALUES ({number}, ?, ?, ?)", rows)

    def vectors(self, version: str) -> Vectors:
        dimension = self.version(version).dimension
        with self.transaction() as database:
            rows = database.execute(VECTORS_QUERY, (version,)).fetchall()
        matrix = np.frombuffer(b"".join(row[2] for row in rows), dtype="<f4").reshape(len(rows), dimension)
        return Vectors([row[0] for row in rows], matrix, np.array([row[1] for row in rows], dtype=np.bool_))

    def replace_songs(self, songs: Sequence[Song]) -> None:
        values = ", ".join("?" * len(SONG_COLUMNS))
        rows = ([_as_sql(value) for value in attrgetter(*SONG_COLUMNS)(song)] for song in songs)
        with self.transaction() as database:
            _make_songs(database)
            database.executemany(f"INSERT INTO songs VALUES ({values})", rows)

    def songs(self) -> list[Song]:
        with self.transaction() as database:
            there = {row[1] for row in database.execute("PRAGMA table_info(songs)")}
            columns = [name if name in there else f"NULL AS {name}" for name in SONG_COLUMNS]  # of an older store
            rows = database.execute(f"SELECT {', '.join(columns)} FROM songs ORDER BY song_id").fetchall()
        return [_song(row) for row in rows]

    def make_tables(self, provenance: str) -> None:
        self._connection.execute(f"PRAGMA page_size = {PAGE_BYTES}")  # can be chosen for a new file alone
        with self.transaction() as database:
            for statement in filter(str.strip, TABLES.split(";")):
                database.execute(statement)
            _make_songs(database)
            database.execute("INSERT INTO artifact VALUES ('provenance', ?)", (provenance,))

    def close(self) -> None:
        self._connection.close()

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        try:
            self._connection.execute("BEGIN")
            try:
                yield self._connection
            except BaseException:
                self._connection.execute("ROLLBACK")
                raise
            self._connection.execute("COMMIT")
        except sqlite3.DatabaseError as error:
            if getattr(error, "sqlite_errorcode", 0) & 0xFF in NOT_ITS_FAULT:
                raise UserError(f"{self.path}: {error}; try again when that is mended") from None
            raise InputError(
                f"{self.path}: not an embedding store, or damaged ({error}); delete it, then: {MADE_BY} {self.path}"
            ) from None


def _make_songs(database: sqlite3.Connection) -> None:
    """Make the songs table anew, as an older store may lack a column."""
    columns = ", ".join(f"{field.name} {_sql_type(field)}" for field in SONGS_SCHEMA)
    database.execute("DROP TABLE IF EXISTS songs")
    database.execute(f"CREATE TABLE songs ({columns})")


def _sql_type(field: pa.Field) -> str:
    kind = "REAL" if pa.types.is_floating(field.type) else "INTEGER"
    if pa.types.is_string(field.type) or pa.types.is_list(field.type):
        kind = "TEXT"  # a list as JSON
    return kind if field.nullable else f"{kind} NOT NULL"


def _as_sql(value: Any) -> Any:
    return json.dumps(value, ensure_ascii=False) if isinstance(value, tuple) else value


def _song(row: Sequence[Any]) -> Song:
    fields = dict(zip(SONG_COLUMNS, row, strict=True))
    lists = {name: tuple(json.loads(fields[name])) for name in LIST_COLUMNS if fields[name] is not None}
    return Song(**{**fields, **lists, "available": bool(fields["available"])})
