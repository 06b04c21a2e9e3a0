"""Embeddings: a database of song vectors, several versions side by side. Written by embed.

    artifact    key, value: the provenance of the file
    versions    one row per version: which encoder made it, and how many numbers a vector has
    vectors     one row per version and recording
    songs       the player's songs (columns of songs.SONGS_SCHEMA) when the file was last written

The suffix chooses the database: .db, .sqlite are SQLite, .duckdb is DuckDB. Both
answer to the same interface and hold the same tables.

A vector stays when its recording is in no song any more, as files come back: a disk
that was not mounted costs nothing. Whoever reads joins vectors and songs, so such
strays count nowhere; `drop_strays` removes them.

Adding a nullable column keeps the format number, and a writer adds it to an older
store; anything else raises the number.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from ml_skeleton.artifacts.embeddings_versions import (
    VERSION_COLUMNS,
    Health,
    Version,
    health_json,
    version_of,
    version_row,
)
from ml_skeleton.artifacts.files import fingerprint_of, make_folder
from ml_skeleton.artifacts.provenance import Provenance, parse_provenance, require
from ml_skeleton.artifacts.songs import Song
from ml_skeleton.errors import InputError, UsageError, UserError

# what the store says of its versions is found here too
__all__ = ["FORMAT", "KIND", "EmbeddingStore", "Health", "Vectors", "Version", "open_or_make_store", "open_store"]

KIND = "embeddings"
FORMAT = 1
MADE_BY = "embed ENCODER --store"
SUFFIXES = (".db", ".sqlite", ".duckdb")
HEAD = 16384  # bytes of a database in which its changes are counted
OF_VERSION = "FROM vectors JOIN versions ON number = version WHERE name = ?"
VECTORS_QUERY = f"SELECT audio_id, rating_seen, vector {OF_VERSION} ORDER BY audio_id"
STRAY = "audio_id NOT IN (SELECT audio_id FROM songs WHERE audio_id IS NOT NULL)"


@dataclass(frozen=True)
class Vectors:
    """All vectors of a version, ordered by audio_id."""

    audio_ids: list[str]
    matrix: npt.NDArray[np.float32]  # (N, D)
    rating_seen: npt.NDArray[np.bool_]  # (N,) the song's rating shaped the encoder, so it cannot test it

    @property
    def fingerprint(self) -> str:
        """Of the recordings and their vectors."""
        return fingerprint_of(*self.audio_ids, self.matrix.tobytes())


class Counted(NamedTuple):
    """How many vectors a version has."""

    songs: int  # of recordings in the player's songs
    strays: int  # of recordings that are in no song any more


class EmbeddingStore(ABC):
    """An open embedding database. Each method that writes is one transaction."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @abstractmethod
    def transaction(self) -> AbstractContextManager[Any]:
        """Yield a connection inside a transaction; the errors of the database become those of ml_skeleton.errors."""

    @abstractmethod
    def make_tables(self, provenance: str) -> None:
        """Make all tables of a new database and store its provenance, at once or not at all."""

    @abstractmethod
    def add_vectors(
        self, version: str, audio_ids: Sequence[str], matrix: npt.NDArray[np.float32], rating_seen: Sequence[bool]
    ) -> None:
        """Add vectors (N, D) of recordings that the version does not hold yet."""

    @abstractmethod
    def vectors(self, version: str) -> Vectors:
        """Return all vectors of the version."""

    @abstractmethod
    def replace_songs(self, songs: Sequence[Song]) -> None:
        """Replace the snapshot of the player's songs."""

    @abstractmethod
    def songs(self) -> list[Song]:
        """Return the snapshot of the player's songs."""

    @abstractmethod
    def close(self) -> None:
        """Close the database."""

    def versions(self) -> list[Version]:
        """Return all versions, oldest first."""
        with self.transaction() as database:
            found = database.execute("SELECT * FROM versions ORDER BY number")
            names = [column[0] for column in found.description]
            return [version_of(dict(zip(names, row, strict=True))) for row in found.fetchall()]

    def add_version(self, version: Version) -> None:
        """Make a version that has no vectors yet."""
        columns, marks = ", ".join(VERSION_COLUMNS), ", ".join("?" * len(VERSION_COLUMNS))
        with self.transaction() as database:
            database.execute(f"INSERT INTO versions ({columns}) VALUES ({marks})", version_row(version))

    def set_health(self, name: str, health: Health | None) -> None:
        """Store what was measured of the version."""
        with self.transaction() as database:
            database.execute("UPDATE versions SET health = ? WHERE name = ?", (health_json(health), name))

    def set_rejected(self, name: str, reason: str | None) -> None:
        """Store why the version was rejected, None if it was not: one that was is the newest for nobody."""
        self.add_missing_columns()
        with self.transaction() as database:
            database.execute("UPDATE versions SET rejected = ? WHERE name = ?", (reason, name))

    def count(self, name: str) -> Counted:
        """Return how many songs of the library the version holds, and how many strays."""
        with self.transaction() as database:
            every, strays = (
                database.execute(f"SELECT count(*) {OF_VERSION} {only}", (name,)).fetchone()[0]
                for only in ("", f"AND {STRAY}")
            )
        return Counted(every - strays, strays)

    def drop_strays(self) -> int:
        """Remove the vectors, of all versions, whose recording is in no song any more; return how many."""
        with self.transaction() as database:
            (count,) = database.execute(f"SELECT count(*) FROM vectors WHERE {STRAY}").fetchone()
            database.execute(f"DELETE FROM vectors WHERE {STRAY}")
        return int(count)

    def add_missing_columns(self) -> None:
        """Give a store of an earlier release of the same format the columns it lacks."""
        with self.transaction() as database:
            there = {column[0] for column in database.execute("SELECT * FROM versions LIMIT 0").description}
            for column in {"health", "rejected", "parts"} - there:
                database.execute(f"ALTER TABLE versions ADD COLUMN {column} TEXT")

    def drop_version(self, name: str) -> None:
        """Remove a version and its vectors."""
        with self.transaction() as database:
            database.execute(
                "DELETE FROM vectors WHERE version = (SELECT number FROM versions WHERE name = ?)", (name,)
            )
            database.execute("DELETE FROM versions WHERE name = ?", (name,))

    def audio_ids(self, version: str) -> set[str]:
        """Return the recordings that have a vector in the version."""
        with self.transaction() as database:
            return {row[0] for row in database.execute(f"SELECT audio_id {OF_VERSION}", (version,)).fetchall()}

    @property
    def provenance(self) -> Provenance:
        """What the file says about itself; raises InputError for a database of something else."""
        with self.transaction() as database:
            row = database.execute("SELECT value FROM artifact WHERE key = 'provenance'").fetchone()
        return parse_provenance(row[0] if row else None, self.path)

    def version(self, name: str | None) -> Version:
        """Return the version of that name, or the newest for None; raise InputError if there is none."""
        if name is None:
            return self.newest()
        versions = {version.name: version for version in self.versions()}
        if name not in versions:
            raise InputError(f"{self.path}: no version {name!r}; it holds {', '.join(sorted(versions)) or 'none'}")
        return versions[name]

    def newest(self, rejected_too: bool = False) -> Version:
        """Return the newest version that was not rejected; raise InputError if there is none.

        A control is the newest only where there is nothing else.
        """
        every = self.versions()
        if not every:
            raise InputError(f"{self.path}: holds no embeddings yet; make some with: {MADE_BY} {self.path}")
        serious = [version for version in every if not version.is_control] or every
        good = [version for version in serious if rejected_too or version.rejected is None]
        if not good:
            names = ", ".join(version.name for version in serious)
            raise InputError(
                f"{self.path}: evaluate gate rejected all there is ({names}); name one with --version to use it "
                "all the same, or rate more songs and train another encoder"
            )
        return good[-1]


@contextmanager
def open_store(path: Path) -> Iterator[EmbeddingStore]:
    """Yield the store at `path`; raise InputError unless it is one, of the format that this version reads."""
    _check_suffix(path)
    if not path.is_file() or path.stat().st_size == 0:
        what = "a folder, expected a database" if path.is_dir() else "no embeddings here"
        raise InputError(f"{path}: {what}; make them with: {MADE_BY} {path}")
    store = _connect(path)
    try:
        require(store.provenance, path, KIND, FORMAT, f"{MADE_BY} {path}")
        yield store
    finally:
        store.close()


def state_of(path: Path) -> str:
    """Return a fingerprint of the database that is another one after each change.

    The first pages of SQLite and DuckDB count the changes; DuckDB's newest may
    still be in the file beside it.
    """
    with open(path, "rb") as file:
        first = file.read(HEAD)
    log = path.with_name(f"{path.name}.wal")
    files = [one.stat() for one in (path, log) if one.exists()]
    return fingerprint_of(first, *(f"{one.st_size} {one.st_mtime_ns} {one.st_ino}" for one in files))


@contextmanager
def open_or_make_store(path: Path, tool: str) -> Iterator[EmbeddingStore]:
    """Yield the store at `path`, made if there is none."""
    _check_suffix(path)
    make_folder(path.parent)
    if path.exists() and path.stat().st_size == 0:  # a first run ended before its first transaction
        _remove(path)
    if not path.exists():
        store = _connect(path)
        store.make_tables(Provenance(KIND, FORMAT, tool).to_json())
        store.close()
    with open_store(path) as store:
        store.add_missing_columns()
        yield store


def _remove(path: Path) -> None:
    try:
        path.unlink()
    except OSError as error:
        raise UserError(f"{path}: cannot be made anew: {error.strerror}") from None


def _check_suffix(path: Path) -> None:
    if path.suffix not in SUFFIXES:
        raise UsageError(
            f"{path}: suffix {path.suffix or 'missing'!r}; an embedding store ends in {', '.join(SUFFIXES)}"
        )


def _connect(path: Path) -> EmbeddingStore:
    if path.suffix == ".duckdb":
        from ml_skeleton.artifacts.embeddings_duckdb import DuckDBStore

        return DuckDBStore(path)
    from ml_skeleton.artifacts.embeddings_sqlite import SQLiteStore

    return SQLiteStore(path)
