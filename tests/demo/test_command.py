"""The command: what it prints, refuses and leaves behind."""

import subprocess
import sys


def test_standard_output_is_the_path_of_the_database_alone(tmp_path, run_tool):
    done = run_tool("clem-demo", "--out", "demo", "--songs", 4)

    assert (done.returncode, done.stdout) == (0, "demo/clementine.db\n")
    assert (tmp_path / "demo/clementine.db").is_file()

    again = run_tool("clem-demo", "--out", "demo", "--songs", 4)

    assert (again.returncode, again.stdout) == (0, "demo/clementine.db\n")
    assert "already there" in again.stderr


def test_a_folder_of_other_files_is_refused_in_one_line(tmp_path, run_tool):
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos/cat.jpg").write_bytes(b"meow")

    done = run_tool("clem-demo", "--out", "photos", "--force", "--quiet")

    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (1, "", 1)
    assert done.stderr.startswith("clem-demo: photos: holds files but no demo.json")


def test_too_few_songs_are_wrong_usage(run_tool):
    assert run_tool("clem-demo", "--songs", 1).returncode == 2


def test_help_imports_neither_numpy_nor_soundfile():
    code = "import sys, ml_skeleton_demo_library.cli; print([m for m in ('numpy', 'soundfile') if m in sys.modules])"

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)

    assert (done.stdout, done.stderr) == ("[]\n", "")
