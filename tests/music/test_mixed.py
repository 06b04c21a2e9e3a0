"""The Gaussian process with artist and album effects, against the textbook written out in full."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from ml_skeleton.music.classifiers.effects import no_effects
from ml_skeleton.music.classifiers.kernel import FARTHEST, distances2, make_space
from ml_skeleton.music.classifiers.mixed import fit_mixed, make_design
from ml_skeleton.music.classifiers.variances import INTERCEPT, Variances, _surprise, choose_variances, covariance_of
from ml_skeleton.music.inputs import Inputs
from ml_skeleton.music.targets import all_rated

LINES = {"audio": 0.02, "metadata": 0.01, "timbre": 0.03, "rhythm": 0.005}
VARIANCES = Variances(LINES, bend=0.03, width2=8.0, artist=0.01, album=0.02, noise=0.015)


def library(count=60, seed=0, metadata=2):
    random = np.random.default_rng(seed)
    artists = random.integers(1, 9, count)
    inputs = Inputs(
        random.standard_normal((count, 5 + metadata)).astype(np.float32),
        {"audio": 5, "metadata": metadata},
        artists,
        artists * 10 + random.integers(0, 3, count),
    )
    return inputs, random.integers(1, 11, count) / 10


def covariance(inputs, space, variances, others):
    """Return the prior covariance (N, M) of the ratings of two sets of songs, but for noise."""
    a, b = (space.standard(songs.matrix).astype(np.float64) for songs in (inputs, others))
    total = np.full((len(a), len(b)), INTERCEPT)
    for name, columns in inputs.weighed().items():
        total += variances.lines[name] * a[:, columns] @ b[:, columns].T / (columns.stop - columns.start)
    parts = inputs.parts or {"audio": 5}
    ends = np.cumsum([0, *parts.values()])
    apart = sum(((a[:, None, f:t] - b[None, :, f:t]) ** 2).mean(2) for f, t in pairwise(ends)) * 5 / len(parts)
    total += variances.bend * np.exp(-apart / (2 * variances.width2))
    total += variances.artist * ((inputs.artists[:, None] == others.artists) & (inputs.artists != 0)[:, None])
    return total + variances.album * ((inputs.albums[:, None] == others.albums) & (inputs.albums != 0)[:, None])


def exact(known, ratings, weights, asked, space):
    """Return mean and variance of a Gaussian process in function space."""
    prior = covariance(known, space, VARIANCES, known) + np.diag(VARIANCES.noise / weights)
    across, mean = covariance(asked, space, VARIANCES, known), np.average(ratings, weights=weights)
    spread = covariance(asked, space, VARIANCES, asked) - across @ np.linalg.solve(prior, across.T)
    return mean + across @ np.linalg.solve(prior, ratings - mean), np.diag(spread)


def fitted(inputs, ratings, weights, rows):
    examples = all_rated(inputs, ratings)
    examples.weights[:] = weights
    space = make_space(inputs)
    return fit_mixed(make_design(inputs, space, VARIANCES), examples, rows), space


@pytest.mark.parametrize("parts", [{}, {"timbre": 2, "rhythm": 3}])
def test_predictions_are_those_of_the_process_in_function_space(parts):
    inputs, ratings = library()
    inputs = replace(inputs, parts=parts)
    weights = np.random.default_rng(1).uniform(0.3, 2.0, 60)
    rows, asked = np.arange(45), inputs.at(np.arange(45, 60))

    mixed, space = fitted(inputs, ratings, weights, rows)

    mean, _ = exact(inputs.at(rows), ratings[rows], weights[rows], asked, space)
    np.testing.assert_allclose(mixed.ear.predict(asked.matrix)[0] + mixed.effects.predict(asked)[0], mean, atol=2e-4)


def test_the_variance_of_what_is_heard_is_that_of_the_process():
    inputs, ratings = library()
    nobody = inputs.by_ear()
    rows, asked = np.arange(45), nobody.at(np.arange(45, 60))

    mixed, space = fitted(nobody, ratings, np.ones(60), rows)

    _, variance = exact(nobody.at(rows), ratings[rows], np.ones(45), asked, space)
    np.testing.assert_allclose(mixed.ear.predict(asked.matrix)[1], variance, rtol=5e-3, atol=1e-4)


@pytest.mark.parametrize("parts", [{}, {"timbre": 2, "rhythm": 3}])
def test_before_any_rating_songs_go_together_by_sound_artist_and_album(parts):
    inputs = replace(library()[0], parts=parts)
    space = make_space(inputs)

    found = covariance_of(inputs, space, VARIANCES)

    np.testing.assert_allclose(found, covariance(inputs, space, VARIANCES, inputs), atol=1e-9)


def test_the_variance_of_nested_effects_is_that_of_the_textbook():
    random = np.random.default_rng(0)
    artists = random.integers(1, 5, 40)
    inputs = Inputs(np.zeros((40, 1), np.float32), {"audio": 1}, artists, artists * 10 + random.integers(0, 3, 40))
    same_artist = inputs.artists[:, None] == inputs.artists
    prior = VARIANCES.artist * same_artist + VARIANCES.album * (inputs.albums[:, None] == inputs.albums)
    after = prior - prior @ np.linalg.solve(prior + VARIANCES.noise * np.eye(40), prior)

    mixed = fit_mixed(
        make_design(inputs, make_space(inputs), Variances({"audio": 0.0}, 0.0, 1.0, 0.01, 0.02, 0.015)),
        all_rated(inputs, np.full(40, 0.5)),
        np.arange(40),
    )

    np.testing.assert_allclose(mixed.effects.predict(inputs)[1], np.diag(after), rtol=1e-6)


def test_an_unknown_artist_and_album_add_all_of_their_variance():
    inputs, _ = library(3)

    mean, variance = no_effects(0.3, 0.4).predict(inputs)

    assert (mean.tolist(), variance.tolist()) == ([0.0] * 3, [0.7] * 3)


def test_a_song_without_tags_has_no_effect_though_other_songs_have_none_either():
    inputs, ratings = library()
    mixed, _ = fitted(inputs.by_ear(), ratings, np.ones(60), np.arange(60))

    assert mixed.effects.predict(inputs.by_ear())[0].tolist() == [0.0] * 60


def test_the_slope_of_the_likelihood_is_that_of_differences():
    inputs, ratings = library(25)
    random = np.random.default_rng(0)
    sounds = inputs.matrix.astype(np.float64)
    kernels = {"line audio": sounds @ sounds.T, "artist": np.equal.outer(inputs.artists, inputs.artists) * 1.0}
    values = {"line audio": 0.01, "artist": 0.02, "noise": 0.03, "bend": 0.02, "width2": 5.0}
    apart, weights = distances2(sounds, sounds), random.uniform(0.5, 2, 25)

    _, slopes = _surprise(values, kernels, apart, ratings - 0.5, weights)

    for name, slope in slopes.items():
        up, down = (values | {name: values[name] * np.exp(step)} for step in (1e-5, -1e-5))
        costs = [_surprise(moved, kernels, apart, ratings - 0.5, weights)[0] for moved in (up, down)]
        assert slope == pytest.approx((costs[0] - costs[1]) / 2e-5, rel=1e-4, abs=1e-6), name


def test_variances_are_found_again():
    random = np.random.default_rng(3)
    artists, albums = np.arange(400) // 10 + 1, np.arange(400) // 5 + 1
    inputs = Inputs(random.standard_normal((400, 4)).astype(np.float32), {"audio": 4}, artists, albums)
    ratings = 0.5 + inputs.matrix @ [0.1, -0.1, 0.1, 0.1] + 0.15 * random.standard_normal(41)[artists]
    ratings += 0.1 * random.standard_normal(400)

    found = choose_variances(all_rated(inputs, ratings), make_space(inputs), seed=0)

    assert found.noise == pytest.approx(0.01, rel=0.25)
    assert found.artist == pytest.approx(0.0225, rel=0.6)
    assert found.lines["audio"] == pytest.approx(0.04, rel=0.6)
    assert found.album < 0.002 and found.bend < 0.004


def test_a_part_that_the_ratings_do_not_go_by_counts_little():
    random = np.random.default_rng(1)
    matrix, nobody = random.standard_normal((300, 44)).astype(np.float32), np.zeros(300, np.int64)
    liking = 0.5 + matrix[:, :4] @ [0.1, -0.1, 0.1, 0.1]
    ratings = liking + 0.1 * random.standard_normal(300)
    whole = Inputs(matrix, {"audio": 44}, nobody, nobody)
    missed, lines = {}, {}

    for name, inputs in {"whole": whole, "parts": replace(whole, parts={"heard": 4, "unheard": 40})}.items():
        examples, space = all_rated(inputs, ratings), make_space(inputs)
        variances = choose_variances(examples.at(np.arange(100)), space, seed=0)
        mixed = fit_mixed(make_design(inputs, space, variances), examples, np.arange(100))
        missed[name], lines[name] = np.std(mixed.ear.predict(matrix[100:])[0] - liking[100:]), variances.lines

    assert lines["parts"]["unheard"] < 0.1 * lines["parts"]["heard"]
    assert missed["parts"] < 0.5 * missed["whole"]


def test_one_song_of_silence_does_not_run_away_along_a_line():
    inputs, ratings = library()
    mixed, _ = fitted(inputs, ratings, np.ones(60), np.arange(60))
    far = np.full((1, 7), 1e6, np.float32)

    assert np.abs(mixed.ear.predict(far)[0][0] - 0.5) < FARTHEST * np.abs(mixed.ear.slopes).sum() + 1


def test_an_ear_without_songs_to_learn_from_expects_the_middle_and_owns_up_to_it():
    inputs, ratings = library()

    mixed, _ = fitted(inputs, ratings, np.ones(60), np.arange(0))

    mean, variance = mixed.ear.predict(inputs.matrix)
    assert mean.tolist() == [0.5] * 60 and (variance >= INTERCEPT - 1e-6).all()
