"""A little library and what the whole line makes of it, made once for all tests and all test processes."""

import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from ml_skeleton_demo_library.library import make_library
from shell import run_words

SHORT = "--seconds 4"
QUICK = "--encoder simple --encoder-args '{\"width\": 4}' --epochs 1 --window 1 --test-fraction 0.4"
WHOLE_LINE = (
    f"clem-extract --db demo/clementine.db {SHORT} | train-encoder {QUICK} "
    "| embed | train-classifier --max-steps 5 | recommend"
)


@pytest.fixture(scope="session")
def made_once(tmp_path_factory) -> Callable[[str, Callable[[Path], object]], Path]:
    """Return a function that returns the folder of that name, filled by the first test process that asks for it."""
    base = tmp_path_factory.getbasetemp()
    together = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base

    def make(name: str, fill: Callable[[Path], object]) -> Path:
        folder, done = together / name, together / f"{name}.done"
        with open(together / f"{name}.lock", "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not done.exists():
                folder.mkdir()
                fill(folder)
                done.touch()
        return folder

    return make


@pytest.fixture(scope="session")
def little_library(made_once) -> Path:
    """Return the folder of a library of 24 short songs and the usual oddities; tests must not change it."""

    def make(folder: Path) -> None:
        make_library(folder / "demo", songs=24, seconds=(3, 6), seed=3)

    return made_once("little-library", make) / "demo"


@pytest.fixture(scope="session")
def whole_line(made_once, little_library) -> Path:
    """Return a folder in which bash has run WHOLE_LINE, and then evaluate; tests must not change it.

    `demo` there is the library. ended.json says how it ended, and whether the library changed.
    """

    def run(folder: Path) -> None:
        (folder / "demo").symlink_to(little_library)
        before = content_of(little_library)
        environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
        command = ["bash", "-o", "pipefail", "-c", WHOLE_LINE]
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, text=True, cwd=folder, env=environment
        )
        ended = {"exit_code": done.returncode, "stdout": done.stdout, "stderr": done.stderr}
        ended["library_changed"] = content_of(little_library) != before
        (folder / "ended.json").write_text(json.dumps(ended))
        run_words(["evaluate", str(folder / "artifacts/embeddings.db"), "--out", str(folder / "evaluation"), "--quiet"])

    return made_once("whole-line", run)


@pytest.fixture
def after_the_line(whole_line, tmp_path, monkeypatch) -> Path:
    """Return a folder of this test's own, the current one, with all that the whole line made."""
    for made in whole_line.iterdir():
        if made.is_dir() and not made.is_symlink():
            shutil.copytree(made, tmp_path / made.name)
    (tmp_path / "demo").symlink_to(whole_line / "demo")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def content_of(folder: Path) -> dict[str, tuple[str, int]]:
    """Return digest and time of change of every file below a folder."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {
        str(path.relative_to(folder)): (hashlib.sha256(path.read_bytes()).hexdigest(), path.stat().st_mtime_ns)
        for path in files
    }
