"""Neighbours: exact search, and hubs that hub correction takes down."""

import numpy as np
import pytest
from ml_skeleton.music import neighbours
from ml_skeleton.music.neighbours import Neighbours
from scipy.stats import norm

RANDOM = np.random.default_rng(0)


def normal(*shape):
    return RANDOM.standard_normal(shape).astype(np.float32)


def cosines(matrix):
    """Return the cosines (N, N) of standardised vectors, the plain way; -inf of a song with itself."""
    standard = (matrix - matrix.mean(0)) / matrix.std(0)
    unit = standard / np.linalg.norm(standard, axis=1, keepdims=True)
    found = (unit @ unit.T).astype(np.float64)
    np.fill_diagonal(found, -np.inf)
    return found


def test_the_nearest_songs_are_those_of_the_largest_cosine_in_order():
    matrix = normal(50, 6) + 10
    expected = np.argsort(-cosines(matrix), axis=1)[:, :5]

    found = Neighbours(matrix, hub_correction=False).nearest_to_songs(np.arange(50), 5)

    np.testing.assert_array_equal(found.rows, expected)
    np.testing.assert_allclose(found.similarity, np.take_along_axis(cosines(matrix), expected, 1), atol=1e-5)


def test_blocks_change_nothing(monkeypatch):
    space, songs = Neighbours(normal(40, 6)), np.arange(40)
    whole = space.nearest_to_songs(songs, 3)

    monkeypatch.setattr(neighbours, "NUMBERS_PER_BLOCK", 100)

    np.testing.assert_array_equal(space.nearest_to_songs(songs, 3).rows, whole.rows)


def test_mutual_proximity_is_the_product_of_both_songs_chances_under_normal_similarities():
    matrix = normal(30, 5)
    others = np.where(np.eye(30, dtype=bool), np.nan, cosines(matrix))
    chance = norm.cdf(others, np.nanmean(others, 1, keepdims=True), np.nanstd(others, 1, keepdims=True))

    found = Neighbours(matrix).similarity_of_songs(np.arange(30))

    off = ~np.eye(30, dtype=bool)
    np.testing.assert_allclose(found[off], (chance * chance.T)[off], atol=1e-4)


def test_mutual_proximity_spreads_the_top_tens_over_more_songs():
    matrix = np.exp(normal(400, 100) * normal(400, 1))  # songs that differ in spread make hubs

    times = [
        np.bincount(Neighbours(matrix, corrected).nearest_to_songs(np.arange(400), 10).rows.ravel(), minlength=400)
        for corrected in (False, True)
    ]

    assert times[1].max() < times[0].max() / 2
    assert (times[1] == 0).sum() < (times[0] == 0).sum()


@pytest.mark.parametrize("corrected", [False, True])
def test_a_vector_from_outside_finds_the_song_that_it_is(corrected):
    matrix = normal(60, 8)

    found = Neighbours(matrix, corrected).nearest_to(matrix[[7, 3]], 1)

    assert found.rows.tolist() == [[7], [3]]


def test_songs_that_sound_the_same_come_in_the_order_of_the_library():
    matrix = np.repeat(normal(3, 4), 3, axis=0)

    assert Neighbours(matrix, hub_correction=False).nearest_to_songs(np.array([1]), 2).rows.tolist() == [[0, 2]]


def test_a_dimension_that_does_not_vary_says_nothing():
    matrix = normal(30, 4)

    more = np.concatenate([matrix, np.full((30, 1), 7.3, np.float32)], axis=1)

    found, expected = (Neighbours(vectors).nearest_to_songs(np.arange(30), 5).rows for vectors in (more, matrix))

    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize(("songs", "expected"), [(3, (1, 2)), (1, (1, 0))])
def test_fewer_songs_than_asked_for_are_all_there_are(songs, expected):
    assert Neighbours(normal(songs, 4)).nearest_to_songs(np.array([0]), 10).rows.shape == expected


def test_no_question_no_answer():
    assert Neighbours(normal(5, 4)).nearest_to(normal(0, 4), 3).rows.shape[0] == 0


@pytest.mark.parametrize("dimensions", [2, 40])
def test_choosing_by_deviation_first_finds_the_same_as_all_chances_do(dimensions):
    space, songs = Neighbours(normal(5000, dimensions)), np.arange(40)
    proximity = space.similarity_of_songs(songs)
    expected = np.argsort(-proximity, axis=1, kind="stable")[:, :12]

    found = space.nearest_to_songs(songs, 12)

    np.testing.assert_array_equal(found.rows, expected)
    np.testing.assert_allclose(found.similarity, np.take_along_axis(proximity, expected, axis=1))


def test_the_nearest_of_some_songs_are_among_them_and_a_song_is_not_near_itself():
    matrix = np.array([[0, 1], [0.2, 1], [1, 0], [0.1, 1]], np.float32)

    found = Neighbours(matrix, hub_correction=False).nearest_of(np.array([3, 0]), np.array([0, 1, 2]), 3)

    assert found.rows.tolist() == [[0, 1, 2], [1, 2, 0]]
    assert (np.diff(found.similarity) <= 0).all() and found.similarity[1, 2] == -np.inf


@pytest.mark.parametrize("corrected", [True, False])
def test_all_ways_of_asking_agree_on_how_alike_two_songs_are(corrected):
    space, songs = Neighbours(normal(200, 6), corrected), np.arange(200)
    expected = space.similarity_of_songs(songs)

    between = space.similarity_between(songs, songs)
    nearest = space.nearest_of(songs, songs[50:], 5)
    to_vectors = space.similarity_to(space.unit)

    apart = ~np.eye(200, dtype=bool)
    np.testing.assert_allclose(between[apart], expected[apart])
    np.testing.assert_array_equal(nearest.rows, 50 + np.argsort(-expected[:, 50:], axis=1)[:, :5])
    np.testing.assert_allclose(to_vectors[apart], expected[apart], atol=0.03)  # a vector's crowd counts its own song
