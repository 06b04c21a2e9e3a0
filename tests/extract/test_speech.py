"""Speech: told from music, counted per crop, and found without torch."""

import io
import shutil
import subprocess
import sys

import numpy as np
import pytest
import soundfile
import soxr
from ml_skeleton.errors import UserError
from ml_skeleton_extract_audio import speech
from ml_skeleton_extract_audio.speech import SpeechPolicy, load_model

TEXT = "Here is the news of the day. It will rain in the north, and the sun will shine in the south. " * 2

needs_voice = pytest.mark.skipif(shutil.which("espeak-ng") is None, reason="espeak-ng is not installed")


def spoken(rate: int) -> np.ndarray:
    """Return half a minute of a synthetic voice as int16 samples (T,)."""
    wave = subprocess.run(["espeak-ng", "--stdout", TEXT], capture_output=True, check=True).stdout
    samples, found = soundfile.read(io.BytesIO(wave), dtype="float32")
    return (soxr.resample(samples, found, rate) * 32767).clip(-32768, 32767).astype(np.int16)


def chords(rate: int, seconds: float = 10.0) -> np.ndarray:
    """Return a row of decaying chords as int16 samples (T,)."""
    time = np.arange(round(seconds * rate)) / rate
    sound = sum(np.sin(2 * np.pi * hz * time) for hz in (220.0, 277.2, 329.6))
    return (sound * np.exp(-2 * (time % 0.5)) * 8000).astype(np.int16)


@needs_voice
@pytest.mark.parametrize("rate", [8000, 16000, 22050, 44100])
def test_a_voice_is_speech_at_any_rate(rate):
    assert load_model().share(spoken(rate), rate, 0.5) > 0.8


@pytest.mark.parametrize("rate", [16000, 44100])
def test_chords_are_no_speech(rate):
    assert load_model().share(chords(rate), rate, 0.5) < 0.05


@pytest.mark.parametrize(("samples", "frames"), [(0, 0), (1, 1), (512, 1), (513, 2), (16000, 32)])
def test_every_32_ms_get_a_probability_also_the_last_ones(samples, frames):
    found = load_model().probabilities(np.zeros(samples, np.int16), 16000)

    assert found.shape == (frames,) and ((found >= 0) & (found <= 1)).all()


def test_blocks_change_nothing(monkeypatch):
    sound = chords(16000, 3.0) + np.random.default_rng(0).integers(-3000, 3000, 48000).astype(np.int16)
    whole = load_model().probabilities(sound, 16000)
    monkeypatch.setattr(speech, "BLOCK_FRAMES", 7)

    np.testing.assert_allclose(load_model().probabilities(sound, 16000), whole, atol=1e-5)


@pytest.mark.parametrize(
    ("mode", "shares", "verdict"),
    [
        ("drop", [0.93], "speech: 93 % of the crop"),
        ("drop", [0.9, 0.7], "speech: 80 % of 2 crops"),
        ("drop", [0.9, 0.2], None),
        ("drop", [0.69], None),
        ("drop", [], None),
        ("mark", [1.0], None),
        ("keep", [1.0], None),
    ],
)
def test_a_song_is_dropped_when_all_its_crops_are_speech(mode, shares, verdict):
    assert SpeechPolicy(mode).verdict(shares) == verdict


def test_a_worker_measures_speech_without_torch():
    code = (
        "import sys, numpy as np; import ml_skeleton_extract_audio.reading;"
        "from ml_skeleton_extract_audio.speech import load_model;"
        "load_model().share(np.zeros(16000, np.int16), 16000, 0.5);"
        "print([name for name in ('torch', 'silero_vad') if name in sys.modules])"
    )

    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout == "[]\n"


def test_without_the_package_one_line_says_how_to_get_it(monkeypatch):
    monkeypatch.setattr(speech.importlib.util, "find_spec", lambda name: None)
    load_model.cache_clear()

    with pytest.raises(UserError, match=r"needs the packages silero-vad and onnxruntime: pip install .*\[speech\]"):
        load_model()
