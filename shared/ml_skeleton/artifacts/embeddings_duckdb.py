"""The embedding store in DuckDB: vectors as FLOAT[], so that SQL can compare them, moved as Arrow tables."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import duckdb
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from ml_skeleton.artifacts.embeddings import MADE_BY, VECTORS_QUERY, EmbeddingStore, Vectors
from ml_skeleton.artifacts.songs import Song, from_table, to_table
from ml_skeleton.errors import BusyError, InputError, UserError

TABLES = """
    CREATE TABLE artifact (key VARCHAR PRIMARY KEY, value VARCHAR NOT NULL);
    CREATE SEQUENCE version_numbers;
    CREATE TABLE versions (
        number INTEGER PRIMARY KEY DEFAULT nextval('version_numbers'),
        name VARCHAR NOT NULL UNIQUE,
        encoder_fingerprint VARCHAR NOT NULL,
        dimension INTEGER NOT NULL,
        settings VARCHAR NOT NULL,
        parents VARCHAR NOT NULL,
        created VARCHAR NOT NULL,
        health VARCHAR,
        rejected VARCHAR,
        parts VARCHAR
    );
    CREATE TABLE vectors (
        version INTEGER NOT NULL,
        audio_id VARCHAR NOT NULL,
        rating_seen BOOLEAN NOT NULL,
        vector FLOAT[] NOT NULL
    );
"""


class DuckDBStore(EmbeddingStore):
    """See EmbeddingStore."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        try:
            self._connection = duckdb.connect(str(path))
        except duckdb.IOException as error:
            raise _said(path, error) from None

    def add_vectors(
        self, version: str, audio_ids: Sequence[str], matrix: npt.NDArray[np.float32], rating_seen: Sequence[bool]
    ) -> None:
        flat = pa.array(np.ascontiguousarray(matrix, dtype=np.float32).reshape(-1))
        offsets = pa.array(np.arange(len(matrix) + 1, dtype=np.int32) * matrix.shape[1])
        columns = {
            "audio_id": pa.array(list(audio_ids), pa.string()),
            "rating_seen": pa.array([bool(seen) for seen in rating_seen], pa.bool_()),
            "vector": pa.ListArray.from_arrays(offsets, flat),
        }
        insert = (
            "INSERT INTO vectors SELECT number, audio_id, rating_seen, vector FROM new_vectors, versions WHERE name = ?"
        )
        with self.transaction() as database, self._registered("new_vectors", pa.table(columns)):
            database.execute(insert, (version,))

    def vectors(self, version: str) -> Vectors:
        dimension = self.version(version).dimension
        with self.transaction() as database:
            table: pa.Table = database.sql(VECTORS_QUERY, params=(version,)).to_arrow_table().combine_chunks()
        vectors = [chunk.flatten().to_numpy() for chunk in table.column("vector").chunks]
        matrix = np.concatenate([np.empty(0, np.float32), *vectors]).reshape(table.num_rows, dimension)
        seen = np.array(table.column("rating_seen").to_pylist(), dtype=np.bool_)
        return Vectors(table.column("audio_id").to_pylist(), matrix, seen)

    def replace_songs(self, songs: Sequence[Song]) -> None:
        with self.transaction() as database, self._registered("new_songs", to_table(songs)):
            database.execute("CREATE OR REPLACE TABLE songs AS SELECT * FROM new_songs")

    def songs(self) -> list[Song]:
        with self.transaction() as database:
            table: pa.Table = database.sql("SELECT * FROM songs ORDER BY song_id").to_arrow_table()
        return from_table(table)

    def make_tables(self, provenance: str) -> None:
        with self.transaction() as database, self._registered("new_songs", to_table([])):
            database.execute(TABLES)
            database.execute("CREATE TABLE songs AS SELECT * FROM new_songs")
            database.execute("INSERT INTO artifact VALUES ('provenance', ?)", (provenance,))

    def close(self) -> None:
        self._connection.close()

    @contextmanager
    def _registered(self, name: str, table: pa.Table) -> Iterator[None]:
        self._connection.register(name, table)
        try:
            yield
        finally:
            self._connection.unregister(name)

    @contextmanager
    def transaction(self) -> Iterator[duckdb.DuckDBPyConnection]:
        try:
            self._connection.begin()
            try:
                yield self._connection
            except BaseException:
                self._connection.rollback()
                raise
            self._connection.commit()
        except duckdb.CatalogException:
            raise InputError(f"{self.path}: a DuckDB database, but no embedding store") from None
        except duckdb.Error as error:
            raise _said(self.path, error) from None


def _said(path: Path, error: duckdb.Error) -> UserError:
    """Return what DuckDB's error means for a person."""
    text = str(error).splitlines()[0]
    if "lock" in text.lower():
        return BusyError(f"{path}: another process has it open; try again when it is done")
    if "permission denied" in text.lower() or "no space left" in text.lower() or "read-only" in text.lower():
        return UserError(f"{path}: {text}; try again when that is mended")
    return InputError(f"{path}: not a DuckDB database, or damaged ({text}); delete it, then: {MADE_BY} {path}")
