"""Scores and floors: figures that a person can check with a pencil."""

import math

import numpy as np
import pytest
from ml_skeleton.music.floors import album_mean, artist_mean, genre_mean, has_score, players_score
from ml_skeleton.music.recordings import recordings_of
from ml_skeleton.music.scores import FIGURES, Scores, resampled_scores, score
from scipy import stats

LISTENER = np.random.default_rng(0)
TRUE = LISTENER.integers(0, 11, 200) / 10
GUESSED = (TRUE + LISTENER.normal(0, 0.3, 200)).round(1)  # many alike


def test_perfect_predictions_score_perfectly():
    true = np.array([0.2, 0.4, 0.8, 1.0])

    perfect = {"spearman": 1.0, "pearson": 1.0, "rmse_stars": 0.0, "mae_stars": 0.0, "r2": 1.0, "auc_loved": 1.0}
    found = score(true, true)

    assert {name: pytest.approx(getattr(found, name)) for name in perfect} == perfect
    assert (found.songs, found.precision_at_20, found.ndcg_at_50) == (4, None, pytest.approx(1.0))


def test_errors_are_in_stars():
    scores = score(np.array([0.5, 0.5]), np.array([0.3, 0.9]))

    assert (scores.mae_stars, scores.rmse_stars) == (pytest.approx(1.5), pytest.approx(math.sqrt(2.5)))


def test_correlations_are_those_of_scipy_where_many_are_predicted_alike():
    scores = score(GUESSED, TRUE)

    assert scores.spearman == pytest.approx(stats.spearmanr(GUESSED, TRUE).statistic)
    assert scores.pearson == pytest.approx(stats.pearsonr(GUESSED, TRUE).statistic)


def test_songs_of_two_models_stand_in_the_order_of_how_far_each_is_above_its_model_s_mean():
    true, taught = np.array([0.9, 0.7, 0.5, 0.3]), np.array([0.4, 0.4, 0.8, 0.8])
    above = np.array([0.2, 0.1, 0.0, -0.1])

    together, alone = score(taught + above, true, taught), score(taught + above, true)

    assert (together.spearman, alone.spearman) == (pytest.approx(1.0), pytest.approx(-0.6))
    assert together.auc_loved == 1.0
    assert (together.rmse_stars, together.mae_stars, together.r2) == (alone.rmse_stars, alone.mae_stars, alone.r2)


def test_the_mean_rating_explains_nothing_and_a_worse_guess_less_than_nothing():
    true = np.array([0.2, 0.4, 0.6])

    assert (score(np.full(3, 0.4), true).r2, score(np.full(3, 0.0), true).r2) == (pytest.approx(0), pytest.approx(-6))


def test_a_constant_prediction_has_no_rank_correlation_and_the_luck_of_the_draw_elsewhere():
    true = np.repeat([0.2, 0.4, 0.8, 1.0], 10)

    scores = score(np.full(40, 0.5), true)

    assert (scores.spearman, scores.pearson, scores.auc_loved) == (None, None, 0.5)
    assert scores.precision_at_20 == pytest.approx(0.5)


def test_an_auc_without_a_loved_song_is_undefined():
    assert score(np.array([0.1, 0.2, 0.3]), np.array([0.1, 0.2, 0.3])).auc_loved is None


def test_auc_is_the_share_of_pairs_in_the_right_order():
    assert score(np.array([0.9, 0.2, 0.5, 0.1]), np.array([1.0, 0.8, 0.2, 0.3])).auc_loved == 0.75


def test_precision_counts_the_loved_among_the_first_twenty():
    true = np.array([1.0] * 5 + [0.2] * 15 + [1.0] * 10)

    assert score(np.linspace(1, 0, 30), true).precision_at_20 == pytest.approx(0.25)


def test_a_gain_counts_the_more_the_nearer_to_the_top():
    true = np.array([0.2, 1.0])

    got = score(np.array([0.9, 0.1]), true).ndcg_at_50

    assert got == pytest.approx((0.2 + 1 / math.log2(3)) / (1 + 0.2 / math.log2(3)))


def test_a_sample_scores_as_its_songs_written_out_do():
    times = np.random.default_rng(1).integers(0, 4, (3, len(TRUE)))

    sampled = resampled_scores(GUESSED, TRUE, times.astype(float))

    for sample, weights in enumerate(times):
        written_out = score(np.repeat(GUESSED, weights), np.repeat(TRUE, weights))
        assert {name: sampled[name][sample] for name in FIGURES} == pytest.approx(
            {name: getattr(written_out, name) for name in FIGURES}
        )


def test_every_figure_is_one_of_the_scores():
    assert set(FIGURES) == {name for name in Scores.__dataclass_fields__ if name != "songs"}


def rated_by(make_song, ratings, **tags):
    return recordings_of([make_song(n, rating=r, **{k: v[n] for k, v in tags.items()}) for n, r in enumerate(ratings)])


def test_an_artist_whose_ratings_agree_is_believed_and_a_new_one_gets_the_fallback(make_song):
    known = rated_by(make_song, [0.2, 0.2, 0.8, 0.8], artist=["A", "A", "B", "B"])
    asked = recordings_of([make_song(7, artist="A"), make_song(8, artist="New")])

    np.testing.assert_allclose(artist_mean(known, asked, fallback=0.5), [0.2, 0.5])


def test_artists_that_do_not_differ_are_not_believed(make_song):
    known = rated_by(make_song, [0.2, 0.8, 0.2, 0.8], artist=["A", "A", "B", "B"])
    asked = recordings_of([make_song(7, artist="A")])

    np.testing.assert_allclose(artist_mean(known, asked, fallback=0.6), [0.6], atol=1e-6)


def test_one_rating_of_an_artist_draws_less_than_many(make_song):
    artists = ["A"] * 8 + ["B"] * 8 + ["C"]
    known = rated_by(make_song, [0.1, 0.3] * 4 + [0.7, 0.9] * 4 + [0.2], artist=artists)
    asked = recordings_of([make_song(30, artist="A"), make_song(31, artist="C")])

    many, one = artist_mean(known, asked, fallback=0.5)

    assert 0.2 < many < one < 0.5


def test_the_album_mean_leaves_the_song_itself_out(make_song):
    rated = rated_by(make_song, [0.2, 0.2, 0.8, 0.8, 0.3], artist=list("AABBC"), album=list("XXYYZ"))

    np.testing.assert_allclose(album_mean(rated, rated, fallback=0.5)[[0, 4]], [0.2, 0.5], atol=0.02)


def test_the_genre_mean_reads_the_first_genre_that_is_known(make_song):
    known = rated_by(make_song, [0.2, 0.2, 0.8, 0.8], genre=["Rock", "rock", "Jazz", "Jazz"])
    asked = recordings_of([make_song(7, genre="Unheard of; ROCK"), make_song(8, genre="")])

    np.testing.assert_allclose(genre_mean(known, asked, fallback=0.5), [0.2, 0.5])


def test_the_player_s_score_becomes_a_rating_as_the_rated_songs_tell(make_song):
    known = rated_by(make_song, [0.1, 0.3, 0.5, 0.7, 0.9] * 20, score=[10, 30, 50, 70, 90] * 20)
    asked = recordings_of([make_song(200, score=90.0), make_song(201, score=None)])

    np.testing.assert_allclose(players_score(known, asked, fallback=0.6), [0.9, 0.6], atol=0.02)
    assert [has_score(known), has_score(asked[1:])] == [True, False]
