"""Encoders and windows: properties that hold whatever the weights."""

import numpy as np
import pytest
import torch
from ml_skeleton.artifacts.crops import Waveform
from ml_skeleton.errors import UsageError, UserError
from ml_skeleton.music.encoders import build_encoder, check_encoder_may_be_imported, pool_over_time
from ml_skeleton.music.windows import all_windows, random_window

RATE = 16000
TRAINED = ("simple", "spectrogram")


def waveform(samples):
    return Waveform("a", np.asarray(samples, dtype=np.int16), 0.0, 0.1)


@pytest.mark.parametrize("name", TRAINED)
def test_a_window_becomes_a_vector(name):
    encoder = build_encoder(name, {"sample_rate": RATE, "embedding_dim": 48})

    assert encoder(torch.randn(3, 2 * RATE)).shape == (3, 48) == (3, encoder.get_embedding_dim())


@pytest.mark.parametrize("name", TRAINED)
def test_gradients_reach_every_weight(name):
    encoder = build_encoder(name, {"sample_rate": RATE})
    encoder(torch.randn(4, 2 * RATE)).pow(2).sum().backward()

    assert [n for n, weight in encoder.named_parameters() if weight.grad is None or not weight.grad.any()] == []


@pytest.mark.parametrize("name", TRAINED)
def test_silence_gives_finite_vectors(name):
    encoder = build_encoder(name, {"sample_rate": RATE}).eval()

    assert torch.isfinite(encoder(torch.zeros(1, RATE))).all()


def test_pooling_is_mean_maximum_and_deviation():
    frames = torch.tensor([[[1.0, 3.0, 5.0]]])

    torch.testing.assert_close(pool_over_time(frames), torch.tensor([[3.0, 5.0, (8 / 3) ** 0.5]]))


@pytest.mark.parametrize(
    ("name", "arguments", "message"),
    [
        ("spectogram", {}, "unknown; expected one of spectrogram, simple, .*, or a class as package.module:Class"),
        ("no_such_module:Encoder", {}, "cannot be imported"),
        ("collections:OrderedDict", {}, "expected a torch module with forward"),
        ("simple", {"depth": 3}, "does not take the arguments"),
    ],
)
def test_an_encoder_that_cannot_be_built_is_one_line(name, arguments, message):
    with pytest.raises(UsageError, match=message):
        build_encoder(name, arguments)


def test_a_class_in_a_checkpoint_is_imported_only_when_the_user_names_it():
    with pytest.raises(UserError, match="--encoder-class evil:Encoder"):
        check_encoder_may_be_imported("evil:Encoder", None)

    check_encoder_may_be_imported("mine:Encoder", "mine:Encoder")
    check_encoder_may_be_imported("simple", None)


def test_windows_cover_a_crop_from_its_start_to_its_end():
    windows = all_windows(waveform(np.arange(250)), 100)

    audio = waveform(np.arange(250)).normalised()
    assert windows.shape == (3, 100)
    np.testing.assert_array_equal(windows[[0, 2]], [audio[:100], audio[150:]])


def test_a_short_crop_is_repeated_until_it_fills_a_window():
    audio = waveform([1, 2, 3]).normalised()

    np.testing.assert_array_equal(all_windows(waveform([1, 2, 3]), 8)[0], np.tile(audio, 3)[:8])


def test_a_random_window_lies_within_the_crop():
    crop, random = waveform(np.arange(50)), np.random.default_rng(0)
    audio = crop.normalised().tolist()

    for _ in range(30):
        window = random_window(crop, 20, random).tolist()
        start = audio.index(window[0])
        assert window == audio[start : start + 20]
