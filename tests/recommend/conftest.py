"""Builders of libraries to recommend from."""

import pytest
from ml_skeleton.artifacts.checkpoints import read_header
from ml_skeleton.artifacts.embeddings import open_store
from ml_skeleton.music.rated import FitSettings, rated_songs
from ml_skeleton_recommend.library import read_library
from ml_skeleton_train_classifier.train import train_classifier


@pytest.fixture
def library_of(make_store, tmp_path):
    """Return a function that embeds songs, trains a classifier on them and returns the library."""

    def make(songs):
        with open_store(make_store(songs)) as store:
            train_classifier(rated_songs(store, None), tmp_path / "c.pt", FitSettings(), None)
            return read_library(read_header(tmp_path / "c.pt", "classifier"), store)

    return make
