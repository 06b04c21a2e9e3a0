"""What becomes of channels, sample formats, sample rates and odd samples."""

import numpy as np
import pytest
import soundfile
from ml_skeleton_extract_audio.cropping import CropPolicy
from ml_skeleton_extract_audio.decode import read_song

AS_IS = {rate: CropPolicy("end", 60.0, 1, rate) for rate in (16000, 44100)}


def samples_of(path, policy=AS_IS[44100]):
    [crop] = read_song(path, policy).crops
    return crop.samples


@pytest.fixture
def wav(tmp_path):
    def write(sound, rate=44100, subtype="PCM_16", kind="WAV"):
        path = tmp_path / f"song.{kind.lower()}"
        soundfile.write(path, sound, rate, subtype=subtype, format=kind)
        return path

    return write


@pytest.mark.parametrize("channels", [1, 2, 3, 6, 8])
def test_mono_is_the_mean_of_all_channels(wav, sound, channels):
    steps = np.rint(sound(1.0, channels=channels) * 32767).astype(np.int16)
    expected = steps.astype(np.float64).mean(axis=1)
    assert np.abs(samples_of(wav(steps)) - expected).max() <= 0.5 + 1e-3


@pytest.mark.parametrize("codec", ["flac", "wavpack", "alac", "aac", "libvorbis", "libopus"])
def test_five_point_one_is_mixed_with_every_channel_alike(encode, sound, tmp_path, codec):
    suffix = {"flac": "flac", "wavpack": "wv", "alac": "m4a", "aac": "m4a", "libopus": "opus"}.get(codec)
    if suffix is None:
        path = tmp_path / "song.ogg"
        soundfile.write(path, sound(2.0, 48000, 6), 48000, format="OGG", subtype="VORBIS")
    else:
        path = encode(tmp_path / f"song.{suffix}", sound(2.0, 48000, 6), codec, rate=48000)
    mixed = samples_of(path, CropPolicy("end", 60.0, 1, 48000))[: 2 * 48000].astype(float)
    expected = sound(2.0, 48000, 6).mean(axis=1)[: len(mixed)] * 32768
    assert np.corrcoef(mixed, expected)[0, 1] > 0.9
    assert mixed.std() == pytest.approx(expected.std(), rel=0.1)


@pytest.mark.parametrize(
    ("kind", "subtype"),
    [("WAV", "PCM_U8"), ("WAV", "PCM_24"), ("WAV", "PCM_32"), ("WAV", "FLOAT"), ("WAV", "DOUBLE"), ("FLAC", "PCM_24")],
)
def test_every_sample_format_has_the_same_full_scale(wav, sound, kind, subtype):
    expected = sound(1.0, channels=1)[:, 0] * 32768
    step = 256 if subtype == "PCM_U8" else 1
    assert np.abs(samples_of(wav(sound(1.0, channels=1), subtype=subtype, kind=kind)) - expected).max() <= step


@pytest.mark.parametrize("rate", [8000, 11025, 22050, 44100, 48000, 96000, 192000])
def test_a_tone_keeps_its_pitch_and_level_from_every_sample_rate(wav, rate):
    tone = 0.5 * np.sin(2 * np.pi * 1000 * np.arange(2 * rate) / rate)
    samples = samples_of(wav(tone, rate), AS_IS[16000])
    spectrum = np.abs(np.fft.rfft(samples[8000:24000]))
    assert len(samples) == 32000
    assert spectrum.argmax() == 1000
    assert samples.max() == pytest.approx(0.5 * 32768, rel=0.02)


def test_samples_beyond_full_scale_are_clipped(wav):
    loud = np.array([0.0, 3.0, -3.0, 0.5] * 1000, np.float32)
    assert samples_of(wav(loud, subtype="FLOAT"))[:4].tolist() == [0, 32767, -32768, 16384]


def test_samples_that_are_no_numbers_become_silence_and_a_warning(wav, sound):
    broken = sound(2.0, channels=1)
    broken[1000:1010], broken[5000], broken[6000] = np.nan, np.inf, -np.inf
    song = read_song(wav(broken, subtype="FLOAT"), AS_IS[44100])
    expected = np.nan_to_num(broken[:, 0], posinf=0.0, neginf=0.0) * 32768
    assert song.warning == "samples that are no numbers were silenced"
    assert np.abs(song.crops[0].samples - expected).max() <= 0.5 + 1e-3


def test_a_sample_that_is_no_number_does_not_spread_when_resampled(wav, sound):
    broken = sound(2.0, channels=1)
    clean = samples_of(wav(broken, subtype="FLOAT"), AS_IS[16000])
    broken[44100] = np.nan
    damaged = samples_of(wav(broken, subtype="FLOAT"), AS_IS[16000])
    assert np.array_equal(damaged[:15000], clean[:15000])


@pytest.mark.parametrize("level", [0.0, 0.25])
def test_silence_and_a_constant_stay_what_they_are(wav, level):
    samples = samples_of(wav(np.full((44100, 2), level)), AS_IS[16000])
    assert np.abs(samples[1000:-1000].astype(int) - round(level * 32768)).max() <= 1


def test_a_two_second_song_is_not_padded(wav, sound):
    assert len(samples_of(wav(sound(2.0)), AS_IS[16000])) == 32000


def test_pieces_are_resampled_as_if_they_were_one(songs):
    soxr = pytest.importorskip("soxr")
    whole = samples_of(songs["flac"]).astype(np.float32)
    expected = soxr.resample(whole, 44100, 16000, "HQ")
    assert np.abs(samples_of(songs["flac"], AS_IS[16000]) - expected).max() <= 1.5
