"""The files by which the processes of one user agree on the server of a port, in a folder only that user can enter.

Two locks, which the kernel lets go of however a process ends, tell all there is to
know: `users` is held shared by every process that wants the server, `keeper` by the
one process that minds it.
"""

import fcntl
import json
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path

from ml_skeleton.errors import UserError


@dataclass(frozen=True)
class ServerFiles:
    """Where the files of one port's server are."""

    folder: Path
    port: int

    @property
    def users(self) -> Path:
        return self.folder / f"mlflow-{self.port}.users"

    @property
    def keeper(self) -> Path:
        """The lock of the keeper; its content says what the server was started with."""
        return self.folder / f"mlflow-{self.port}.keeper"

    @property
    def stay(self) -> Path:
        """There while the server is to stay when nobody uses it."""
        return self.folder / f"mlflow-{self.port}.stay"

    @property
    def log(self) -> Path:
        return self.folder / f"mlflow-{self.port}.log"

    def started_with(self) -> dict[str, str]:
        """Return the settings of the server that is kept now, {} if none is, or none could be read."""
        try:
            settings = json.loads(self.keeper.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return settings if isinstance(settings, dict) else {}

    def last_words(self) -> str:
        """Return the last line that the server has written, of interest when it did not start."""
        try:
            lines = self.log.read_text(encoding="utf-8", errors="replace").split("\n")
        except OSError:
            return "nothing"
        return next((line.strip() for line in reversed(lines) if line.strip()), "nothing")


def files_of(port: int) -> ServerFiles:
    """Return the files of this user for `port`; raise UserError if the folder belongs to somebody else."""
    folder = Path(tempfile.gettempdir()) / f"ml_skeleton-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    if folder.stat().st_uid != os.getuid() or folder.is_symlink():
        raise UserError(f"{folder}: belongs to somebody else; remove it, or set TMPDIR to a folder of yours")
    return ServerFiles(folder, port)


def open_lock(path: Path) -> int:
    """Return a descriptor of the file to lock; a number and no object, so that nothing closes it by chance."""
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)


def try_lock(descriptor: int) -> bool:
    """Take the lock alone, or return False at once because somebody holds it."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def is_locked(path: Path) -> bool:
    """Tell whether a process holds the lock."""
    descriptor = open_lock(path)
    try:
        return not try_lock(descriptor)
    finally:
        os.close(descriptor)
