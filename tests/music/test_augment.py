"""Augmentation: off and in eval mode nothing changes, and each change is what its name says."""

import pytest
import torch
from ml_skeleton.music.augment import GAIN_DB, SNR_DB, TIME_MASKED, Augment
from ml_skeleton.music.objectives import AUGMENTATIONS
from ml_skeleton.music.vocoder import resampled, stretched

RATE = 16000
ALL = dict.fromkeys(AUGMENTATIONS, 1.0)


def tones(hz=1000.0, count=4, seconds=1.0):
    time = torch.arange(round(seconds * RATE)) / RATE
    return torch.sin(2 * torch.pi * hz * time).repeat(count, 1) * 2**0.5


def loudest_hz(audio):
    """Return the frequency of each window's peak, Hz."""
    return torch.fft.rfft(audio).abs().argmax(dim=1) * RATE / audio.shape[1]


@pytest.mark.parametrize("augment", [Augment({}, RATE, 0), Augment(ALL, RATE, 0).eval()], ids=["off", "eval"])
def test_off_and_in_eval_mode_not_a_bit_changes(augment):
    audio = tones()

    assert augment(audio) is audio


@pytest.mark.parametrize("name", AUGMENTATIONS)
def test_each_changes_the_windows_it_is_likely_for_and_keeps_their_shape(name):
    audio = torch.randn(64, 4000, generator=torch.Generator().manual_seed(0))

    changed = Augment({name: 0.5}, RATE, 0)(audio)

    touched = (changed - audio).abs().amax(dim=1) > 1e-3
    assert changed.shape == audio.shape and torch.isfinite(changed).all()
    assert 16 < touched.sum() < 48


@pytest.mark.parametrize("name", AUGMENTATIONS)
def test_silence_stays_silent(name):
    assert Augment({name: 1.0}, RATE, 0)(torch.zeros(2, 4000)).abs().max() < 1e-6


def test_the_same_seed_gives_the_same_chance_and_the_state_goes_on_with_it():
    audio = tones(seconds=0.25)
    one, same, other = (Augment(ALL, RATE, seed) for seed in (1, 1, 2))
    first = one(audio)
    assert torch.equal(first, same(audio)) and not torch.equal(first, other(audio))

    other.load_state_dict(one.state_dict())

    assert torch.equal(one(audio), other(audio))


def test_augmentation_leaves_the_chance_of_the_others_alone():
    before = torch.random.get_rng_state()

    Augment(ALL, RATE, 0)(tones(seconds=0.25))

    assert torch.equal(torch.random.get_rng_state(), before)


def test_the_gain_stays_within_its_decibels():
    louder = Augment({"gain": 1.0}, RATE, 0)(tones(count=50)).std(dim=1).log10() * 20

    assert louder.abs().max() <= GAIN_DB + 0.01 and louder.std() > 1


def test_the_noise_is_as_loud_as_it_may_be():
    audio = tones(count=50)

    noise = Augment({"noise": 1.0}, RATE, 0)(audio) - audio

    snr = -20 * noise.std(dim=1).log10()
    assert SNR_DB[0] - 0.5 < snr.min() < 20 < 30 < snr.max() < SNR_DB[1] + 0.5


def test_a_time_mask_silences_one_stretch_and_touches_nothing_else():
    audio = torch.ones(20, 1000)

    masked = Augment({"time-mask": 1.0}, RATE, 0)(audio)

    edges = masked.diff(dim=1).ne(0).sum(dim=1)
    assert set(masked.unique().tolist()) == {0.0, 1.0} and edges.max() <= 2
    assert 0 < (masked == 0).float().mean(dim=1).max() <= TIME_MASKED + 0.001


def test_a_frequency_mask_stops_one_band():
    click = torch.zeros(20, 8000)
    click[:, 0] = 1.0  # every frequency as loud

    heard = torch.fft.rfft(Augment({"frequency-mask": 1.0}, RATE, 0)(click)).abs().round()

    assert heard.diff(dim=1).ne(0).sum(dim=1).max() <= 2
    assert set(heard.unique().tolist()) == {0.0, 1.0}


def test_played_at_another_speed_a_tone_moves_by_as_much():
    factor = torch.tensor([[0.8], [1.0], [1.25]])

    torch.testing.assert_close(loudest_hz(resampled(tones(count=3), factor)), torch.tensor([800.0, 1000.0, 1250.0]))


def test_stretched_a_tone_keeps_its_pitch_and_a_beat_its_order():
    rate = torch.tensor([[0.8], [1.25]])
    audio = tones(count=2)
    audio[:, 8000:] *= 0.01  # the second half is soft

    slow, fast = stretched(audio, rate)

    torch.testing.assert_close(loudest_hz(torch.stack([slow, fast])), torch.tensor([1000.0, 1000.0]), atol=3, rtol=0)
    ends = [int((heard.abs() > 0.5).nonzero().max()) for heard in (slow, fast[:9000])]
    assert ends == pytest.approx([8000 / 0.8, 8000 / 1.25], abs=600)
