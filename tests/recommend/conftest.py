"""Builders of libraries to recommend from."""

import shutil
from pathlib import Path

import pytest
from ml_skeleton.artifacts.checkpoints import read_header
from ml_skeleton.artifacts.embeddings import open_store
from ml_skeleton.music.rated import FitSettings, rated_songs
from ml_skeleton_recommend.gathering import read_library
from ml_skeleton_train_classifier.train import train_classifier


@pytest.fixture(scope="session")
def trained(tmp_path_factory) -> Path:
    """Return where the classifier lies that all tests of a session share, once the first has trained it."""
    return tmp_path_factory.mktemp("trained") / "c.pt"


@pytest.fixture
def library_of(make_store, rated_library, trained, tmp_path):
    """Return a function that embeds songs and returns their library, with a classifier that learned from others."""

    def make(songs):
        if not trained.exists():
            with open_store(make_store(rated_library)) as store:
                train_classifier(rated_songs(store, None), trained, FitSettings(), None)
        shutil.copy(trained, tmp_path / "c.pt")
        with open_store(make_store(songs)) as store:
            return read_library(read_header(tmp_path / "c.pt", "classifier"), store)

    return make
