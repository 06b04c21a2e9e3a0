"""evaluate: figures on songs that nothing has learned from, beside their floors."""

import numpy as np
import pytest
from ml_skeleton.artifacts.embeddings import open_store
from ml_skeleton.artifacts.evaluations import read_evaluation
from ml_skeleton.errors import InputError
from ml_skeleton.music.rated import FitSettings, rated_songs
from ml_skeleton_evaluate.evaluate import current, evaluate, table

SETTINGS = FitSettings(max_steps=60)


def songs_of(path):
    with open_store(path) as store:
        return rated_songs(store, None)


def run(path, out):
    return evaluate(songs_of(path), out, 5, SETTINGS)


def test_a_signal_beats_every_floor(make_store, rated_library, tmp_path):
    done = run(make_store(rated_library), tmp_path)

    errors = {method: figures["rmse_stars"] for method, figures in done.figures.items()}
    assert min(errors, key=errors.get) == "model"
    assert done.figures["model"]["spearman"] > 0.9
    assert done.verdict.startswith("rank correlation 0.9")


def test_embeddings_that_know_nothing_are_reported_as_no_signal(make_store, rated_library, tmp_path):
    done = run(make_store(rated_library, noise=1000.0), tmp_path)

    assert done.verdict.startswith("no audio signal shown")


def test_only_songs_whose_rating_the_encoder_has_not_seen_are_tested(make_store, rated_library, tmp_path):
    rated = [song.audio_id for song in rated_library if song.rating is not None]

    done = run(make_store(rated_library, seen=rated[:25]), tmp_path)

    assert {prediction.audio_id for prediction in done.predictions} == set(rated[25:])
    assert (done.rated_songs, done.tested_songs) == (40, 15)


def test_a_model_cannot_profit_from_ratings_of_the_tested_album(make_song, make_store, tmp_path):
    random = np.random.default_rng(1)
    levels = random.random(12).round(1)
    songs = [make_song(n, artist=f"A{n // 5}", album=f"B{n // 5}", rating=float(levels[n // 5])) for n in range(60)]

    done = run(make_store(songs, noise=1000.0), tmp_path)

    assert done.figures["album mean*"]["spearman"] > 0.99
    assert (done.figures["model"]["spearman"] or 0.0) < 0.4


def test_the_figures_of_a_constant_floor_are_undefined_and_not_zero(make_store, rated_library, tmp_path):
    done = run(make_store(rated_library), tmp_path)

    assert done.figures["global mean"]["spearman"] is None
    assert "undefined" in table(done)


def test_too_few_songs_to_test_say_what_to_do(make_store, rated_library, tmp_path):
    rated = [song.audio_id for song in rated_library if song.rating is not None]

    with pytest.raises(InputError, match=r"40 rated songs, of which 2 are new .* larger --test-fraction"):
        run(make_store(rated_library, seen=rated[2:]), tmp_path)


def test_songs_of_one_album_cannot_be_held_out(make_store, make_song, tmp_path):
    with pytest.raises(InputError, match="and two albums, are needed"):
        run(make_store([make_song(n, rating=n / 10) for n in range(1, 10)]), tmp_path)


def test_a_second_run_finds_its_own_figures_and_a_new_rating_does_not(make_store, make_song, rated_library, tmp_path):
    store = make_store(rated_library)
    done = run(store, tmp_path)
    rated_anew = songs_of(make_store([make_song(1, rating=0.7), *rated_library[1:]], "other.db"))

    assert current(songs_of(store), tmp_path, 5, SETTINGS) == done
    assert current(rated_anew, tmp_path, 5, SETTINGS) is None


def test_the_command_prints_the_path_alone_and_the_table_aside(make_store, rated_library, run_tool, tmp_path):
    done = run_tool("evaluate", make_store(rated_library), "--out", "report")

    assert (done.returncode, done.stdout) == (0, "report/evaluation.json\n")
    assert "artist mean" in done.stderr
    assert read_evaluation(tmp_path / "report" / "evaluation.json").tested_songs == 40
