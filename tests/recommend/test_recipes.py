"""Recipes: a file of playlists is read whole and checked before anything is made."""

from pathlib import Path

import pytest
from ml_skeleton.artifacts.playlists import read_playlist
from ml_skeleton.errors import UsageError
from ml_skeleton_recommend.recipes import read_recipes
from ml_skeleton_recommend.request import Request

OURS = Path(__file__).parents[2] / "configs/playlists.yaml"


def recipes(tmp_path, text):
    (tmp_path / "r.yaml").write_text(text)
    return read_recipes(tmp_path / "r.yaml", Request())


def test_a_recipe_is_a_request_over_the_defaults_of_the_file(tmp_path):
    text = """
defaults: {per-artist: 2, top: 30}
playlists:
  near: {kind: like, songs: 5, unlike: [6], top: 10, weight: {taste: 0.2}, fresh: 2w}
  plain:
"""

    assert recipes(tmp_path, text.replace("songs: 5", "songs: [5]")) == [
        Request("like", "near", "", ("5",), ("6",), {"taste": 0.2}, top=10, per_artist=2, fresh_days=14.0),
        Request("best", "plain", top=30, per_artist=2),
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("playlists: {a: {knid: best}}", "a: unknown key 'knid'; did you mean 'kind'?"),
        ("playlist: {a: {}}", "the file: unknown key 'playlist'; did you mean 'playlists'?"),
        ("playlists: {a: {kind: bets}}", "a: kind 'bets': expected one of best"),
        ("playlists: {a: {top: many}}", "a: top: found 'many', expected a whole number"),
        ("playlists: {a: {top: true}}", "a: top: found True, expected a whole number"),
        ("playlists: {a: {fresh: soon}}", "fresh soon: expected a time such as 14d"),
        ("playlists: {a: 3}", "a: found int, expected key: value lines"),
        ("playlists: {../a: {}}", "expected the name of a file"),
        ("defaults: {top: 3}", "no playlists"),
        ("- a", "the file: found list"),
        ("a: [", "not a YAML file"),
    ],
)
def test_what_is_wrong_is_said_with_where_it_stands(tmp_path, text, message):
    with pytest.raises(UsageError) as refused:
        recipes(tmp_path, text)

    assert message in str(refused.value)


def test_all_recipes_that_come_along_are_made_by_one_command_or_by_a_configuration_that_names_them(
    library_of, rated_library, run_tool, tmp_path
):
    library_of(rated_library)
    (tmp_path / "c.yaml").write_text(f"recommend: {{recipes: {OURS}}}")

    done = run_tool("recommend", "c.pt", "--store", "store.db", "--recipes", OURS, "--out", "lists")
    again = run_tool("recommend", "c.pt", "--store", "store.db", "--config", "c.yaml", "--out", "lists")

    names = {path.stem for path in (tmp_path / "lists").glob("*.xspf")}
    assert (done.returncode, done.stdout, again.returncode) == (0, "lists\n", 0)
    assert {"best", "fresh", "rate-these", "mix-1"} <= names and "nothing new" in again.stderr


def test_nothing_is_written_when_one_of_the_recipes_is_wrong(library_of, rated_library, run_tool, tmp_path):
    library_of(rated_library)
    (tmp_path / "r.yaml").write_text("playlists: {good: {}, wrong: {where: gendre = 'x'}}")

    done = run_tool("recommend", "c.pt", "--store", "store.db", "--recipes", "r.yaml", "--out", "lists")

    assert (done.returncode, (tmp_path / "lists").exists()) == (2, False)


def test_paths_go_to_standard_output_for_a_dash(library_of, rated_library, run_tool, tmp_path):
    library_of(rated_library)

    done = run_tool("recommend", "c.pt", "--store", "store.db", "--out", "-", "--top", "3")

    lines = done.stdout.splitlines()
    assert (done.returncode, len(lines), all(line.startswith("/music/") for line in lines)) == (0, 3, True)
    assert not (tmp_path / "-").exists()


def test_like_reads_its_seeds_from_the_command_line_without_torch(library_of, rated_library, run_tool, tmp_path):
    library_of(rated_library)

    done = run_tool(
        "recommend", "like", "Artist 0 - Title 1", "--classifier", "c.pt", "--store", "store.db", "--top", "5"
    )

    _, tracks = read_playlist(tmp_path / "artifacts/recommendations/like.json")
    assert (done.returncode, len(tracks), 1 in {track["song_id"] for track in tracks}) == (0, 5, False)
