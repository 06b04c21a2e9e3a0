"""Gathering: what lists need of a store is kept beside it, for as long as nothing changes."""

from dataclasses import replace

import numpy as np
import pytest
from ml_skeleton.artifacts.catalogues import catalogue_of
from ml_skeleton.artifacts.checkpoints import read_header
from ml_skeleton.artifacts.embeddings import open_store
from ml_skeleton_recommend import gathering
from ml_skeleton_recommend.gathering import read_library
from ml_skeleton_recommend.make import make
from ml_skeleton_recommend.request import KINDS, Request

SEEDS = {"like": ("1", "4"), "path": ("1", "20")}


@pytest.fixture
def read(library_of, rated_library, tmp_path):
    """Return a function that reads the library of a store that was read before."""
    library_of(rated_library)

    def again(**changes):
        header = read_header(tmp_path / "c.pt", "classifier")
        with open_store(tmp_path / "store.db") as store:
            return read_library(replace(header, content={**header.content, **changes}), store)

    return again


@pytest.fixture
def counted(monkeypatch):
    """Return a list that grows whenever a library is gathered from its store."""
    gathered, really = [], gathering._gathered
    monkeypatch.setattr(gathering, "_gathered", lambda *given: gathered.append(given) or really(*given))
    return gathered


def test_the_second_time_nothing_is_gathered(read, counted):
    read()

    assert counted == []


def test_a_new_rating_is_seen(read, counted, rated_library, tmp_path):
    changed = [replace(song, rating=0.9) if song.rating is None else song for song in rated_library]
    with open_store(tmp_path / "store.db") as store:
        store.replace_songs(changed)

    library = read()

    assert (len(counted), np.isnan(library.ratings).any()) == (1, False)


def test_another_classifier_is_asked_anew(read, counted):
    library = read(intervals={"0.8": 0.0})

    assert (len(counted), library.expected[1].tolist()) == (1, library.expected[2].tolist())


@pytest.mark.parametrize("spoil", [lambda path: path.write_bytes(b""), lambda path: path.unlink()])
def test_a_lost_catalogue_is_made_again(read, counted, tmp_path, spoil):
    path = catalogue_of(tmp_path / "store.db")
    before = path.read_bytes()
    spoil(path)

    read()

    assert (len(counted), path.read_bytes()[-1000:]) == (1, before[-1000:])


def test_where_nothing_can_be_kept_the_library_is_read_all_the_same(read, tmp_path):
    path = catalogue_of(tmp_path / "store.db")
    path.unlink()
    path.mkdir()

    library = read()

    assert (len(library.recordings), list(path.iterdir())) == (60, [])


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "album"])  # there is none to discover
def test_a_list_is_the_same_whether_gathered_or_kept(read, counted, tmp_path, kind):
    request = Request(kind, songs=SEEDS.get(kind, ()), where="song_id > 0")
    kept = make(read(), request, tmp_path)
    catalogue_of(tmp_path / "store.db").unlink()

    gathered = make(read(), request, tmp_path)

    assert (len(counted), gathered.playlists, gathered.left_out) == (1, kept.playlists, kept.left_out)


def test_vectors_are_read_from_the_store_when_they_are_needed(read, counted):
    kept = read()

    assert (counted, kept.matrix.shape) == ([], (60, 4))


def test_what_a_class_of_the_listener_says_is_not_kept(read, tmp_path):
    path = catalogue_of(tmp_path / "store.db")
    path.unlink()
    with open_store(tmp_path / "store.db") as store:
        read_library(read_header(tmp_path / "c.pt", "classifier"), store, "their_module:Class")

    assert not path.exists()
