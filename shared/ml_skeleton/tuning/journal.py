"""The study's journal: a file that several workers append to, on this machine or over a shared disk."""

import fcntl
import json
import os
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from optuna.storages.journal import JournalFileBackend, JournalStorage

from ml_skeleton.artifacts.files import make_folder
from ml_skeleton.errors import UserError

_CREATE_TRIAL, _SET_TRIAL_STATE = 4, 6  # operations of Optuna's journal that must survive a power failure


class JournalStore:
    """A journal in the study's folder, and the lock that those who take a trial hold."""

    keeps_leases = False  # the files of the trials do

    def __init__(self, study: Path) -> None:
        self._lock = study / ".lock"
        make_folder(study)
        self._journal = study / "journal.log"
        with file_lock(self._lock):  # making the journal is one of the things that only one worker does
            self.storage = JournalStorage(Journal(self._journal))

    @contextmanager
    def claim(self) -> Iterator[None]:
        """Hold the lock of the study; it dies with its holder."""
        with file_lock(self._lock):
            self._journal.open("rb").close()  # or NFS answers from its cache how long the journal is
            yield


@contextmanager
def file_lock(path: Path) -> Iterator[None]:
    """Hold the lock in `path`, waiting for it; the kernel lets go of it however the process ends."""
    try:
        file = open(path, "ab")  # noqa: SIM115 - closed below; to be written, or NFS refuses the exclusive lock
        fcntl.flock(file, fcntl.LOCK_EX)
    except OSError as error:
        raise UserError(f"{path}: cannot lock: {error.strerror}") from None
    with file:
        yield


class Journal(JournalFileBackend):
    """Optuna's journal, with a lock that dies with its holder and a sync only where an end is written.

    Optuna's own lock is a file, which a killed process leaves behind for 30 s.
    """

    def __init__(self, path: Path) -> None:
        super().__init__(str(path))
        self._journal = path
        self._read = (-1, -1)  # so many entries of a file of so many bytes

    def read_logs(self, log_number_from: int) -> Generator[dict[str, Any], None, None]:
        size = self._journal.stat().st_size
        if self._read == (log_number_from, size):  # asked twenty times a trial, and opening a file is dear
            return
        number = log_number_from
        for entry in super().read_logs(log_number_from):
            number += 1
            yield entry
        self._read = (number, size)

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
