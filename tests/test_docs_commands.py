"""Every command of the documentation is run, page by page, beside a little library and what was made of it."""

import doctest
import os
import re
import shlex
import shutil
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import duckdb
import pytest
from ml_skeleton.artifacts.embeddings import open_store
from ml_skeleton_nightly import night, steps
from pages import OTHERS, ROOT, TOOL_PAGES, Block, blocks
from shell import JUST, OURS, lines_of_recipe, run_line

PAGES = [ROOT / "README.md", *OTHERS, *TOOL_PAGES]
WITH_PYTHON = [page for page in PAGES if "```pycon" in page.read_text(encoding="utf-8")]

INSTALLS = "installs gigabytes of packages over the network; `just fresh-root` and `just release-check` do so"
SERVES = "serves until Ctrl-C; tests/framework_server starts one"
ENGINE = "needs Docker; tests/docker looks at what it is given"
SONG = "Salt Museum - Broken Valley"  # of the little library
NOT_RUN = {  # what is not run here, as a pattern of the whole line, and why
    r"python3 -m venv .*": INSTALLS,
    r"(\.venv/bin/)?pip (install|download) .*": INSTALLS,
    r"\. \.venv/bin/activate.*": "changes nothing but the PATH",
    r"docker compose .*": ENGINE,
    r"just mlflow-ui.*": SERVES,
    r"ml_skeleton mlflow-ui .*": SERVES,
    r"just demo.*|clem-demo .*": "makes music for some minutes; tests/demo makes less, `just fresh-root` all of it",
    r"python3 examples/.*": "tests/framework_utils/test_examples.py runs it",
    r"ml_skeleton tune configs/example.yaml .*": "tests/framework_utils/test_examples.py runs it",
    r"train-encoder .* --encoder (hf|musicnn):.*": "needs weights; test_hf.py and test_musicnn.py make some",
}
SMALLER = {  # what is written, and what a test makes of it, so that it takes a second and not minutes
    r"--epochs \d+": "--epochs 1",
    r"(^|\| )train-encoder(?= |$)(?!.*--epochs)": r"\1train-encoder --epochs 1",
    r"-n \d+": "-n 1",
    r"--n-trials \d+": "--n-trials 1",
    r"spearman=0\.2": "spearman=-1",  # these vectors are of an encoder of one epoch
    r"unreachable=0\.3": "unreachable=1",
    r"-- train-encoder .*--lr (\{\S*\}).*": r"-- sh loss.sh \1",  # tests/tune tunes the real one
    r"n_trials = \d+": "n_trials = 1",
    r"Abe Contributors - Game": SONG,
    r"(evaluate listen .*)artifacts/embeddings\.db": r"\1two.db",  # the little library has one version
}


PYTHON_NOT_RUN = {"shared/README.md": SERVES, "tools/demo-library/README.md": "tests/demo runs it"}


@pytest.fixture
def workplace(after_the_line, little_library, monkeypatch) -> Path:
    """Return the current folder, with all that the pages take for granted."""
    here = after_the_line
    (here / "demo").unlink()
    for made in ("crops", "checkpoints", "artifacts"):
        shutil.copytree(here / made, here / "demo" / made)
    for place in (here, here / "demo", here / "home/.config/Clementine"):
        place.mkdir(parents=True, exist_ok=True)
        shutil.copy(little_library / "clementine.db", place)
    shutil.copy(here / "checkpoints/encoder.pt", here / "checkpoints/simple.pt")
    for linked in ("configs", "Justfile", ".env.example"):
        (here / linked).symlink_to(ROOT / linked)
    store_of_two(here / "two.db", here / "artifacts/embeddings.db")
    (here / "loss.sh").write_text('echo "{\\"val_loss\\": $1}"\n')
    monkeypatch.syspath_prepend(here)
    monkeypatch.setenv("HOME", str(here / "home"))
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "off")
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}:{os.environ['PATH']}")
    monkeypatch.setattr(night.run_night, "__defaults__", (run_step,))
    return here


def store_of_two(path: Path, store: Path) -> None:
    """Write a store that holds the vectors of `store` under the two names that the pages compare."""
    shutil.copy(store, path)
    with open_store(path) as opened:
        version = opened.versions()[-1]
        vectors = opened.vectors(version.name)
        for name, sign in (("simple-1234abcd", 1), ("multiscale-1234abcd", -1)):
            opened.add_version(replace(version, name=name))
            opened.add_vectors(name, vectors.audio_ids, sign * vectors.matrix, vectors.rating_seen.tolist())


def run_step(words: Sequence[str]) -> steps.Ended:
    """Run a step of a night in this process as well."""
    ended = run_line(smaller(shlex.join(words)))
    return steps.Ended(ended.exit_code, ended.stderr)


def why_not(line: str) -> str | None:
    return next((why for pattern, why in NOT_RUN.items() if re.fullmatch(pattern, line)), None)


def smaller(line: str) -> str:
    for pattern, replacement in SMALLER.items():
        line = re.sub(pattern, replacement, line)
    return line


def commands_of(line: str) -> list[str]:
    """Return the line, or what the recipe of just runs that it names, but for recipes within recipes."""
    if not line.startswith("just"):
        return [line]
    lines = lines_of_recipe(*shlex.split(line, comments=True)[1:])
    return [command for command in lines if shlex.split(command)[0] in {*OURS, "echo", "cp"}]


def run_block(block: Block, page: str) -> list[str]:
    """Run what a block holds in the current folder, and return what went wrong."""
    if block.file_name:
        Path(block.file_name).write_text(block.file_content, encoding="utf-8")
    elif block.language == "python" and page not in PYTHON_NOT_RUN:
        exec(compile(smaller(block.content), page, "exec"), {"__name__": "__main__"})
    elif block.language == "sql":
        duckdb.sql(block.content).fetchall()
    wrong = []
    for line in block.commands():
        if why_not(line):
            continue
        for command in commands_of(line):
            ended = run_line(smaller(command))
            if ended.exit_code:
                wrong.append(f"$ {command}\nexit {ended.exit_code}\n{ended.stderr}")
    return wrong


@pytest.mark.skipif(JUST is None, reason="just is not installed")
@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_command_of_a_page_does_its_work(page, workplace):
    name = str(page.relative_to(ROOT))

    wrong = [said for block in blocks(page.read_text(encoding="utf-8")) for said in run_block(block, name)]

    assert wrong == []


@pytest.mark.parametrize("page", WITH_PYTHON, ids=lambda page: page.name)
def test_what_a_page_shows_of_python_is_what_python_says(page):
    shown = "".join(block.content for block in blocks(page.read_text("utf-8")) if block.language == "pycon")
    said: list[str] = []

    doctest.DocTestRunner().run(doctest.DocTestParser().get_doctest(shown, {}, page.name, None, 0), out=said.append)

    assert said == []


def test_every_reason_not_to_run_a_command_is_needed():
    lines = [line for page in PAGES for block in blocks(page.read_text("utf-8")) for line in block.commands()]

    assert [pattern for pattern in NOT_RUN if not any(re.fullmatch(pattern, line) for line in lines)] == []
