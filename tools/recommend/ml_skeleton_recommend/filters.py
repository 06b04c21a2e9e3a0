"""Filters: which songs an SQL expression of the listener lets in, by DuckDB over the songs alone.

The database is in memory and may open no file, load no extension and change no
setting, and what is given must be one expression, so the worst it can be is wrong.
"""

import re
from difflib import get_close_matches

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
from ml_skeleton.errors import UsageError

CLOSED: dict[str, str | bool | int | float | list[str]] = {
    "enable_external_access": "false",
    "python_enable_replacements": "false",
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    "threads": "1",
}
COLUMN = re.compile(r'Referenced column "([^"]+)" not found')


def songs_where(songs: pa.Table, expression: str) -> set[int]:
    """Return the song_id of those for which `expression` is true; raise UsageError if it is no such expression.

    The columns of `songs` are those of songs.parquet; the expression may name `stars`, 0 to 5, too.
    """
    table = songs.append_column("stars", pc.multiply(songs.column("rating"), pa.scalar(5.0)))
    with duckdb.connect(":memory:", config=CLOSED) as database:
        database.register("songs", table)
        database.execute("SET lock_configuration = true")
        try:
            found = database.table("songs").filter(expression).project("song_id").fetchall()
        except duckdb.Error as error:
            raise UsageError(f"--where {expression!r}: {_said(error, table.column_names)}") from None
    return {song_id for (song_id,) in found}


def _said(error: duckdb.Error, columns: list[str]) -> str:
    """Return what DuckDB's error means for a person, in one line."""
    unknown = COLUMN.search(str(error))
    if not unknown:
        return f"not an expression over songs ({str(error).splitlines()[0]})"
    near = get_close_matches(unknown[1].lower(), columns, n=1)
    hint = f"did you mean {near[0]!r}?" if near else f"known are {', '.join(columns)}"
    return f"no column {unknown[1]!r}; {hint}"
