"""Ridge regression against the textbook, and a penalty that fits the signal."""

import numpy as np
import pytest
from ml_skeleton.music.ridge import PENALTIES, choose_penalty, fit_ridge, predict_left_out


def data(count=200, noise=0.0, seed=0):
    random = np.random.default_rng(seed)
    matrix = random.standard_normal((count, 5)).astype(np.float32) * [1, 10, 0.1, 1, 1] + [0, 3, 0, 0, 0]
    return matrix.astype(np.float32), matrix @ [0.3, 0.01, 2.0, 0, 0] + noise * random.standard_normal(count)


def test_it_is_the_solution_of_the_normal_equations_on_standardised_features():
    matrix, ratings = data(noise=0.5)
    standard = (matrix - matrix.mean(0)) / matrix.std(0)
    slopes = np.linalg.solve(standard.T @ standard + 7 * np.eye(5), standard.T @ (ratings - ratings.mean()))

    ridge = fit_ridge(matrix, ratings, 7.0)

    np.testing.assert_allclose(ridge.slopes, slopes, rtol=1e-4)
    np.testing.assert_allclose(ridge.predict(matrix), ratings.mean() + standard @ slopes, rtol=1e-4, atol=1e-4)


def test_what_is_said_of_a_song_does_not_know_its_rating():
    matrix, ratings = data(count=40, noise=0.1)
    folds, judged = np.arange(40) % 4, np.ones(40, bool)
    other = np.where(folds == 2, -ratings, ratings)

    first, second = (predict_left_out(matrix, found, folds, judged) for found in (ratings, other))

    penalty = choose_penalty(matrix, other, folds, judged)
    expected = fit_ridge(matrix[folds != 2], ratings[folds != 2], penalty).predict(matrix[folds == 2])
    np.testing.assert_allclose(second[folds == 2], expected)
    assert np.corrcoef(first, ratings)[0, 1] > 0.9


def test_a_feature_that_does_not_vary_counts_for_nothing():
    matrix, ratings = data()
    matrix[:, 3] = 0.1

    assert fit_ridge(matrix, ratings, 1.0).slopes[3] == pytest.approx(0, abs=1e-6)


def test_more_features_than_songs_are_no_problem():
    random = np.random.default_rng(0)

    ridge = fit_ridge(random.standard_normal((10, 300)).astype(np.float32), random.random(10), 10.0)

    assert np.isfinite(ridge.slopes).all()


def test_a_clear_signal_is_trusted_more_than_noise():
    everything = np.ones(200, dtype=bool)
    clear, noisy = (choose_penalty(*data(noise=noise), np.arange(200) % 5, everything) for noise in (0.001, 1e3))

    assert clear == PENALTIES[0] < noisy
