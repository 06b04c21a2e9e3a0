"""The tables of a fresh SQLite file: made by one process at a time, as MLflow's own start fails where two make them."""

import fcntl
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from ml_skeleton.artifacts.files import make_folder

_SQLITE = "sqlite:///"
_LAST_MADE = "alembic_version"  # the table in which the schema's number is


def absolute(uri: str) -> str:
    """Return `uri` with a SQLite file or a folder named from the root, so that it means the same in every folder."""
    if uri.startswith(_SQLITE):
        return f"{_SQLITE}{Path(uri.removeprefix(_SQLITE)).resolve()}"
    is_folder = not urlsplit(uri).scheme and not uri.startswith("databricks")
    return str(Path(uri).resolve()) if is_folder else uri


def is_fresh(uri: str) -> bool:
    """Tell whether `uri` names a SQLite file that is not there, or has no tables of MLflow yet."""
    path = Path(uri.removeprefix(_SQLITE))
    if not uri.startswith(_SQLITE) or not path.exists():
        return uri.startswith(_SQLITE)
    with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as database:
        found = database.execute("SELECT 1 FROM sqlite_master WHERE name = ?", (_LAST_MADE,)).fetchone()
    return found is None


@contextmanager
def making_tables(uri: str) -> Iterator[None]:
    """Hold a lock beside the SQLite file that `uri` names; nothing to hold for any other store."""
    if not uri.startswith(_SQLITE):
        yield
        return
    make_folder(Path(uri.removeprefix(_SQLITE)).parent)
    with open(f"{uri.removeprefix(_SQLITE)}.lock", "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
