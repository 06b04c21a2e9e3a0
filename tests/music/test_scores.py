"""Scores and floors: figures that a person can check with a pencil."""

import math

import numpy as np
import pytest
from ml_skeleton.music.floors import album_mean, artist_mean
from ml_skeleton.music.recordings import recordings_of
from ml_skeleton.music.scores import Scores, score


def test_perfect_predictions_score_perfectly():
    true = np.array([0.2, 0.4, 0.8, 1.0])

    assert score(true, true) == Scores(4, 1.0, 0.0, 0.0, 1.0)


def test_errors_are_in_stars():
    scores = score(np.array([0.5, 0.5]), np.array([0.3, 0.9]))

    assert (scores.mae_stars, scores.rmse_stars) == (pytest.approx(1.5), pytest.approx(math.sqrt(2.5)))


def test_a_constant_prediction_has_no_rank_correlation_and_an_auc_of_one_half():
    scores = score(np.full(4, 0.5), np.array([0.2, 0.4, 0.8, 1.0]))

    assert (scores.spearman, scores.auc_loved) == (None, 0.5)


def test_an_auc_without_a_loved_song_is_undefined():
    assert score(np.array([0.1, 0.2, 0.3]), np.array([0.1, 0.2, 0.3])).auc_loved is None


def test_auc_is_the_share_of_pairs_in_the_right_order():
    assert score(np.array([0.9, 0.2, 0.5, 0.1]), np.array([1.0, 0.8, 0.2, 0.3])).auc_loved == 0.75


def test_the_artist_mean_knows_only_what_it_is_given(make_song):
    known = recordings_of([make_song(1, artist="A", rating=0.2), make_song(2, artist="A", rating=0.4)])
    asked = recordings_of([make_song(3, artist="A"), make_song(4, artist="New")])

    np.testing.assert_allclose(artist_mean(known, asked, fallback=0.6), [0.3, 0.6])


def test_the_album_mean_leaves_the_song_itself_out(make_song):
    rated = recordings_of([make_song(n, album="X", rating=r) for n, r in ((1, 0.2), (2, 0.4), (3, 0.9))])

    np.testing.assert_allclose(album_mean(rated, rated, fallback=0.0), [0.65, 0.55, 0.3])


def test_the_only_rated_song_of_an_album_gets_the_artist_s_mean(make_song):
    rated = recordings_of([make_song(1, album="X", rating=0.2), make_song(2, album="Y", rating=0.8)])

    np.testing.assert_allclose(album_mean(rated, rated, fallback=0.0), [0.8, 0.2])
