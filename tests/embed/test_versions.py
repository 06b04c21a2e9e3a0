"""embed --list, --drop, and what happens when a version has collapsed."""

import json
import subprocess
import sys

import numpy as np
import pytest
from ml_skeleton.artifacts.embeddings import Health, Version, open_or_make_store, open_store
from ml_skeleton.errors import InputError, UsageError, UserError
from ml_skeleton_embed.cli import app
from ml_skeleton_embed.versions import drop_version, list_versions, refuse_collapse
from typer.testing import CliRunner

GOOD = Health(3, 0.91, 0.01, 7.5, (0.5, 0.25), 3, 1.25, 0.1)
COLLAPSED = Health(3, 1.0, 0.01, 1.0, (0.5, 0.25), 3, 1.25, 0.1)


@pytest.fixture
def store(tmp_path, make_song):
    """Return a store of three versions, two songs and a vector of a third."""
    path = tmp_path / "store.db"
    with open_or_make_store(path, "test") as made:
        for name, health in (("good", GOOD), ("collapsed", COLLAPSED), ("new", None)):
            made.add_version(Version(name, "0123456789abcdef" * 2, 2, {}, (), "2026-01-01T00:00:00+00:00", health))
        made.replace_songs([make_song(1), make_song(2)])
        made.add_vectors("good", [f"{n:032x}" for n in (1, 2, 3)], np.eye(3, 2, dtype=np.float32), [False] * 3)
    return path


def test_a_list_says_what_each_version_is_and_how_healthy(store):
    title, *rows = [line.split() for line in list_versions(store, as_json=False).splitlines()]

    assert title[:6] == ["version", "dim", "songs", "strays", "created", "encoder"]
    made = ["2026-01-01T00:00:00+00:00", "01234567"]
    hubs = ["0.25", "1.25", "10.0%"]
    assert rows == [
        ["good", "2", "2", "1", *made, "7.5", "0.010", "0.910", *hubs, "good"],
        ["collapsed", "2", "0", "0", *made, "1.0", "0.010", "1.000", *hubs, "collapsed"],
        ["new", "2", "0", "0", *made, "not", "measured"],
    ]


def test_a_list_as_json_holds_the_variance_of_each_dimension(store):
    versions = json.loads(list_versions(store, as_json=True))

    assert [(v["name"], v["songs"], v["strays"], v["health"] and v["health"]["variance"]) for v in versions] == [
        ("good", 2, 1, [0.5, 0.25]),
        ("collapsed", 0, 0, [0.5, 0.25]),
        ("new", 0, 0, None),
    ]


def test_a_version_that_is_dropped_is_gone(store):
    drop_version(store, "good")

    with open_store(store) as opened:
        assert [version.name for version in opened.versions()] == ["collapsed", "new"]


def test_a_version_that_is_not_there_is_refused(store):
    with pytest.raises(InputError, match="no version 'old'; it holds collapsed, good, new"):
        drop_version(store, "old")


def test_a_collapsed_version_is_refused_with_figures_and_a_way_out(store):
    with pytest.raises(UserError, match=r"rank 1\.00, at least 1\.5 expected; .* --drop collapsed") as refused:
        refuse_collapse(store, "collapsed", COLLAPSED)

    assert (refused.value.exit_code, "\n" in str(refused.value)) == (1, False)


def test_a_healthy_version_is_not_refused(store):
    refuse_collapse(store, "good", GOOD)


@pytest.mark.parametrize("place", [[], ["--store"]])
def test_the_store_can_be_the_argument_or_the_option(store, place):
    done = CliRunner().invoke(app, ["--drop", "good", *place, str(store)])

    assert (done.exit_code, done.stdout) == (0, f"{store}\n")


def test_the_list_is_on_standard_output(store):
    assert CliRunner().invoke(app, ["--list", str(store)]).stdout == f"{list_versions(store, as_json=False)}\n"


@pytest.mark.parametrize("arguments", [["--json"], ["--list", "--drop", "good"]])
def test_options_that_do_not_go_together_are_wrong_usage(arguments):
    assert isinstance(CliRunner().invoke(app, arguments).exception, UsageError)


def test_a_list_does_not_import_torch(store):
    code = f"""
import sys
sys.argv = ["embed", "--list", {str(store)!r}]
from ml_skeleton_embed.cli import app
app(standalone_mode=False)
print([name for name in ("torch", "scipy", "duckdb") if name in sys.modules])
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)

    assert done.stdout.splitlines()[-1] == "[]", done.stderr
