"""Where a study is kept: a journal file, or a database."""

import fcntl
import json
import os
import re
from pathlib import Path
from typing import Any, BinaryIO, Literal

import optuna
from optuna.storages.journal import JournalFileBackend, JournalStorage

from ml_skeleton.errors import UserError
from ml_skeleton.tuning.objective import Direction

DIRECTIONS: dict[Direction, Literal["minimize", "maximize"]] = {"min": "minimize", "max": "maximize"}
_CREATE_TRIAL, _SET_TRIAL_STATE = 4, 6  # operations of Optuna's journal that must survive a power failure


def open_storage(place: Path | str) -> optuna.storages.BaseStorage:
    """Return the storage of a journal file or of the database at a URL; raise UserError if it cannot be opened."""
    if isinstance(place, Path):
        return JournalStorage(_Journal(place))
    try:
        return optuna.storages.RDBStorage(place)
    except Exception as error:  # Optuna lets those of SQLAlchemy and of each driver through
        where = re.sub(r"://[^@/]*@", "://…@", place)
        raise UserError(
            f"{where}: cannot open the database of the study: {' '.join(str(error).split())[:200]}"
        ) from None


class _Journal(JournalFileBackend):
    """Optuna's journal, with a lock that dies with its holder and a sync only where an end is written.

    Optuna's own lock is a file, which a killed process leaves behind for 30 s.
    """

    def __init__(self, path: Path) -> None:
        super().__init__(str(path))
        self._journal = path

    def append_logs(self, logs: list[dict[str, Any]]) -> None:
        text = "".join(json.dumps(log, separators=(",", ":")) + "\n" for log in logs)
        try:
            with open(self._journal, "r+b") as file:
                fcntl.flock(file, fcntl.LOCK_EX)
                _drop_half_line(file)
                file.write(text.encode("utf-8"))
                file.flush()
                if any(log["op_code"] in (_CREATE_TRIAL, _SET_TRIAL_STATE) for log in logs):
                    os.fsync(file.fileno())
        except OSError as error:
            raise UserError(f"{self._journal}: cannot write: {error.strerror}") from None


def _drop_half_line(file: BinaryIO) -> None:
    """Cut off what a full disk or a power failure left of a line, and leave `file` at its end."""
    end = file.seek(0, os.SEEK_END)
    file.seek(max(0, end - 1))
    if end and file.read() != b"\n":
        file.seek(0)
        file.truncate(file.read().rfind(b"\n") + 1)
    file.seek(0, os.SEEK_END)
