"""embed --also: the version in use gets the songs that are new to a newer encoder."""

import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest
from ml_skeleton.artifacts.checkpoints import Header
from ml_skeleton.artifacts.crops import Crops
from ml_skeleton.artifacts.embeddings import open_store
from ml_skeleton_embed.embed import Options, embed_songs
from ml_skeleton_embed.in_use import keep_up

OPTIONS = Options(device="cpu")


@pytest.fixture
def store(make_crops, make_song, make_encoder, tmp_path) -> Path:
    """Return a store in which the encoder of seed 0 made vectors of two songs, under a name of its own."""
    crops = make_crops([make_song(1), make_song(2)], folder="before")
    embed_songs(make_encoder(seed=0), Crops(crops), tmp_path / "e.db", Options("in use", "cpu"))
    return tmp_path / "e.db"


@pytest.fixture
def grown(make_crops, make_song) -> Crops:
    """Return the crops of the same library with a third song."""
    return Crops(make_crops([make_song(number) for number in (1, 2, 3)], folder="after"))


@pytest.fixture
def kept_up(store, grown, make_encoder) -> Callable[[Header | Path | None], list[str]]:
    """Return a function that runs the newer encoder's turn of the one in use, and returns what it says."""
    newer = make_encoder(seed=1)

    def run(encoder: Header | Path | None) -> list[str]:
        path = encoder.path if isinstance(encoder, Header) else encoder
        return [str(one) for one in keep_up(path, newer, grown, store, OPTIONS)]

    return run


def test_the_version_of_the_encoder_in_use_gets_the_new_songs_whatever_it_is_called(kept_up, store, make_encoder):
    said = kept_up(make_encoder(seed=0))

    with open_store(store) as opened:
        held = {version.name: opened.count(version.name).songs for version in opened.versions()}
    assert (said, held) == (["1 songs embedded, 2 already there, version in use"], {"in use": 3})


@pytest.mark.parametrize("which", ["none", "missing", "the newer one"])
def test_nothing_is_done_for_no_encoder_and_for_the_newer_one_itself(kept_up, make_encoder, tmp_path, which):
    encoder = {"none": None, "missing": tmp_path / "none.pt", "the newer one": make_encoder(seed=1)}[which]

    assert kept_up(encoder) == []


def test_new_songs_are_not_added_to_vectors_of_crops_that_were_cut_in_another_way_and_that_is_said(
    kept_up, store, grown, make_encoder, capsys
):
    with sqlite3.connect(store) as database:
        database.execute("UPDATE versions SET settings = replace(settings, ?, 'of before')", (grown.policy,))

    assert kept_up(make_encoder(seed=0)) == []
    assert f"made vectors of other crops than {grown.policy}; new songs are not added" in capsys.readouterr().err
