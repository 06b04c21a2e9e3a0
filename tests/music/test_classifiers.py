"""The classifier: it learns what there is, and the mean where there is nothing."""

import numpy as np
import torch
from ml_skeleton.music.classifiers import SimpleRatingClassifier, build_classifier, fit_classifier, predict
from ml_skeleton.music.rated import FitSettings

SETTINGS = FitSettings(max_steps=60)


def songs(count=60, signal=1.0, seed=0):
    random = np.random.default_rng(seed)
    matrix = random.standard_normal((count, 8)).astype(np.float32)
    ratings = 1 / (1 + np.exp(-signal * matrix[:, 0] - (1 - signal) * random.standard_normal(count)))
    return matrix, ratings, np.arange(count) % 4


def test_ratings_stay_between_0_and_1():
    module = SimpleRatingClassifier(4)

    ratings = predict(module, torch.randn(100, 4) * 1e4)

    assert ratings.min() >= 0 and ratings.max() <= 1


def test_a_signal_in_the_embeddings_is_learned():
    matrix, ratings, folds = songs(signal=1.0)

    fitted = fit_classifier(matrix, ratings, folds, SETTINGS)

    assert fitted.curve[fitted.steps] < 0.1 * ratings.var()


def test_noise_is_answered_with_about_the_mean():
    matrix, ratings, folds = songs(signal=0.0, seed=3)

    fitted = fit_classifier(matrix, ratings, folds, SETTINGS)

    assert np.abs(predict(fitted.module, matrix) - ratings.mean()).max() < 0.2


def test_the_same_seed_gives_the_same_weights():
    first, second = (fit_classifier(*songs(), SETTINGS).module.state_dict() for _ in range(2))

    assert all(first[name].equal(second[name]) for name in first)


def test_one_rated_song_is_answered_with_its_rating():
    fitted = fit_classifier(np.ones((1, 4), np.float32), np.array([0.8]), np.array([0]), SETTINGS)

    np.testing.assert_allclose(predict(fitted.module, np.random.randn(5, 4).astype(np.float32)), 0.8, atol=1e-6)


def test_a_checkpointed_classifier_predicts_the_same():
    matrix, ratings, folds = songs()
    fitted = fit_classifier(matrix, ratings, folds, SETTINGS)

    again = build_classifier("mlp", fitted.arguments, fitted.module.state_dict())

    np.testing.assert_array_equal(predict(again, matrix), predict(fitted.module, matrix))


def test_what_a_line_misses_is_learned_by_the_hidden_layer():
    random = np.random.default_rng(0)
    matrix = random.uniform(-1, 1, (400, 2)).astype(np.float32)
    ratings = np.abs(matrix[:, 0]).astype(np.float64)

    fitted = fit_classifier(matrix, ratings, np.arange(400) % 4, FitSettings(max_steps=150, lr=1e-2))

    assert fitted.curve[fitted.steps] < 0.5 * fitted.curve[0]


def test_songs_whose_rating_the_encoder_has_seen_do_not_set_the_length_of_training():
    matrix, ratings, folds = songs(count=80, signal=0.0, seed=1)
    seen = np.arange(80) >= 20
    matrix[seen, 0] = ratings[seen] * 10  # as an encoder that learned them by heart would do

    trusting = fit_classifier(matrix, ratings, folds, SETTINGS)
    careful = fit_classifier(matrix, ratings, folds, SETTINGS, seen)

    assert careful.penalty > trusting.penalty
