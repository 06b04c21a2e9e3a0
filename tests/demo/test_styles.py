"""The music: every style plays, stays within the scale, and sounds like itself."""

from dataclasses import replace

import numpy as np
import pytest
from ml_skeleton_demo_library.hearing import hear
from ml_skeleton_demo_library.performance import CEILING, perform
from ml_skeleton_demo_library.piece import Piece
from ml_skeleton_demo_library.sounds import plucked, tone
from ml_skeleton_demo_library.styles import STYLES

RATE = 22_050


def piece(style: str, **changes) -> Piece:
    """A piece in the middle of a style's habits, but for `changes`."""
    habits = STYLES[style]
    middle = {
        name: sum(getattr(habits, name)) / 2 for name in ("tempo", "brightness", "density", "dynamics_db", "room")
    }
    fixed = Piece(
        style=style, seconds=8.0, sample_rate=RATE, channels=1, root=50, minor=True, timbre=0.3, tilt_db=0.0,
        level_db=-18.0, seed=11, **middle,
    )  # fmt: skip
    return replace(fixed, **changes)


def strongest_hz(note: np.ndarray) -> float:
    spectrum = np.abs(np.fft.rfft(note * np.hanning(len(note)), 2**18))
    return float(np.argmax(spectrum) * RATE / 2**18)


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("channels", [1, 2])
def test_a_piece_has_its_length_channels_and_level_and_never_clips(style, channels):
    samples = perform(piece(style, seconds=5.0, channels=channels))

    assert samples.shape == (5 * RATE, channels)
    assert np.abs(samples).max() <= CEILING
    assert 10 * np.log10(np.mean(samples**2)) == pytest.approx(-18, abs=2.5)


@pytest.mark.parametrize("style", STYLES)
def test_the_same_piece_gives_the_same_samples_and_another_seed_others(style):
    first, again, other = (perform(piece(style, seconds=2.0, seed=seed)) for seed in (1, 1, 2))

    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


@pytest.mark.parametrize("style", STYLES)
def test_a_bright_piece_sounds_brighter_than_a_dull_one(style):
    dull, bright = (hear(perform(piece(style, brightness=value)), RATE).brightness for value in (0.1, 0.8))

    assert bright > dull + 0.2


def test_struck_styles_have_more_pulse_than_sustained_ones():
    pulse = {style: hear(perform(piece(style)), RATE).pulse for style in STYLES}

    assert max(pulse[style] for style in ("Ambient", "Drone", "Orchestral")) < min(
        pulse[style] for style in ("Techno", "Rock", "Folk", "Jazz", "Piano", "Chiptune", "Dub")
    )


def test_an_album_mastered_darker_sounds_darker():
    dark, plain = (hear(perform(piece("Rock", tilt_db=tilt)), RATE).brightness for tilt in (-2.0, 0.0))

    assert dark < plain - 0.1


def test_a_stereo_piece_is_wider_than_mono():
    left, right = perform(piece("Jazz", channels=2)).T

    assert 0.3 < np.corrcoef(left, right)[0, 1] < 0.995


@pytest.mark.parametrize("hz", [82.4, 440.0, 1318.5])
def test_a_plucked_string_is_in_tune(hz):
    note = plucked(hz, 1.0, RATE, 0.0, np.random.default_rng(0))

    assert strongest_hz(note) / hz == pytest.approx(round(strongest_hz(note) / hz), rel=0.004)


def test_a_tone_holds_no_partial_that_the_sample_rate_cannot():
    note = tone(np.ones(60, np.float32), 3000.0, 0.5, RATE)
    spectrum = np.abs(np.fft.rfft(note * np.hanning(len(note))))
    hz = np.fft.rfftfreq(len(note), 1 / RATE)
    off_pitch = np.abs(hz - 3000 * np.round(hz / 3000)) > 50

    assert spectrum[off_pitch].max() < 0.01 * spectrum.max()


def test_speech_has_pauses_between_its_phrases():
    samples = perform(replace(piece("Folk"), style="Speech", root=115))[:, 0]
    loud = np.mean(samples[: len(samples) // 1000 * 1000].reshape(-1, 1000) ** 2, axis=1)

    assert 0.05 < np.mean(loud < 1e-3 * loud.max()) < 0.6
