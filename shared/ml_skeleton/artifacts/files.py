"""Writing files so that a file under its own name is always complete, and locks between runs."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import blake2b
from pathlib import Path

from ml_skeleton.errors import BusyError, UserError

FINGERPRINT_BYTES = 16


@contextmanager
def complete_or_absent(path: Path) -> Iterator[Path]:
    """Yield the name to write to; `path` itself appears only when the block ends without an error.

    The file is synced before it is renamed, so that a power failure leaves the
    old file or the new one. The block must have closed the file.
    """
    make_folder(path.parent)
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        yield partial
        with open(partial, "rb") as written:
            os.fsync(written.fileno())
        partial.replace(path)
        _sync_folder(path.parent)
    except OSError as error:
        raise UserError(f"{path}: cannot write: {error.strerror or error}") from error
    finally:
        if partial.exists():  # where nothing can be written, nothing can be removed either
            partial.unlink()


def write_text(path: Path, text: str) -> None:
    """Replace `path` with `text` in UTF-8; names that are not UTF-8 keep their bytes."""
    with complete_or_absent(path) as partial:
        partial.write_text(text, encoding="utf-8", errors="surrogateescape", newline="")


def make_folder(path: Path) -> None:
    """Make `path` and its parents; raise UserError if something else is in the way."""
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"{path}: cannot make the folder: {error.strerror}") from None


@contextmanager
def only_run(path: Path) -> Iterator[None]:
    """Hold the lock that belongs to `path`; raise BusyError at once if another process holds it.

    The kernel lets go of the lock when the process ends, however it ends.
    """
    lock = path / ".lock" if path.is_dir() else path.with_name(f".{path.name}.lock")
    make_folder(lock.parent)
    try:
        file = open(lock, "w", encoding="ascii")  # noqa: SIM115 - closed below, by the with
    except OSError as error:
        raise UserError(f"{path}: cannot write beside it: {error.strerror}; choose another place with --out") from None
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise BusyError(f"{path}: another run is writing it; try again when that run is done") from None
        yield


def fingerprint_of(*parts: bytes | str) -> str:
    """Return 32 hex digits that stand for `parts`, told apart from any other division of the same bytes."""
    digest = blake2b(digest_size=FINGERPRINT_BYTES)
    for part in parts:
        content = part.encode("utf-8", "surrogateescape") if isinstance(part, str) else part
        digest.update(len(content).to_bytes(8, "little"))
        digest.update(content)
    return digest.hexdigest()


def _sync_folder(path: Path) -> None:
    folder = os.open(path, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
