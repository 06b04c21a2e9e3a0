"""Intervals over albums: the songs of an album come and go together, and comparisons share their samples."""

import numpy as np
import pytest
from ml_skeleton.artifacts.evaluations import Figure
from ml_skeleton.music.resampling import album_samples, difference, figure_of, scored


def test_the_songs_of_an_album_are_in_a_sample_equally_often():
    samples = album_samples(["x", "y", "x", "z"], seed=1)

    assert (samples[:, 0] == samples[:, 2]).all()
    assert (samples[:, 0] + samples[:, 1] + samples[:, 3] == 3).all()


def test_the_same_seed_draws_the_same_samples():
    np.testing.assert_array_equal(album_samples(["x", "y"], 1), album_samples(["x", "y"], 1))


def test_an_interval_covers_the_truth_as_often_as_it_says():
    random = np.random.default_rng(0)
    albums = [str(n // 4) for n in range(160)]
    inside = []
    for _ in range(60):
        levels = np.repeat(random.standard_normal((2, 40)), 4, axis=1)
        one, noise = 0.5 * levels + 0.5 * random.standard_normal((2, 160))
        figure = scored(one, 0.6 * one + 0.8 * noise, album_samples(albums, 1, 200)).figures()["pearson"]
        inside.append(figure.low <= 0.6 <= figure.high)  # the correlation that both were made with

    assert np.mean(inside) > 0.85


def test_songs_of_few_albums_promise_less_than_as_many_songs_of_many():
    random = np.random.default_rng(0)
    level = np.repeat(random.random(10), 20)
    true, guessed = level, level + np.repeat(random.normal(0, 0.3, 10), 20)

    def width(albums):
        figure = scored(guessed, true, album_samples(albums, 1)).figures()["rmse_stars"]
        return figure.high - figure.low

    assert width([str(n // 20) for n in range(200)]) > 3 * width([str(n) for n in range(200)])


def test_a_method_is_not_different_from_itself():
    true = np.arange(10) / 10
    one = scored(true[::-1].copy(), true, album_samples([str(n) for n in range(10)], 1))

    assert difference(one, one, "spearman") == Figure(0.0, 0.0, 0.0)


def test_what_ranks_nothing_counts_as_chance_in_a_comparison():
    true = np.arange(10) / 10
    weights = album_samples([str(n) for n in range(10)], 1)
    perfect, constant = (scored(values, true, weights) for values in (true, np.full(10, 0.5)))

    assert difference(perfect, constant, "spearman").value == pytest.approx(1.0)


def test_samples_without_the_figure_are_left_out():
    assert figure_of(0.5, np.array([np.nan, 0.5, np.nan])) == Figure(0.5, 0.5, 0.5)
    assert figure_of(np.nan, np.array([0.5])) == Figure(None)
