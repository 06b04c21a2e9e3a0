"""The classifiers: each learns what there is, and the mean where there is nothing."""

import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
import torch
from ml_skeleton.errors import UsageError
from ml_skeleton.music.classifiers import MODELS, RatingClassifier, networks
from ml_skeleton.music.classifiers.fitting import fit_classifier
from ml_skeleton.music.classifiers.networks import NETWORKS, KernelRatingClassifier, build_classifier, new_network
from ml_skeleton.music.classifiers.training import choose_course
from ml_skeleton.music.inputs import Inputs
from ml_skeleton.music.rated import FitSettings
from ml_skeleton.music.targets import all_rated

QUICK = FitSettings(max_steps=15, hidden=8, lr=1e-2)
NETWORK_MODELS = [model for model in MODELS if model not in ("gp", "ridge")]


class Constant(torch.nn.Module):
    """A listener's own class: nothing but forward()."""

    def __init__(self, embedding_dim, start=0.1):
        super().__init__()
        self.level = torch.nn.Parameter(torch.tensor(start))

    def forward(self, embeddings):
        return self.level.expand(len(embeddings), 1)


def songs(count=60, signal=1.0, seed=0):
    """Return examples without artists whose rating is a share `signal` of what the first column says, and folds."""
    random = np.random.default_rng(seed)
    matrix = random.standard_normal((count, 8)).astype(np.float32)
    ratings = 1 / (1 + np.exp(-signal * matrix[:, 0] - (1 - signal) * random.standard_normal(count)))
    nobody = np.zeros(count, np.int64)
    return all_rated(Inputs(matrix, {"audio": 8}, nobody, nobody), ratings), np.arange(count) % 4


@pytest.mark.parametrize("model", MODELS)
def test_a_signal_in_the_embeddings_is_learned(model):
    examples, folds = songs()

    fitted = fit_classifier(examples, folds, replace(QUICK, model=model))

    assert ((fitted.outside.mean - examples.ratings) ** 2).mean() < 0.15 * examples.ratings.var()


@pytest.mark.parametrize("model", MODELS)
def test_noise_is_answered_with_about_the_mean(model):
    examples, folds = songs(signal=0.0, seed=3)

    fitted = fit_classifier(examples, folds, replace(QUICK, model=model))

    assert np.abs(fitted.predict(examples.inputs).mean - examples.ratings.mean()).max() < 0.2


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("count", [1, 2, 5])
@pytest.mark.parametrize("kind", ["usual", "constant embeddings", "equal ratings"])
def test_a_handful_of_songs_gives_numbers_near_their_ratings(model, count, kind):
    examples, _ = songs(count)
    if kind == "constant embeddings":
        examples.inputs.matrix[:] = 1.0
    if kind == "equal ratings":
        examples.ratings[:] = 0.8

    fitted = fit_classifier(examples, np.arange(count) % 5, replace(QUICK, model=model))
    said = fitted.predict(songs(20, seed=9)[0].inputs)

    low, high = said.interval()
    assert np.isfinite([said.mean, said.deviation, low, high]).all() and (low < high).all()
    assert np.abs(said.mean - examples.ratings.mean()).max() < 0.4


@pytest.mark.parametrize("model", MODELS)
def test_ratings_stay_between_0_and_1_whatever_the_embedding(model):
    examples, folds = songs()
    fitted = fit_classifier(examples, folds, replace(QUICK, model=model))
    far = replace(examples.inputs, matrix=(examples.inputs.matrix * 1e4).astype(np.float32))

    said = fitted.predict(far)

    assert said.mean.min() >= 0 and said.mean.max() <= 1


def test_too_few_songs_for_a_network_are_given_to_ridge():
    examples, folds = songs(20)

    assert fit_classifier(examples, folds, replace(QUICK, model="deep")).model == "ridge"


@pytest.mark.parametrize("model", NETWORK_MODELS)
def test_the_same_seed_gives_the_same_weights(model):
    first, second = (
        fit_classifier(*songs(), replace(QUICK, model=model)).predictor.heard.module.state_dict() for _ in range(2)
    )

    assert all(first[name].equal(second[name]) for name in first)


@pytest.mark.parametrize("model", NETWORK_MODELS)
def test_gradients_reach_all_weights_that_are_trained(model):
    examples, _ = songs()
    module = new_network(model, {"embedding_dim": 8})
    module.start_from(examples.inputs.matrix, examples.ratings, 1.0, examples.weights)
    audio, ratings = torch.from_numpy(examples.inputs.matrix), torch.from_numpy(examples.ratings).float()
    for parameter in module.parameters():
        torch.nn.init.normal_(parameter)  # the last layer of a bend begins at 0 and would hold all others back

    module.loss(audio, ratings, torch.ones(len(ratings))).backward()

    trained = {name: weight for name, weight in module.named_parameters() if weight.requires_grad}
    assert trained and all(weight.grad.abs().sum() > 0 for weight in trained.values())


def test_the_torch_module_of_a_gaussian_process_says_what_numpy_says():
    examples, folds = songs()
    ear = fit_classifier(examples, folds, FitSettings()).predictor.heard
    inducing, audio = ear.inducing.shape
    module = build_classifier(
        "gp",
        {"embedding_dim": 8, "inducing": inducing, "audio": audio, "rank": ear.taught.shape[1]},
        {name: torch.from_numpy(np.array(value)) for name, value in vars(ear).items()},
    )

    ratings = module(torch.from_numpy(examples.inputs.matrix))

    assert isinstance(module, KernelRatingClassifier) and isinstance(module, RatingClassifier)
    np.testing.assert_allclose(ratings[:, 0], ear.predict(examples.inputs.matrix)[0].clip(0, 1), atol=1e-5)


def test_levels_of_an_ordinal_classifier_stay_in_order():
    examples, folds = songs()
    module = fit_classifier(examples, folds, replace(QUICK, model="ordinal")).predictor.heard.module

    above = module.above(torch.from_numpy(examples.inputs.matrix))

    assert above.shape == (60, 10) and (above.diff(dim=1) <= 0).all()


def test_what_a_line_misses_is_learned_by_the_hidden_layer():
    examples, folds = songs(400)
    examples.ratings[:] = np.abs(examples.inputs.matrix[:, 0]).clip(0, 1)

    course = choose_course(examples, folds, FitSettings("mlp", max_steps=150, lr=1e-2))

    assert course.curve[course.steps] < 0.5 * course.curve[0]


@pytest.mark.parametrize(("model", "chosen"), [("ridge", "penalty"), ("gp", "trust")])
def test_songs_whose_rating_the_encoder_has_seen_are_not_taken_at_their_word(model, chosen):
    examples, folds = songs(80, signal=0.0, seed=1)
    seen = np.arange(80) >= 20
    examples.inputs.matrix[seen, 0] = examples.ratings[seen] * 10  # as an encoder that learned them by heart would do
    careful = replace(examples, seen=seen)

    trusting, careful = (fit_classifier(e, folds, FitSettings(model)).chosen[chosen] for e in (examples, careful))

    assert careful > trusting if model == "ridge" else careful < trusting


def test_an_artist_s_ratings_count_for_their_other_songs_and_not_by_ear():
    examples, folds = songs(60, signal=0.0)
    artists = np.arange(60) % 6 + 1
    examples = replace(examples, inputs=replace(examples.inputs, artists=artists))
    examples.ratings[:] = np.where(artists == 1, 0.9, 0.4)

    for model in ("gp", "ridge"):
        fitted = fit_classifier(examples, folds, FitSettings(model))
        known, by_ear = (fitted.predict(inputs).mean[0] for inputs in (examples.inputs, examples.inputs.by_ear()))
        assert known > by_ear + 0.2, model


def test_a_song_of_little_weight_is_hardly_learned_from():
    examples, folds = songs(40)
    turned = np.arange(40) < 20
    examples.ratings[turned] = 1 - examples.ratings[turned]
    examples.weights[turned] = 1e-3

    for model in ("gp", "ridge", "mlp"):
        fitted = fit_classifier(examples, folds, replace(QUICK, model=model))
        assert np.corrcoef(fitted.predict(examples.inputs).mean, examples.inputs.matrix[:, 0])[0, 1] > 0.8, model


def test_a_class_of_the_listener_s_own_is_trained_with_its_arguments():
    examples, folds = songs()
    settings = replace(QUICK, model=f"{__name__}:Constant", model_args={"start": 0.2}, lr=1e-1)
    sys.modules[__name__] = sys.modules.get(__name__) or __import__("types").SimpleNamespace(Constant=Constant)

    fitted = fit_classifier(examples, folds, settings)

    assert fitted.predict(examples.inputs).mean == pytest.approx(examples.ratings.mean(), abs=0.1)


@pytest.mark.parametrize(
    ("name", "arguments", "message"),
    [
        ("nonsense", {}, "unknown; expected one of gp, ridge"),
        ("no_such_module:Class", {}, "cannot be imported"),
        ("mlp", {"depth": 3}, "does not take the arguments"),
        ("builtins:dict", {}, "expected a torch module with forward"),
    ],
)
def test_a_model_that_cannot_be_is_wrong_usage(name, arguments, message):
    with pytest.raises(UsageError, match=message):
        new_network(name, {"embedding_dim": 4, **arguments})


def test_every_model_has_a_torch_module():
    assert set(NETWORKS) == set(MODELS)
    assert all(issubclass(network, RatingClassifier) for network in networks.NETWORKS.values())


def test_a_gaussian_process_is_fitted_and_asked_without_torch():
    code = (
        "import sys, numpy as np; from ml_skeleton.music.classifiers.fitting import fit_classifier; "
        "from ml_skeleton.music.inputs import Inputs; from ml_skeleton.music.targets import all_rated; "
        "from ml_skeleton.music.rated import FitSettings; import ml_skeleton.music.classifiers.saved; "
        "keys = np.arange(9) + 1; songs = Inputs(np.eye(9, dtype='f4'), {'audio': 9}, keys, keys); "
        "fit_classifier(all_rated(songs, keys / 9), keys % 3, FitSettings()).predict(songs); "
        "print('torch' in sys.modules)"
    )

    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout == "False\n"
