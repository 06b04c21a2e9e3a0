"""The folder of a demo library: whether it is ours, whether it is complete, and how it is emptied.

`demo.json` is written last and marks a complete library. While a library is
being made, `demo.json.unfinished` says that the folder is ours. Both name every
file that belongs to the library: no other file is ever deleted.
"""

import json
from dataclasses import asdict, dataclass
from pathlib import Path, PurePosixPath

from ml_skeleton.artifacts.files import write_text
from ml_skeleton.artifacts.provenance import Provenance, parse_provenance, require
from ml_skeleton.errors import InputError, UserError

KIND = "demo library"
FORMAT = 1
MARK = "demo.json"
UNFINISHED = "demo.json.unfinished"
LOCK = ".lock"


@dataclass(frozen=True)
class Mark:
    """What a library says about itself."""

    provenance: Provenance
    files: tuple[str, ...]  # inside the folder
    complete: bool


def read_mark(out: Path) -> Mark | None:
    """Return the mark of the library in `out`, None for a folder that is empty or not there.

    Raise UserError for anything else: what is not ours is left alone.
    """
    if out.exists() and not out.is_dir():
        raise UserError(f"{out}: not a folder; name an empty or a new folder with --out")
    for name in (MARK, UNFINISHED):
        if (out / name).is_file():
            return _parse_mark(out / name, complete=name == MARK)
    if out.is_dir() and any(path.name != LOCK for path in out.iterdir()):
        raise UserError(
            f"{out}: holds files but no {MARK}, so it is no demo library; name an empty or a new folder with --out"
        )
    return None


def is_intact(out: Path, mark: Mark) -> bool:
    """Tell whether the library is complete and every file of it is still there."""
    return mark.complete and all((out / name).is_file() for name in mark.files)


def begin(out: Path, provenance: Provenance, files: list[str], former: Mark | None) -> None:
    """Make `out` ready for a new library: mark it as unfinished, then delete the files of the former one."""
    doomed = former.files if former else ()
    _write_mark(out / UNFINISHED, provenance, list(dict.fromkeys([*files, *doomed])))
    (out / MARK).unlink(missing_ok=True)
    for name in doomed:
        (out / name).unlink(missing_ok=True)
    folders = {out / parent for name in doomed for parent in PurePosixPath(name).parents if parent.name}
    for folder in sorted(folders, key=lambda path: -len(path.parts)):
        if folder.is_dir() and not any(folder.iterdir()):
            folder.rmdir()


def finish(out: Path, provenance: Provenance, files: list[str]) -> None:
    """Mark the library in `out` as complete."""
    _write_mark(out / MARK, provenance, files)
    (out / UNFINISHED).unlink()


def _write_mark(path: Path, provenance: Provenance, files: list[str]) -> None:
    """Replace `path` by a mark."""
    write_text(
        path, json.dumps({"ml_skeleton": asdict(provenance), "files": files}, ensure_ascii=False, indent=1) + "\n"
    )


def _parse_mark(path: Path, complete: bool) -> Mark:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        files = tuple(str(name) for name in content["files"])
        provenance = parse_provenance(json.dumps(content["ml_skeleton"]), path)
    except (ValueError, TypeError, KeyError):
        raise InputError(
            f"{path}: not written by clem-demo, so this folder is left alone; name another with --out"
        ) from None
    require(provenance, path, KIND, FORMAT, "clem-demo --out FOLDER, into a new folder")
    if any(PurePosixPath(name).is_absolute() or ".." in PurePosixPath(name).parts for name in files):
        raise InputError(f"{path}: names files outside its folder, so nothing is touched; name another with --out")
    return Mark(provenance, files, complete)
