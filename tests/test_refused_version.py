"""What `just music-pipeline` does with a version that the gate refuses; its commands run in this process."""

import sqlite3
from pathlib import Path

import pytest
from ml_skeleton.artifacts.embeddings import open_store
from ml_skeleton.artifacts.playlists import read_playlist
from shell import JUST, Ended, lines_of_recipe, run_line

ROOT = Path(__file__).resolve().parents[1]
STORE, BEST = Path("artifacts/embeddings.db"), Path("artifacts/recommendations/best.json")
CONFIG = """
clem-extract: {seconds: 4}
train-encoder: {encoder: simple, encoder_args: '{"width": 4}', window: 1, test_fraction: 0.4, seed: 7}
train-classifier: {model: ridge, folds: 2}
evaluate: {classifier: ridge, folds: 2}
"""


@pytest.fixture
def home(after_the_line) -> Path:
    """Return the current folder, where another encoder is in use than the one that CONFIG trains."""
    (after_the_line / "Justfile").symlink_to(ROOT / "Justfile")
    (after_the_line / "config.yaml").write_text(CONFIG)
    assert run_recipe("gate").exit_code == 0
    return after_the_line


def run_recipe(*words: str) -> Ended:
    """Run the commands of a recipe in order, until one fails, and return how that one ended."""
    settings = ["db=demo/clementine.db", "config=config.yaml", "epochs=1", "device=cpu"]
    ended = Ended(0, "", "")
    for line in lines_of_recipe(*settings, *words):
        ended = run_line(line)
        if ended.exit_code:
            break
    return ended


def forget_songs(store: Path, listed: set[str]) -> None:
    """Have the store hold no vector of these recordings, as if they were new."""
    with sqlite3.connect(store) as database:
        database.executemany("DELETE FROM vectors WHERE audio_id = ?", [(audio_id,) for audio_id in listed])


@pytest.mark.skipif(JUST is None, reason="just is not installed")
def test_the_version_of_before_lists_new_songs_where_the_new_one_is_refused_and_that_fails(home):
    before, tracks = read_playlist(BEST)
    new = {track["audio_id"] for track in tracks[:3]}
    forget_songs(STORE, new)

    ended = run_recipe("limits=--min spearman=2", "music-pipeline")

    after, tracks = read_playlist(BEST)
    with open_store(STORE) as store:
        refused = store.newest(rejected_too=True).name
    assert (ended.exit_code, f"{refused} does not pass" in ended.stderr) == (1, True), ended.stderr
    assert after.parent("embeddings").part == before.parent("embeddings").part != refused
    assert new <= {track["audio_id"] for track in tracks}


@pytest.mark.skipif(JUST is None, reason="just is not installed")
def test_a_limit_that_is_misspelt_stops_the_pipeline_before_it_makes_playlists(home):
    before = BEST.stat().st_mtime_ns

    ended = run_recipe("limits=--min spearmen=0.2", "music-pipeline")

    assert (ended.exit_code, "no such figure" in ended.stderr, BEST.stat().st_mtime_ns) == (2, True, before)
