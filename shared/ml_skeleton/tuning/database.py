"""The study in a database: PostgreSQL or MySQL, for workers that share no disk; or one SQLite file."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import optuna
from sqlalchemy import create_engine, text
from sqlalchemy.engine import URL, Connection, make_url
from sqlalchemy.exc import ArgumentError, SQLAlchemyError

from ml_skeleton.artifacts.files import fingerprint_of, make_folder
from ml_skeleton.errors import UsageError, UserError
from ml_skeleton.tuning.journal import file_lock

_DRIVERS = {"postgresql": "postgresql+psycopg", "mysql": "mysql+pymysql"}
_SCHEMA = "tune: schema"


class DatabaseStore:
    """A study of Optuna in a database, and the lock that those who take a trial hold."""

    keeps_leases = True

    def __init__(self, url: str, name: str) -> None:
        """Open the database and make its tables if there are none, one worker at a time.

        Raise UsageError for what is no address or lacks its driver, UserError
        if the database does not answer.
        """
        self._url = _parsed(url)
        self._name = f"tune: {name}"
        try:
            self._engine = create_engine(self._url, isolation_level="AUTOCOMMIT", pool_pre_ping=True)
            with self._locked(_SCHEMA):
                logging.getLogger("alembic").setLevel(logging.WARNING)
                self.storage = optuna.storages.RDBStorage(
                    self._url.render_as_string(hide_password=False), {"pool_pre_ping": True}
                )
        except ImportError as error:
            raise UsageError(f"--storage {self._url!r}: needs the package {error.name}; install it first") from None
        except (SQLAlchemyError, RuntimeError) as error:
            raise UserError(f"{self._url!r}: cannot open the database of the study: {_first_line(error)}") from error

    @contextmanager
    def claim(self) -> Iterator[None]:
        """Hold the lock of the study; the server lets go of it when the connection ends."""
        with self._locked(self._name):
            yield

    @contextmanager
    def _locked(self, name: str) -> Iterator[None]:
        if self._url.get_backend_name() == "sqlite":
            path = Path(self._url.database or "")
            make_folder(path.parent)
            with file_lock(path.with_name(f".{path.name}.lock")):
                yield
            return
        take, leave, kind = _SERVER_LOCKS[self._url.get_backend_name()]
        key = kind(int(fingerprint_of(name)[:15], 16))  # of 60 bits: PostgreSQL takes a signed 64-bit number
        with self._connected() as connection:
            if connection.execute(text(take), {"key": key}).scalar() is None:
                raise UserError(f"{self._url!r}: gave no lock for the study; look into the log of the database")
            try:
                yield
            finally:
                connection.execute(text(leave), {"key": key})

    @contextmanager
    def _connected(self) -> Iterator[Connection]:
        try:
            connection = self._engine.connect()
        except SQLAlchemyError as error:
            raise UserError(f"{self._url!r}: does not answer: {_first_line(error)}") from error
        with connection:
            yield connection


# By kind of database: how to take a lock, how to leave it, and what a key is. MariaDB takes no key that is a number,
# and for a timeout below 0, without an end in MySQL, it returns NULL at once: a year is long enough.
_SERVER_LOCKS = {
    "postgresql": ("SELECT pg_advisory_lock(:key)", "SELECT pg_advisory_unlock(:key)", int),
    "mysql": ("SELECT GET_LOCK(:key, 31536000)", "SELECT RELEASE_LOCK(:key)", str),
}


def without_password(url: str) -> str:
    """Return the address of a database as it may be kept in a file."""
    return _parsed(url).set(password=None).render_as_string()


def _parsed(url: str) -> URL:
    try:
        parsed = make_url(url)
    except ArgumentError:
        raise UsageError(f"--storage {url}: expected an address such as postgresql://user@host/database") from None
    if parsed.get_backend_name() not in ("postgresql", "mysql", "sqlite"):
        raise UsageError(f"--storage {parsed!r}: expected postgresql://…, mysql://… or sqlite:///FILE")
    if parsed.get_backend_name() == "sqlite" and not parsed.database:
        raise UsageError(f"--storage {parsed!r}: expected sqlite:///FILE; a study in memory is lost")
    return parsed.set(drivername=_DRIVERS.get(parsed.drivername, parsed.drivername))


def _first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0]
