"""Encoders and windows: properties that hold whatever the weights."""

import sys

import numpy as np
import pytest
import torch
from ml_skeleton.artifacts.crops import Waveform
from ml_skeleton.errors import UsageError, UserError
from ml_skeleton.music.encoders import (
    build_encoder,
    check_encoder_may_be_imported,
    check_hearing,
    embedding_parts,
    learning_part,
    new_encoder,
    pool_over_time,
)
from ml_skeleton.music.losses import build_loss
from ml_skeleton.music.windows import all_windows

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
        ("os:path", {}, "expected a torch module with forward"),
        ("simple", {"depth": 3}, "does not take the arguments"),
        ("simple", {"width": -1}, "cannot be made with the arguments {'width': -1}: .*negative dimension"),
        ("spectrogram", {"width": "8"}, "cannot be made with the arguments {'width': '8'}: "),
        ("simple", {"embedding_dim": 0}, "vectors of 0 numbers; expected at least 1"),
    ],
)
def test_an_encoder_that_cannot_be_built_is_one_line(name, arguments, message):
    with pytest.raises(UsageError, match=message):
        build_encoder(name, arguments)


def test_an_encoder_for_another_sample_rate_than_that_of_the_crops_is_refused():
    with pytest.raises(UsageError, match="sample_rate 8000, but the crops are of 16000 Hz; leave it out"):
        new_encoder("spectrogram+statistics", {"sample_rate": 8000}, RATE, albums=0)


@pytest.mark.parametrize("name", ["spectrogram", "multitask:spectrogram", "spectrogram+statistics"])
def test_an_encoder_of_ours_that_cannot_hear_as_it_was_made_is_one_line(name):
    encoder = build_encoder("spectrogram", {"sample_rate": RATE, "mel_bands": 8})

    with pytest.raises(UsageError, match=r"cannot hear windows of 16000 samples: .*too small"):
        check_hearing(encoder, name, torch.zeros(2, RATE))


class OfAUser(torch.nn.Module):
    """Says that its vectors have three numbers, and gives what it was told to."""

    def __init__(self, gives):
        super().__init__()
        self.gives = gives

    def forward(self, audio):
        return self.gives(audio)

    def get_embedding_dim(self):
        return 3


@pytest.mark.parametrize(
    ("gives", "shape"),
    [
        (lambda audio: audio[:, :4], r"\[2, 4\]"),
        (lambda audio: audio[:, :12].reshape(-1, 4, 3), r"\[2, 4, 3\]"),
        (lambda audio: [audio[:, :3]], "list"),
    ],
)
def test_a_class_that_does_not_give_the_vectors_it_promises_is_one_line(gives, shape):
    with pytest.raises(UsageError, match=rf"forward\(\) gives {shape} for 2 windows; expected a tensor of \[2, 3\]"):
        check_hearing(OfAUser(gives), "mine:OfAUser", torch.zeros(2, RATE))


def test_what_a_class_of_the_user_raises_keeps_its_traceback():
    def broken(audio):
        raise ValueError("a slip of theirs")

    with pytest.raises(ValueError, match="a slip of theirs"):
        check_hearing(OfAUser(broken), "mine:OfAUser", torch.zeros(2, RATE))


def test_an_encoder_that_was_tried_goes_on_as_it_was():
    encoder = build_encoder("simple", {"sample_rate": RATE, "width": 4})
    before = {name: weights.clone() for name, weights in encoder.state_dict().items()}

    check_hearing(encoder, "simple", torch.zeros(2, RATE))

    assert encoder.training and all(weights.equal(before[name]) for name, weights in encoder.state_dict().items())


CONTROLS = ("random", "random-wide", "statistics", "handcrafted")


@pytest.mark.parametrize("name", CONTROLS)
def test_a_control_has_nothing_to_learn_and_says_how_long_its_vectors_are(name):
    encoder = new_encoder(name, {}, RATE, albums=0).encoder.train()

    vectors = encoder(torch.randn(2, RATE, generator=torch.Generator().manual_seed(0)))

    assert not any(weight.requires_grad for weight in encoder.parameters())
    assert vectors.shape == (2, encoder.get_embedding_dim()) and torch.isfinite(vectors).all()


@pytest.mark.parametrize("name", CONTROLS)
def test_a_control_hears_silence(name):
    assert torch.isfinite(new_encoder(name, {}, RATE, albums=0).encoder(torch.zeros(1, RATE))).all()


@pytest.mark.parametrize("name", ["random", "random-wide"])
def test_a_random_control_is_the_same_whatever_was_drawn_before_and_draws_nothing_itself(name):
    torch.manual_seed(1)
    one = build_encoder(name, {"seed": 3}).state_dict()
    torch.manual_seed(2)
    same, other = (build_encoder(name, {"seed": seed}).state_dict() for seed in (3, 4))
    drawn = torch.rand(1)

    torch.manual_seed(2)
    assert drawn == torch.rand(1)
    assert all(one[key].equal(same[key]) for key in one) and not all(one[key].equal(other[key]) for key in one)


def test_handmade_features_know_a_fast_beat_from_a_slow_one():
    encoder = new_encoder("handcrafted", {}, RATE, albums=0).encoder
    beats = [np.zeros(5 * RATE, dtype=np.float32) for _ in range(2)]
    for audio, per_minute in zip(beats, (90, 140), strict=True):
        audio[:: RATE * 60 // per_minute] = 10.0
    slow, fast = (2 ** encoder.measured(audio)[-4] for audio in beats)

    assert (slow, fast) == (pytest.approx(90, rel=0.05), pytest.approx(140, rel=0.05))


def test_a_handmade_vector_is_the_same_to_the_bit_alone_or_in_a_batch():
    encoder, audio = build_encoder("handcrafted", {}), torch.randn(3, RATE)

    assert torch.equal(encoder(audio)[1:2], encoder(audio[1:2]))


@pytest.mark.parametrize("name", ["multitask", "multitask:simple"])
def test_multitask_keeps_heads_beside_any_encoder(name):
    new = new_encoder(name, {"embedding_dim": 8, "width": 4}, RATE, albums=5)
    encoder = new.encoder.eval()
    audio = torch.randn(2, RATE)

    ratings, albums = encoder.predict(audio)

    assert torch.equal(encoder(audio), encoder.encoder(audio))
    assert (ratings.shape, albums.shape, encoder.get_embedding_dim()) == ((2,), (2, 5), 8)
    again = build_encoder(new.model, new.arguments)
    assert again.load_state_dict(encoder.state_dict()).missing_keys == []


def test_the_loss_trains_the_heads_that_the_encoder_brings():
    encoder = new_encoder("multitask:simple", {"width": 4}, RATE, albums=5).encoder

    loss = build_loss({"rating": 1.0, "album": 1.0}, encoder.get_embedding_dim(), 5, 0.7, encoder.heads)

    assert {id(weight) for weight in loss.parameters()} <= {id(weight) for weight in encoder.parameters()}


def test_a_class_of_the_user_is_remembered_with_its_file_and_arguments(tmp_path, monkeypatch):
    (tmp_path / "of_a_user.py").write_text(
        "from ml_skeleton.music.encoders import SimpleAudioEncoder\nclass Mine(SimpleAudioEncoder): pass\n"
    )
    monkeypatch.syspath_prepend(tmp_path)

    new = new_encoder("of_a_user:Mine", {"width": 4}, RATE, albums=0)

    assert (new.model, new.arguments) == ("of_a_user:Mine", {"sample_rate": RATE, "width": 4})
    assert new.source == str(tmp_path / "of_a_user.py")


def test_a_missing_extra_is_one_line_that_says_how_to_get_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "librosa", None)
    monkeypatch.delitem(sys.modules, "ml_skeleton.music.encoders.handcrafted", raising=False)

    with pytest.raises(UsageError, match=r"needs librosa, .* pip install 'ml-skeleton\[handcrafted\]'"):
        build_encoder("handcrafted", {})


def test_weights_without_a_place_are_refused():
    with pytest.raises(UsageError, match="names no weights; expected musicnn:PATH"):
        new_encoder("musicnn:", {}, RATE, albums=0)


def test_a_class_in_a_checkpoint_is_imported_only_when_the_user_names_it():
    with pytest.raises(UserError, match="--encoder-class evil:Encoder"):
        check_encoder_may_be_imported("evil:Encoder", None)

    check_encoder_may_be_imported("mine:Encoder", "mine:Encoder")
    check_encoder_may_be_imported("simple", None)
    check_encoder_may_be_imported("multitask:hf", None)


def test_a_class_within_heads_is_no_less_of_a_stranger():
    with pytest.raises(UserError, match="--encoder-class evil:Encoder"):
        check_encoder_may_be_imported("multitask:evil:Encoder", None)


def test_windows_cover_a_crop_from_its_start_to_its_end():
    windows = all_windows(waveform(np.arange(250)), 100)

    audio = waveform(np.arange(250)).normalised()
    assert windows.shape == (3, 100)
    np.testing.assert_array_equal(windows[[0, 2]], [audio[:100], audio[150:]])


def test_a_short_crop_is_repeated_until_it_fills_a_window():
    audio = waveform([1, 2, 3]).normalised()

    np.testing.assert_array_equal(all_windows(waveform([1, 2, 3]), 8)[0], np.tile(audio, 3)[:8])


def test_statistics_know_a_fast_beat_from_a_slow_one():
    beats = torch.zeros(2, 5 * RATE)
    for audio, per_minute in zip(beats, (90, 140), strict=True):
        audio[:: RATE * 60 // per_minute] = 10.0
    encoder = build_encoder("statistics", {})

    tempo = 2 ** _pulse(encoder, beats)[:, -1]

    assert tempo.tolist() == pytest.approx([90, 140], rel=0.05)


def _pulse(encoder, audio):
    """The part of the statistics whose last number is the tempo, before six bands of eight rates of change."""
    rhythm = encoder._rhythm(audio)
    return rhythm[:, : rhythm.shape[1] - 6 * 8]


def test_statistics_tell_a_loud_recording_from_a_soft_one_that_is_otherwise_the_same():
    encoder, audio = build_encoder("statistics", {}), torch.randn(1, RATE).repeat(2, 1)

    soft, loud = encoder(audio, torch.tensor([0.01, 0.1]))

    apart = {round(float(number), 3) for number in (loud - soft)}
    assert apart == {0.0, round(2 * float(np.log(10)), 3)}


def test_statistics_do_not_mind_a_key():
    time = torch.arange(4 * RATE) / RATE
    chords = [
        sum(torch.sin(2 * torch.pi * hz * time) for hz in (440.0 * step, 550.0 * step)) for step in (1, 2 ** (3 / 12))
    ]
    encoder = build_encoder("statistics", {})

    magnitude = [
        encoder._harmony(
            torch.stft(chord[None], encoder.frame, window=encoder.window, return_complex=True).abs().transpose(1, 2)
        )
        for chord in chords
    ]

    torch.testing.assert_close(*magnitude, atol=0.1, rtol=0.1)


@pytest.mark.parametrize("samples", [1, 100, RATE // 2, 12 * RATE])
def test_statistics_of_any_length_are_numbers(samples):
    vectors = build_encoder("statistics", {})(torch.randn(2, samples), torch.zeros(2))

    assert torch.isfinite(vectors).all()


def test_statistics_stand_beside_an_encoder_and_only_it_learns():
    new = new_encoder("multitask:simple+statistics", {"embedding_dim": 8, "width": 4}, RATE, albums=5)
    audio, level = torch.randn(2, RATE), torch.tensor([0.1, 0.2])
    encoder = new.encoder.eval()

    beside = torch.cat([learning_part(encoder)(audio), build_encoder("statistics", {})(audio, level)], dim=1)

    torch.testing.assert_close(encoder(audio, level), beside)
    assert new.model == "multitask:simple+statistics" and beside.shape == (2, encoder.get_embedding_dim())
    assert {name.split(".")[0] for name in encoder.state_dict()} == {"learned"}


def test_an_encoder_says_what_its_vectors_are_made_of():
    parts = embedding_parts(new_encoder("simple+statistics", {"embedding_dim": 8, "width": 4}, RATE, albums=5).encoder)

    assert list(parts) == ["learned", "timbre", "spectrum", "contrast", "harmony", "rhythm", "dynamics"]
    assert parts["learned"] == 8 and embedding_parts(build_encoder("simple", {})) == {}


@pytest.mark.parametrize("parts", [{"a": 8, "b": 1}, {"a": 8, "b": 0}])
def test_parts_that_do_not_come_to_the_length_of_a_vector_are_refused(parts):
    encoder = build_encoder("simple", {"embedding_dim": 8, "width": 4})
    encoder.get_embedding_parts = lambda: parts

    with pytest.raises(UsageError, match=r"get_embedding_parts\(\) gives .*, which does not come to the 8 numbers"):
        embedding_parts(encoder)


def test_statistics_beside_a_class_of_yours_let_nothing_in_that_you_did_not_name():
    with pytest.raises(UserError, match="--encoder-class evil:Class"):
        check_encoder_may_be_imported("evil:Class+statistics", None)


@pytest.mark.parametrize("name", ["artist", "album", "noise", "bend", "metadata", "behaviour"])
def test_a_part_may_not_be_called_what_is_told_beside_parts(name):
    encoder = build_encoder("simple", {"embedding_dim": 8, "width": 4})
    encoder.get_embedding_parts = lambda: {name: 8}

    with pytest.raises(
        UsageError, match=f"names a part {name!r}; rename it, as train-classifier calls other things metadata, "
    ):
        embedding_parts(encoder)
