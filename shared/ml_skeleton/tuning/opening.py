"""Opening a study for a worker: its study.json, its store, and what a database knows of it."""

from dataclasses import replace
from pathlib import Path

from ml_skeleton.artifacts.files import make_folder, write_text
from ml_skeleton.console import note
from ml_skeleton.errors import InputError
from ml_skeleton.tuning.journal import file_lock
from ml_skeleton.tuning.search import Search, SearchSettings, read_kept_plan
from ml_skeleton.tuning.storage import open_store
from ml_skeleton.tuning.study import KeptStudy, Plan, RunTerms, check_same, open_study, parse_study, read_kept


def open_search(folder: Path, plan: Plan, settings: SearchSettings, terms: RunTerms | None = None) -> Search:
    """Make the study in `folder` or go on with it, and return its search; raise UsageError as `begin_study` does."""
    return _open(folder.resolve(), begin_study(folder, plan, settings, terms), settings)


def begin_study(folder: Path, plan: Plan, settings: SearchSettings, terms: RunTerms | None = None) -> KeptStudy:
    """Make the study in `folder` or go on with it, and return it as kept.

    Raise UsageError if space, objective, seed or storage have changed.
    """
    make_folder(folder)
    address = _without_password(settings.storage) if settings.storage else None
    with file_lock(folder / ".lock"):
        return open_study(folder, plan, terms, address, settings.name)


def open_kept(folder: Path, settings: SearchSettings) -> Search:
    """Return the search of a study that was begun before, in this folder or in the database."""
    return _open(folder.resolve(), kept_study(folder, settings.storage), settings)


def kept_study(folder: Path, storage: str | None = None) -> KeptStudy:
    """Return the study in `folder`; where the folder is new to this machine, make it from the database `storage`."""
    if storage is None or (folder / "study.json").exists():
        return read_kept(folder)
    name = folder.resolve().name
    text = read_kept_plan(open_store(folder.resolve(), storage, name), name)
    if text is None:
        raise InputError(f"{_without_password(storage)}: no study named {name}; tune run makes one")
    kept = parse_study(text, folder / "study.json")
    if not kept.plan.cwd.is_dir():
        note(f"{kept.plan.cwd} is not on this machine; the command runs in {Path.cwd()}")
        kept = replace(kept, plan=replace(kept.plan, cwd=Path.cwd()))
    make_folder(folder)
    write_text(folder / "study.json", kept.to_json())
    return kept


def _open(study: Path, kept: KeptStudy, settings: SearchSettings) -> Search:
    address = settings.storage or kept.storage
    store = open_store(study, address, kept.name)
    search = Search(store, kept.plan, replace(settings, name=kept.name))
    if address:
        with search.claim():
            text = search.kept_plan()
            if text is None:
                search.keep_plan(kept.to_json())
            else:
                check_same(f"{kept.name} in {_without_password(address)}", parse_study(text, study).plan, kept.plan)
    return search


def _without_password(storage: str) -> str:
    from ml_skeleton.tuning.database import without_password  # here, as SQLAlchemy takes a second to import

    return without_password(storage)
