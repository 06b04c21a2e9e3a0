"""No key leaves with a commit."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CHECK = ROOT / ".ci/check_secrets.py"
KEY = "AKIA" + "Q3EGRIWPZ5TYB7KD"  # in two parts, or this very file would be refused


@pytest.fixture
def repository(tmp_path):
    subprocess.run(["git", "init", "--quiet", tmp_path], check=True)
    (tmp_path / "notes.txt").write_text("nothing to hide\n")
    return tmp_path


def check(folder, *arguments):
    return subprocess.run([sys.executable, CHECK, *arguments], cwd=folder, capture_output=True, text=True)


def test_a_planted_key_is_found_in_a_file_that_git_does_not_know_yet(repository):
    (repository / "settings.py").write_text(f'region = "eu"\naws_access_key = "{KEY}"\n')

    done = check(repository)

    assert done.returncode == 1, done.stdout
    assert done.stdout.splitlines() == [
        "file         status  safe or not  notes",
        "notes.txt    new     safe",
        "settings.py  new     not safe     AWS Access Key in line 2",
        "verdict: NOT SAFE: 1 of 2 files hold what looks like a secret",
    ]


def test_the_table_says_what_git_knows_of_a_file(repository):
    commit = ["git", "-c", "user.name=a", "-c", "user.email=a@b.c", "commit", "--quiet", "--message", "x"]
    for name in ("as-it-was.txt", "changed.txt"):
        (repository / name).write_text("nothing\n")
    subprocess.run(["git", "add", "as-it-was.txt", "changed.txt"], cwd=repository, check=True)
    subprocess.run(commit, cwd=repository, check=True)
    (repository / "changed.txt").write_text("nothing at all\n")

    rows = [line.split()[:3] for line in check(repository).stdout.splitlines()[1:-1]]

    assert rows == [
        ["as-it-was.txt", "committed", "safe"],
        ["changed.txt", "changed", "safe"],
        ["notes.txt", "new", "safe"],
    ]


def test_what_git_ignores_is_not_looked_at(repository):
    (repository / ".gitignore").write_text(".env\n")
    (repository / ".env").write_text(f"AWS_ACCESS_KEY={KEY}\n")

    assert check(repository).returncode == 0


def test_this_repository_holds_no_secret():
    done = check(ROOT)

    assert done.returncode == 0, done.stdout


def test_the_hook_refuses_a_commit_with_a_key(repository):
    (repository / ".venv/bin").mkdir(parents=True)
    (repository / ".venv/bin/python").write_text(f'#!/bin/sh\nexec {sys.executable} "$@"\n')
    (repository / ".venv/bin/python").chmod(0o755)
    (repository / ".ci").mkdir()
    (repository / ".ci/check_secrets.py").write_text(CHECK.read_text())
    (repository / "settings.py").write_text(f'key = "{KEY}"\n')
    subprocess.run(["git", "add", "settings.py"], cwd=repository, check=True)
    commit = ["git", "-c", f"core.hooksPath={ROOT / '.githooks'}", "-c", "user.name=a", "-c", "user.email=a@b.c"]

    done = subprocess.run([*commit, "commit", "-m", "x"], cwd=repository, capture_output=True, text=True)

    assert done.returncode == 1
    assert "AWS Access Key" in done.stdout + done.stderr
