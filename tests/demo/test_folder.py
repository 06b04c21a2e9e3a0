"""The folder: what is ours is kept, completed or replaced; what is not is left alone."""

import json
import shutil
from pathlib import Path

import pytest
from ml_skeleton.errors import UserError
from ml_skeleton_demo_library import library as library_module
from ml_skeleton_demo_library.library import make_library

from .conftest import read_rows

SMALL = {"songs": 4, "seconds": (1, 1), "styles": ["Piano"], "odd_cases": False}


def contents(folder: Path) -> dict[str, tuple[int, bytes]]:
    return {str(path): (path.stat().st_mtime_ns, path.read_bytes()) for path in folder.rglob("*") if path.is_file()}


def test_a_second_run_changes_nothing(tmp_path):
    make_library(tmp_path / "demo", **SMALL)
    before = contents(tmp_path)

    again = make_library(tmp_path / "demo", **SMALL)

    assert not again.made
    assert contents(tmp_path) == before


def test_a_library_that_was_never_finished_is_made_again(tmp_path, monkeypatch):
    def full_disk(*_arguments):
        raise UserError("disk full")

    with monkeypatch.context() as patched, pytest.raises(UserError, match="disk full"):
        patched.setattr(library_module, "write_database", full_disk)
        make_library(tmp_path / "demo", **SMALL)
    assert not (tmp_path / "demo/demo.json").exists()

    assert make_library(tmp_path / "demo", **SMALL).made
    assert not (tmp_path / "demo/demo.json.unfinished").exists()


def test_a_lost_song_is_made_again(tmp_path):
    song = next(make_library(tmp_path / "demo", **SMALL).music.rglob("*.flac"))
    song.unlink()

    make_library(tmp_path / "demo", **SMALL)

    assert song.exists()


def test_a_library_that_was_moved_is_made_again_under_its_new_path(tmp_path):
    make_library(tmp_path / "old", **SMALL)
    shutil.move(tmp_path / "old", tmp_path / "new")

    moved = make_library(tmp_path / "new", **SMALL)

    assert all(f"{tmp_path}/new/".encode() in row["filename"] for row in read_rows(moved.database))


@pytest.mark.parametrize("force", [False, True])
def test_a_folder_with_other_files_is_refused_and_left_as_it_is(tmp_path, force):
    (tmp_path / "taxes.txt").write_text("1040")

    with pytest.raises(UserError, match=r"holds files but no demo\.json"):
        make_library(tmp_path, **SMALL, force=force)

    assert [path.name for path in tmp_path.iterdir()] == ["taxes.txt"]


def test_a_demo_json_of_another_program_is_refused(tmp_path):
    (tmp_path / "demo.json").write_text('{"files": ["thesis.tex"]}')
    (tmp_path / "thesis.tex").write_text("chapter 1")

    with pytest.raises(UserError, match="not written by clem-demo"):
        make_library(tmp_path, **SMALL, force=True)

    assert (tmp_path / "thesis.tex").exists()


def test_a_mark_that_names_files_elsewhere_deletes_nothing(tmp_path):
    make_library(tmp_path / "demo", **SMALL)
    (tmp_path / "precious").write_text("x")
    mark = json.loads((tmp_path / "demo/demo.json").read_text())
    (tmp_path / "demo/demo.json").write_text(json.dumps(mark | {"files": ["../precious"]}))

    with pytest.raises(UserError, match="outside its folder"):
        make_library(tmp_path / "demo", **SMALL, force=True)

    assert (tmp_path / "precious").exists()


def test_a_file_in_place_of_the_folder_is_refused(tmp_path):
    (tmp_path / "demo").write_text("not a folder")

    with pytest.raises(UserError, match="not a folder"):
        make_library(tmp_path / "demo", **SMALL)


def test_other_settings_are_refused_and_the_difference_is_named(tmp_path):
    make_library(tmp_path / "demo", **SMALL)

    with pytest.raises(UserError, match=r"holds a library with songs 4, asked for 5; replace it with --force"):
        make_library(tmp_path / "demo", **{**SMALL, "songs": 5})


def test_force_replaces_our_files_and_spares_a_strangers_among_them(tmp_path):
    old = make_library(tmp_path / "demo", **SMALL, seed=1)
    songs = {path for path in old.music.rglob("*") if path.is_file()}
    guest = old.music / "my own song.mp3"
    guest.write_bytes(b"mine")

    make_library(tmp_path / "demo", **SMALL, seed=2, force=True)

    assert not [path for path in songs if path.exists()]
    assert guest.read_bytes() == b"mine"
