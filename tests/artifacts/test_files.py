"""Files appear whole or not at all, and two runs do not write the same one."""

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest
from ml_skeleton.artifacts.files import complete_or_absent, fingerprint_of, make_folder, only_run, write_text
from ml_skeleton.errors import BusyError, UserError


def test_a_file_appears_when_the_block_ends(tmp_path):
    path = tmp_path / "new" / "file.txt"

    with complete_or_absent(path) as partial:
        partial.write_text("whole")
        assert not path.exists()

    assert (path.read_text(), os.listdir(path.parent)) == ("whole", ["file.txt"])


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt])
def test_a_block_that_breaks_leaves_the_old_file_and_nothing_else(tmp_path, error):
    (tmp_path / "file.txt").write_text("old")

    with pytest.raises(error), complete_or_absent(tmp_path / "file.txt") as partial:
        partial.write_text("half")
        raise error

    assert ((tmp_path / "file.txt").read_text(), os.listdir(tmp_path)) == ("old", ["file.txt"])


def test_a_disk_that_takes_no_writing_is_one_line_though_nothing_can_be_removed_from_it_either(tmp_path, monkeypatch):
    def refused(*_, **__):
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr(Path, "unlink", refused)

    with pytest.raises(UserError, match="cannot write: Read-only file system"), complete_or_absent(tmp_path / "song"):
        refused()


def test_a_file_is_on_the_disk_before_it_has_its_name_and_its_folder_after(tmp_path, monkeypatch):
    synced = []

    def sync(number):
        synced.append((os.readlink(f"/proc/self/fd/{number}"), (tmp_path / "song").exists()))

    monkeypatch.setattr(os, "fsync", sync)
    with complete_or_absent(tmp_path / "song") as partial:
        partial.write_text("la")

    assert synced == [(str(partial), False), (str(tmp_path), True)]


def test_a_folder_in_the_way_is_one_line(tmp_path):
    (tmp_path / "file.txt").mkdir()

    with pytest.raises(UserError, match=r"file.txt: cannot write: "):
        write_text(tmp_path / "file.txt", "text")


def test_a_file_where_a_folder_should_be_is_one_line(tmp_path):
    (tmp_path / "out").touch()

    with pytest.raises(UserError, match="out/deeper: cannot make the folder: Not a directory"):
        make_folder(tmp_path / "out" / "deeper")


def test_a_second_run_is_refused_while_the_first_holds_the_lock(tmp_path):
    code = (
        "import pathlib, sys; from ml_skeleton.artifacts.files import only_run\n"
        "with only_run(pathlib.Path(sys.argv[1])):\n    print('held', flush=True); sys.stdin.read()"
    )
    path = tmp_path / "encoder.pt"
    with subprocess.Popen(
        [sys.executable, "-c", code, path], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout is not None and other.stdout.readline() == "held\n"
        with pytest.raises(BusyError, match="another run is writing it"), only_run(path):
            pass
        other.kill()

    with only_run(path):
        pass  # the kernel took the lock from the dead process


def test_parts_of_a_fingerprint_do_not_run_together():
    assert fingerprint_of("ab", "c") != fingerprint_of("a", "bc")


def test_a_lock_that_cannot_be_made_is_one_line(tmp_path, monkeypatch):
    def refuse(*_arguments, **_names):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("builtins.open", refuse)

    message = r"encoder.pt: cannot write beside it: Permission denied"
    with pytest.raises(UserError, match=message), only_run(tmp_path / "encoder.pt"):
        pass
