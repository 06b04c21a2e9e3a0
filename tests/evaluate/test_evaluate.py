"""evaluate: figures on songs that nothing has learned from, beside floors and controls."""

from pathlib import Path

import numpy as np
import pytest
from ml_skeleton.artifacts.embeddings import Version, open_or_make_store, open_store
from ml_skeleton.artifacts.evaluations import read_evaluation
from ml_skeleton.artifacts.provenance import Parent
from ml_skeleton.errors import InputError
from ml_skeleton.music.limits import known_figures
from ml_skeleton.music.rated import FitSettings, Targeting, rated_songs
from ml_skeleton_evaluate.evaluate import Protocol, current, evaluate
from ml_skeleton_evaluate.gather import gather
from ml_skeleton_evaluate.options import asked_for
from ml_skeleton_evaluate.table import table
from ml_skeleton_train_classifier.train import train_classifier

SETTINGS = FitSettings("ridge", folds=3)
PROTOCOL = Protocol(folds=3)


def gathered_from(path, names=None, features=("audio",)):
    with open_store(path) as store:
        return gather(store, names, 0.5, Targeting(features))


def run(path, out, names=None, **gathering):
    return evaluate(gathered_from(path, names, **gathering), out, PROTOCOL, SETTINGS)


def add_version(path, name, matrix_of):
    """Add a version whose vectors are `matrix_of` the number of songs."""
    with open_or_make_store(path, "embed") as store:
        audio_ids = sorted({song.audio_id for song in store.songs()})
        store.add_version(Version(name, "e" * 32, 4, {}, (Parent("encoder", "/e.pt", "e" * 32),), "2026-01-02"))
        matrix = matrix_of(len(audio_ids)).astype(np.float32)
        store.add_vectors(name, audio_ids, matrix, [False] * len(audio_ids))
    return path


def noise(songs):
    return np.random.default_rng(7).standard_normal((songs, 4))


@pytest.fixture(scope="module")
def own_songs(make_song):
    """Return 60 songs of 20 albums by 10 artists, every third unrated, each heard on another day."""
    return [
        make_song(
            n + 1,
            artist=f"Artist {n % 10}",
            album=f"Album {n % 20}",
            rating=(n * 7 % 11) / 10 if n % 3 else None,
            lastplayed=1_700_000_000 + n * 86_400,
            score=(n * 7 % 11) * 10.0,
        )
        for n in range(60)
    ]


@pytest.fixture(scope="module")
def measured(shared_store, own_songs):
    """Return what was measured of these songs, from a store in which the rating can be read off a vector."""
    store = shared_store(own_songs)
    return run(store, store.parent)


def test_a_signal_beats_every_floor_in_every_situation(measured):
    (done,) = measured.versions

    assert list(done.situations) == ["new song", "new album", "new artist", "later"]
    for situation in done.situations.values():
        errors = {name: figures["rmse_stars"].value for name, figures in situation.figures.items()}
        assert min(errors.keys() - {"player's score"}, key=errors.get) == "model"
    assert done.verdict.startswith("new album: rank correlation 0.9")


def test_embeddings_that_know_nothing_are_reported_as_no_signal(make_store, own_songs, tmp_path):
    done = run(make_store(own_songs, noise=1000.0), tmp_path)

    assert done.verdict.startswith("new album: no audio signal shown: ")
    assert "new artist: no audio signal shown: " in done.verdict


def test_means_of_other_songs_put_songs_in_no_order(make_store, own_songs, tmp_path):
    """The mean of the others is low where the songs left out are rated high: that is no order, and no wrong one."""
    store = add_version(make_store(own_songs), "alike-1", lambda songs: np.ones((songs, 4)))

    (done,) = run(store, tmp_path, ["alike-1"]).versions

    assert done.situations["new artist"].figures["model"]["spearman"].value is None
    means = {prediction.predicted["new artist"] for prediction in done.predictions}
    assert sorted(means) == pytest.approx(sorted({one.taught["new artist"] for one in done.predictions}))
    assert len(means) == 3


def test_a_control_that_hears_as_much_leaves_no_signal(make_store, own_songs, tmp_path):
    path = make_store(own_songs)
    with open_store(path) as store:
        same = store.vectors("v1").matrix
    add_version(path, "random-1234", lambda songs: same)

    (done,) = run(path, tmp_path).versions

    assert done.version == "v1"
    assert done.situations["new album"].gain.over == "random-1234"
    assert done.situations["new album"].verdict.startswith("no audio signal shown: rank correlation 0.9")
    assert "listening tells more than tags and means for certain" in done.situations["new album"].verdict


def test_a_control_that_lacks_songs_is_left_out_with_a_warning(make_store, own_songs, tmp_path, capsys):
    path = make_store(own_songs)
    with open_or_make_store(path, "embed") as store:
        store.add_version(Version("random-1234", "e" * 32, 4, {}, (), "2026-01-02"))

    (done,) = run(path, tmp_path).versions

    assert "random-1234" not in done.situations["new album"].figures
    assert "control random-1234 has no vector of 40 songs" in capsys.readouterr().err


def test_only_songs_whose_rating_the_encoder_has_not_seen_are_tested(make_store, own_songs, tmp_path):
    rated = [song.audio_id for song in own_songs if song.rating is not None]

    done = run(make_store(own_songs, seen=rated[:25]), tmp_path)

    assert {prediction.audio_id for prediction in done.versions[0].predictions} == set(rated[25:])
    assert (done.rated_songs, done.tested_songs) == (40, 15)


def test_ratings_of_an_album_help_its_songs_and_no_new_album(make_store, make_song, tmp_path):
    levels = np.random.default_rng(1).random(12).round(1)
    songs = [
        make_song(n, artist=f"A{n // 5}", album=f"B{n // 5}", rating=float(levels[n // 5]), score=None)
        for n in range(60)
    ]

    (done,) = run(make_store(songs, noise=1000.0), tmp_path).versions

    ranks = {name: situation.figures["model"]["spearman"].value or 0.0 for name, situation in done.situations.items()}
    assert ranks["new song"] > 0.9
    assert ranks["new album"] < 0.4
    assert done.situations["new song"].figures["album"]["spearman"].value > 0.9
    assert "album" not in done.situations["new album"].figures


def test_a_new_artist_is_predicted_by_ear_from_nobody_of_the_same_albums(make_store, make_song, tmp_path):
    levels = np.random.default_rng(1).random(12).round(1)
    songs = [make_song(n, artist=f"A{n}", album=f"B{n // 5}", rating=float(levels[n // 5])) for n in range(60)]

    (done,) = run(make_store(songs, noise=1000.0), tmp_path).versions

    assert (done.situations["new artist"].figures["model"]["spearman"].value or 0.0) < 0.4
    assert "artist" not in done.situations["new artist"].figures


def test_what_was_rated_later_is_predicted_from_before(make_store, own_songs, tmp_path):
    gathered = gathered_from(make_store(own_songs))
    since = 1_700_000_000 + 50 * 86_400

    done = evaluate(gathered, tmp_path, Protocol(folds=3, since=since), SETTINGS)

    later = [p for p in done.versions[0].predictions if "later" in p.predicted]
    played = {song.audio_id: song.lastplayed for song in own_songs if song.rating is not None}
    assert {p.audio_id for p in later} == {audio_id for audio_id, day in played.items() if day >= since}


def test_the_learning_curve_ends_with_the_figures_of_all_ratings(measured):
    (done,) = measured.versions

    assert [point.share for point in done.learning] == [0.25, 0.5, 1.0]
    assert done.learning[-1].figures == done.situations["new album"].figures["model"]


def test_the_same_version_twice_does_not_differ_and_a_deaf_one_is_worse(make_store, own_songs, tmp_path):
    path = make_store(own_songs)
    with open_store(path) as store:
        same = store.vectors("v1").matrix
    add_version(path, "twin", lambda songs: same)
    add_version(path, "deaf", noise)

    twin, deaf = run(path, tmp_path, ["v1", "twin", "deaf"]).comparisons

    assert (twin.neighbours, twin.playlist) == (1.0, 1.0)
    assert twin.differences["new album"]["spearman"].value == 0
    assert twin.verdict.startswith("no difference shown between twin and v1")
    assert deaf.verdict.startswith("deaf is worse")
    assert deaf.neighbours < 0.5


def test_versions_side_by_side_are_measured_as_one(make_store, own_songs, tmp_path):
    done = run(add_version(make_store(own_songs), "other", noise), tmp_path, ["v1+other"])

    assert [measured.version for measured in done.versions] == ["v1+other"]


def test_the_figures_of_a_constant_floor_are_undefined_and_not_zero(measured):
    assert measured.versions[0].situations["new album"].figures["global mean"]["spearman"].value is None
    assert "global mean" in table(measured)


def test_every_figure_that_a_gate_can_limit_is_known_beforehand(measured):
    later = {name for name in known_figures() if name.startswith("later.")}  # for songs with a time of rating alone

    assert set(measured.versions[0].figure_values()) | later == set(known_figures())


def test_too_few_songs_to_test_say_what_to_do(make_store, own_songs, tmp_path):
    rated = [song.audio_id for song in own_songs if song.rating is not None]

    with pytest.raises(InputError, match=r"40 rated songs, of which 2 are new .* larger --test-fraction"):
        run(make_store(own_songs, seen=rated[2:]), tmp_path)


def test_songs_of_one_album_cannot_be_held_out(make_store, make_song, tmp_path):
    with pytest.raises(InputError, match="and two albums, are needed"):
        run(make_store([make_song(n, rating=n / 10) for n in range(1, 10)]), tmp_path)


def test_a_second_run_finds_its_own_figures_and_a_new_rating_does_not(measured, make_store, make_song, own_songs):
    store = Path(measured.provenance.parents[0].path)
    rated_anew = gathered_from(make_store([make_song(1, rating=0.7), *own_songs[1:]], "other.db"))

    assert current(gathered_from(store), store.parent, PROTOCOL, SETTINGS) == measured
    assert current(rated_anew, store.parent, PROTOCOL, SETTINGS) is None


def test_the_command_prints_the_path_alone_and_the_table_aside(make_store, own_songs, run_tool, tmp_path):
    done = run_tool("evaluate", make_store(own_songs), "--classifier", "ridge", "--out", "report")

    assert (done.returncode, done.stdout) == (0, "report/evaluation.json\n")
    assert "v1, new artist (40 songs)" in done.stderr
    assert read_evaluation(tmp_path / "report" / "evaluation.json").tested_songs == 40
    assert "v1" in (tmp_path / "report" / "evaluation.html").read_text()


def test_a_classifier_s_checkpoint_says_how_to_measure(make_store, own_songs, tmp_path):
    targeting = Targeting(("audio", "metadata"), half_life_days=30.0)
    with open_store(make_store(own_songs)) as store:
        train_classifier(rated_songs(store, "v1", targeting=targeting), tmp_path / "c.pt", SETTINGS, None)

    asked = asked_for(None, str(tmp_path / "c.pt"), None, 42)

    assert (asked.versions, asked.settings, asked.targeting) == (["v1"], SETTINGS, targeting)
