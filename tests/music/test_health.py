"""Health of embeddings: what has collapsed is told from what merely points one way."""

import numpy as np
import pytest
from ml_skeleton.music.health import MOST_HUB_SONGS, measure_health, what_collapsed
from ml_skeleton.music.neighbours import Neighbours

RANDOM = np.random.default_rng(0)
SONGS, DIMENSION = 400, 64


def normal(*shape):
    return RANDOM.standard_normal(shape).astype(np.float32)


def judged(matrix):
    return what_collapsed(measure_health(matrix))


def test_random_vectors_are_healthy_and_of_nearly_full_rank():
    health = measure_health(normal(SONGS, DIMENSION))

    assert what_collapsed(health) is None
    assert health.effective_rank > 0.8 * DIMENSION
    assert abs(health.mean_cosine) < 0.01 and abs(health.mean_cosine_raw) < 0.01


def test_vectors_that_all_point_one_way_are_healthy_as_long_as_they_differ():
    health = measure_health(normal(SONGS, DIMENSION) + 100)

    assert (health.mean_cosine_raw > 0.999, what_collapsed(health)) == (True, None)


def test_songs_on_one_line_have_collapsed():
    assert "effective rank 1.00, at least 1.5 expected" in judged(np.outer(normal(SONGS), normal(DIMENSION)))


def test_a_line_with_a_little_noise_has_collapsed():
    assert "effective rank 1." in judged(np.outer(normal(SONGS), normal(DIMENSION)) + 0.02 * normal(SONGS, DIMENSION))


def test_songs_in_three_dimensions_have_not_collapsed():
    health = measure_health(normal(SONGS, 3) @ normal(3, DIMENSION))

    assert (health.effective_rank == pytest.approx(3, abs=0.2), what_collapsed(health)) == (True, None)


def test_one_vector_for_all_songs_has_collapsed():
    text = judged(np.tile(normal(DIMENSION), (SONGS, 1)))

    assert "effective rank 1.00" in text and "mean cosine of two songs 1.0000000" in text


def test_one_vector_but_for_rounding_has_collapsed():
    assert "mean cosine" in judged(normal(DIMENSION) + np.float32(1e-5) * normal(SONGS, DIMENSION))


def test_few_songs_are_not_judged():
    assert measure_health(np.ones((19, DIMENSION), np.float32)) is None


def test_variance_is_of_each_dimension():
    matrix = np.tile(np.array([[0.0, 1.0], [0.0, 3.0]], np.float32), (20, 1))

    assert measure_health(matrix).variance == (0.0, 1.0)


def test_the_mean_cosine_is_that_of_all_pairs():
    matrix = normal(30, 4) + 1
    unit = matrix / np.linalg.norm(matrix, axis=1, keepdims=True)
    pairs = (unit @ unit.T)[~np.eye(30, dtype=bool)]

    assert measure_health(matrix).mean_cosine_raw == pytest.approx(pairs.mean(), abs=1e-5)


def test_songs_that_are_near_to_everything_make_the_skew_large():
    even, uneven = normal(300, 100), np.exp(normal(300, 100) * normal(300, 1))  # songs that differ in spread make hubs

    assert measure_health(uneven).hub_skew > 3 * measure_health(even).hub_skew


def test_orphans_are_songs_in_nobody_s_top_ten():
    matrix = np.exp(normal(300, 8) * normal(300, 1))
    found = Neighbours(matrix, hub_correction=False).nearest_to_songs(np.arange(300), 10)

    assert 0 < measure_health(matrix).orphans == pytest.approx(1 - len(np.unique(found.rows)) / 300)


def test_hubs_of_a_large_library_are_those_of_a_sample_and_the_same_each_time():
    matrix = normal(MOST_HUB_SONGS + 500, 8)

    first, again = measure_health(matrix), measure_health(matrix.copy())

    assert (first.songs, first.hub_songs, first == again) == (MOST_HUB_SONGS + 500, MOST_HUB_SONGS, True)
