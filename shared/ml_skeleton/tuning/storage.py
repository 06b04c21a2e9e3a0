"""Where a study is kept: a journal file, or a database."""

from pathlib import Path
from typing import TYPE_CHECKING, Literal

import optuna
from optuna.storages.journal import JournalStorage

from ml_skeleton.tuning.journal import Journal, JournalStore
from ml_skeleton.tuning.objective import Direction

if TYPE_CHECKING:
    from ml_skeleton.tuning.database import DatabaseStore

DIRECTIONS: dict[Direction, Literal["minimize", "maximize"]] = {"min": "minimize", "max": "maximize"}


def open_store(study: Path, url: str | None, name: str) -> "JournalStore | DatabaseStore":
    """Return where a study is kept: the journal in its folder, or a database, where it has a name."""
    if url is None:
        return JournalStore(study)
    from ml_skeleton.tuning.database import DatabaseStore  # here, as SQLAlchemy takes 1.5 s of a core to import

    return DatabaseStore(url, name)


def open_storage(place: Path | str) -> optuna.storages.BaseStorage:
    """Return the storage of a journal file or of the database at a URL; raise UserError if it cannot be opened."""
    if isinstance(place, Path):
        return JournalStorage(Journal(place))
    return open_store(Path(), place, "").storage
