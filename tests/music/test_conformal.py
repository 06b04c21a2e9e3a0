"""Intervals that cover what they say, on listeners whose taste is known because it was made up."""

import numpy as np
import pytest
from ml_skeleton.music.classifiers.conformal import LEVELS, interval_factors
from ml_skeleton.music.classifiers.fitting import fit_classifier
from ml_skeleton.music.inputs import Inputs
from ml_skeleton.music.rated import FitSettings
from ml_skeleton.music.targets import all_rated


def listener(seed, albums=140, per_album=5, noise="normal"):
    """Return songs of new albums, three quarters by known artists, and what the listener gives them, to halves."""
    random = np.random.default_rng(seed)
    count = albums * per_album
    album = np.arange(count) // per_album + 1
    artist = album // 2 + 1
    matrix = random.standard_normal((count, 6)).astype(np.float32)
    heard = 0.1 * matrix[:, 0] + 0.08 * np.sin(2 * matrix[:, 1])
    moods = {"normal": random.standard_normal(count), "heavy": random.standard_t(3, count) / 1.7}
    fondness = 0.08 * random.standard_normal(albums)[artist - 1] + 0.06 * random.standard_normal(albums)[album - 1]
    ratings = np.clip(np.round(10 * (0.6 + heard + fondness + 0.12 * moods[noise])) / 10, 0.1, 1.0)
    return Inputs(matrix, {"audio": 6}, artist, album), ratings


@pytest.mark.parametrize("model", ["gp", "ridge"])
@pytest.mark.parametrize("noise", ["normal", "heavy"])
def test_an_80_percent_interval_holds_80_percent_of_the_songs_of_new_albums(model, noise):
    covered = []
    for seed in range(3):
        inputs, ratings = listener(seed, noise=noise)
        known = inputs.albums <= 40
        fitted = fit_classifier(
            all_rated(inputs.at(known), ratings[known]), inputs.albums[known] % 5, FitSettings(model=model)
        )
        low, high = fitted.predict(inputs.at(~known)).interval()
        covered.append(((low <= ratings[~known]) & (ratings[~known] <= high)).mean())

    assert 0.75 < np.mean(covered) < 0.86 and min(covered) > 0.68


def test_the_factor_is_the_quantile_that_split_conformal_prediction_asks_for():
    random = np.random.default_rng(0)
    missed, deviation = random.standard_normal(99), random.uniform(0.5, 2, 99)

    factors = interval_factors(missed, deviation)

    assert factors[0.8] == np.sort(np.abs(missed) / deviation)[79]


def test_few_songs_get_no_narrower_interval_than_a_normal_distribution():
    factors = interval_factors(np.array([0.01, 0.02]), np.ones(2))

    assert factors[0.8] == pytest.approx(1.2816, abs=1e-3) and sorted(factors) == list(LEVELS)


def test_a_song_nobody_knows_has_a_wider_interval_than_one_of_a_known_artist():
    inputs, ratings = listener(0, albums=30)
    fitted = fit_classifier(all_rated(inputs, ratings), inputs.albums % 5, FitSettings())

    assert (fitted.predict(inputs.by_ear()).deviation > fitted.predict(inputs).deviation).all()
