"""A tiny demo library, made once, and a reader of its rows."""

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from ml_skeleton_demo_library.library import Library, make_library


def read_rows(database: Path, table: str = "songs") -> list[dict[str, Any]]:
    """Return the rows of a table as dicts, `rowid` included."""
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as connection:
        connection.row_factory = sqlite3.Row
        return [dict(row) for row in connection.execute(f"SELECT rowid, * FROM {table} ORDER BY rowid")]


@pytest.fixture(scope="session")
def tiny(tmp_path_factory) -> Library:
    """A library of twelve short songs and all the odd cases; only to be read."""
    return make_library(tmp_path_factory.mktemp("tiny") / "demo", songs=12, seconds=(3, 6), seed=3)
