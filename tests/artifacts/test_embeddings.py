"""The embedding store: one behaviour, two databases."""

import errno
import os
import sqlite3
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from ml_skeleton.artifacts.embeddings import Health, Version, open_or_make_store, open_store
from ml_skeleton.artifacts.provenance import Parent
from ml_skeleton.errors import InputError, UsageError, UserError

SUFFIXES = [".db", ".duckdb"]
VERSION = Version("v1", "e" * 32, 3, {"window_s": 5.0}, (Parent("encoder", "/encoder.pt", "e" * 32),), "2026-01-01")
MATRIX = np.array([[1, 2, 3], [4, 5, 6]], dtype=np.float32)

pytestmark = pytest.mark.parametrize("suffix", SUFFIXES)


@pytest.fixture
def path(tmp_path, suffix):
    return tmp_path / f"embeddings{suffix}"


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(arrays(np.float32, (4, 3), elements=st.floats(width=32, allow_nan=False)))
def test_vectors_come_back_bit_for_bit_in_the_order_of_audio_id(tmp_path_factory, suffix, matrix):
    with open_or_make_store(tmp_path_factory.mktemp("store") / f"e{suffix}", "test") as store:
        store.add_version(VERSION)
        store.add_vectors("v1", ["b", "a", "d", "c"], matrix, [True, False, False, True])
        found = store.vectors("v1")

    assert found.audio_ids == ["a", "b", "c", "d"]
    np.testing.assert_array_equal(found.matrix, matrix[[1, 0, 3, 2]])
    assert found.rating_seen.tolist() == [False, True, True, False]


def test_songs_come_back_as_they_were(path, make_song):
    songs = [
        make_song(1, rating=None, year=None, playlists=None),
        make_song(2, title="Ünïcödé 🎵", album_keys=("a|||b", "c|||d"), playlists=("x", "y")),
        make_song(3, playlists=()),
    ]
    with open_or_make_store(path, "test") as store:
        store.replace_songs(songs)

    with open_store(path) as store:
        assert store.songs() == songs


def test_versions_stand_side_by_side_and_the_newest_is_the_default(path):
    with open_or_make_store(path, "test") as store:
        store.add_version(VERSION)
        store.add_version(Version("v2", "f" * 32, 2, {}, (), "2026-01-02"))
        store.add_vectors("v1", ["a", "b"], MATRIX, [False, False])

    with open_store(path) as store:
        assert [version.name for version in store.versions()] == ["v1", "v2"]
        assert (store.version(None).name, store.version("v1")) == ("v2", VERSION)
        assert (store.audio_ids("v1"), store.audio_ids("v2")) == ({"a", "b"}, set())


def test_a_dropped_version_takes_its_vectors_along(path):
    with open_or_make_store(path, "test") as store:
        store.add_version(VERSION)
        store.add_vectors("v1", ["a", "b"], MATRIX, [False, False])
        store.drop_version("v1")
        store.add_version(VERSION)

        assert (store.audio_ids("v1"), store.vectors("v1").matrix.shape) == (set(), (0, 3))


def test_an_unknown_version_is_refused_with_those_that_exist(path):
    with open_or_make_store(path, "test") as store:
        store.add_version(VERSION)
        with pytest.raises(InputError, match="no version 'v9'; it holds v1"):
            store.version("v9")


def test_an_empty_store_says_how_to_fill_it(path):
    with open_or_make_store(path, "test") as store, pytest.raises(InputError, match="holds no embeddings yet"):
        store.version(None)


def test_a_failed_transaction_leaves_nothing(path):
    with open_or_make_store(path, "test") as store:
        store.add_version(VERSION)
        with pytest.raises(ZeroDivisionError), store.transaction() as database:
            database.execute("DELETE FROM versions")
            _ = 1 / 0

        assert [version.name for version in store.versions()] == ["v1"]


def test_a_missing_store_is_refused(path):
    with pytest.raises(InputError, match="no embeddings here; make them with: embed"), open_store(path):
        pass


def test_a_text_file_is_refused(path):
    path.write_text("not a database at all, but long enough to be read as a header\n" * 20)

    with pytest.raises(InputError, match="not a"), open_store(path):
        pass


def test_a_database_of_somebody_else_is_refused_and_left_alone(path):
    if path.suffix == ".db":
        with sqlite3.connect(path) as database:
            database.execute("CREATE TABLE songs (title TEXT)")
    else:
        import duckdb

        with duckdb.connect(str(path)) as database:
            database.execute("CREATE TABLE songs (title VARCHAR)")

    with pytest.raises(InputError, match="embedding store"), open_store(path):
        pass


def test_an_empty_file_of_a_killed_first_run_is_made_anew(path):
    path.touch()

    with open_or_make_store(path, "test") as store:
        assert store.versions() == []


def test_an_empty_file_that_cannot_be_made_anew_is_one_line(path, monkeypatch):
    path.touch()

    def refused(_path):
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr(Path, "unlink", refused)

    with pytest.raises(UserError, match="cannot be made anew: Read-only file system"), open_or_make_store(path, "test"):
        pass


def test_a_suffix_that_names_no_database_is_refused(tmp_path, suffix):
    with pytest.raises(UsageError, match=r"suffix '.txt'"), open_store(tmp_path / f"{suffix}.txt"):
        pass


def test_a_truncated_store_is_damaged_and_says_how_to_make_it_again(path):
    with open_or_make_store(path, "test") as store:
        store.add_version(Version("v1", "e" * 32, 256, {}, (), "2026-01-01"))
        ids = [f"{number:032x}" for number in range(2000)]
        store.add_vectors("v1", ids, np.random.default_rng(0).random((2000, 256), np.float32), [False] * 2000)
    os.truncate(path, path.stat().st_size // 3)

    with pytest.raises(InputError, match=r"damaged .*; delete it, then: embed"), open_store(path) as store:
        store.vectors("v1")


def test_health_comes_back_as_it_was(path):
    health = Health(60, 0.95, -0.01, 12.5, (0.5, 0.25, 1e-9), 60, 1.5, 0.05)
    with open_or_make_store(path, "test") as store:
        store.add_version(VERSION)
        store.set_health("v1", health)

        assert store.versions() == [replace(VERSION, health=health)]


def test_parts_come_back_in_their_order(path):
    with open_or_make_store(path, "test") as store:
        store.add_version(version := replace(VERSION, parts={"timbre": 2, "rhythm": 1}))

        assert store.versions() == [version]
        assert list(store.versions()[0].parts) == ["timbre", "rhythm"]


def test_a_store_of_an_earlier_release_is_read_and_gets_the_new_columns(path):
    with open_or_make_store(path, "test") as store:
        store.add_version(VERSION)
        with store.transaction() as database:
            for column in ("health", "rejected", "parts"):
                database.execute(f"ALTER TABLE versions DROP COLUMN {column}")

    with open_store(path) as store:
        assert store.versions() == [VERSION]
    with open_or_make_store(path, "test") as store:
        store.set_health("v1", health := Health(60, 0.9, 0.0, 9.0, (1.0,), 60, 1.0, 0.0))
        assert store.versions() == [replace(VERSION, health=health)]


def test_a_vector_of_no_song_is_a_stray_and_can_be_dropped(path, make_song):
    with open_or_make_store(path, "test") as store:
        store.add_version(VERSION)
        store.add_vectors("v1", [f"{1:032x}", f"{2:032x}"], MATRIX, [False, False])
        store.replace_songs([make_song(1), make_song(3, audio_id=None)])

        assert store.count("v1") == (1, 1)
        assert (store.drop_strays(), store.count("v1")) == (1, (1, 0))
