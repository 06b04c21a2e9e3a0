"""train-classifier: it learns from rated songs, names its embeddings, and does no work twice."""

from pathlib import Path

import pytest
from ml_skeleton.artifacts.checkpoints import read_header
from ml_skeleton.artifacts.embeddings import open_store
from ml_skeleton.artifacts.metrics import read_metrics
from ml_skeleton.errors import InputError
from ml_skeleton.music.rated import FitSettings, rated_songs
from ml_skeleton_train_classifier.train import is_current, train_classifier

SETTINGS = FitSettings(max_steps=40)


def songs_of(path):
    with open_store(path) as store:
        return rated_songs(store, None)


def test_the_error_falls_below_that_of_the_mean_rating(make_store, rated_library, tmp_path):
    done = train_classifier(songs_of(make_store(rated_library)), tmp_path / "c.pt", SETTINGS, None)

    assert (done.rated_songs, done.error_stars < 0.7 * done.floor_stars) == (40, True)


def test_the_checkpoint_names_the_embeddings_it_was_trained_on(make_store, rated_library, tmp_path):
    store = make_store(rated_library)
    songs = songs_of(store)
    train_classifier(songs, tmp_path / "c.pt", SETTINGS, None)

    header = read_header(tmp_path / "c.pt", "classifier")
    assert (header.content["version"], header.content["encoder_fingerprint"]) == ("v1", "e" * 32)
    assert header.provenance.parents == (songs.parent,)
    assert (songs.parent.path, songs.parent.part) == (str(store), "v1")


def test_nothing_new_is_known_from_vectors_ratings_and_settings(make_store, make_song, rated_library, tmp_path):
    songs = songs_of(make_store(rated_library))
    train_classifier(songs, tmp_path / "c.pt", SETTINGS, None)
    rated_anew = songs_of(make_store([make_song(1, rating=0.7), *rated_library[1:]], "other.db"))

    answers = [
        is_current(songs, tmp_path / "c.pt", SETTINGS),
        is_current(songs, tmp_path / "c.pt", FitSettings(max_steps=41)),
        is_current(rated_anew, tmp_path / "c.pt", SETTINGS),
    ]

    assert answers == [True, False, False]


def test_a_rated_song_that_is_speech_is_left_out(make_store, make_song):
    songs = songs_of(make_store([make_song(1, speech=0.9), make_song(2, speech=0.1), make_song(3)]))

    assert [recording.song.song_id for recording in songs.recordings] == [2, 3]


def test_a_store_without_a_rated_song_is_refused(make_store, make_song):
    path = make_store([make_song(1, rating=None)])

    with pytest.raises(InputError, match=r"store.db: no rated song; rate some in the player"):
        songs_of(path)


def test_the_command_prints_the_path_alone_and_a_result_line(make_store, rated_library, run_tool, tmp_path):
    store = make_store(rated_library)

    done = run_tool("train-classifier", "--out", "c.pt", "--metrics", "m.jsonl", "--max-steps", 5, stdin=f"{store}\n")

    points, result = read_metrics(Path(tmp_path / "m.jsonl"))
    assert (done.returncode, done.stdout) == (0, "c.pt\n")
    assert (len(points), result["rated_songs"]) == (6, 40)
