"""The crop is what a decode of the whole file gives there, sample by sample."""

import os
import struct
from pathlib import Path

import av
import numpy as np
import pytest
from ml_skeleton_extract_audio.cropping import CropPolicy
from ml_skeleton_extract_audio.decode import DecodeError, read_song

FORMATS = [
    *("mp3", "mp3 without header", "aac", "m4a", "alac", "opus", "ogg", "flac", "ogg flac"),
    *("wv", "tta", "wma", "mka", "wav", "aiff"),
]
PLACED_WITHIN = {"wma": 60, "mka": 60}  # samples: their timestamps are milliseconds


def rate_of(path: Path) -> int:
    with av.open(str(path), metadata_errors="replace") as container:
        return container.streams.best("audio").rate


def crops_of(path: Path, position: str, seconds: float, crops: int = 1, **asked):
    """Return the crops at the sample rate of the file, so that nothing is resampled."""
    return read_song(path, CropPolicy(position, seconds, crops, rate_of(path)), **asked).crops


@pytest.mark.parametrize("name", FORMATS)
def test_a_crop_at_the_end_is_the_tail_of_a_whole_decode(songs, whole, name):
    expected = whole(songs[name])
    [crop] = crops_of(songs[name], "end", 4.0)
    assert np.array_equal(crop.samples, expected[-4 * rate_of(songs[name]) :])


@pytest.mark.parametrize("name", FORMATS)
def test_a_song_shorter_than_the_crop_gives_all_of_it(songs, whole, name):
    [crop] = crops_of(songs[name], "end", 60.0)
    assert crop.start_s == 0.0
    assert np.array_equal(crop.samples, whole(songs[name]))


@pytest.mark.parametrize("position", ["center", "start", "spread"])
@pytest.mark.parametrize("name", FORMATS)
def test_crops_elsewhere_are_where_they_say(songs, whole, name, position):
    expected, rate = whole(songs[name]), rate_of(songs[name])
    allowed = PLACED_WITHIN.get(name, 0)
    for crop in crops_of(songs[name], position, 2.0, 2):
        start = round(crop.start_s * rate)
        shifted = (expected[at : at + 2 * rate] for at in range(max(0, start - allowed), start + allowed + 1))
        assert any(np.array_equal(crop.samples, stretch) for stretch in shifted)


@pytest.mark.parametrize("name", ["mp3", "flac", "ogg"])
def test_a_cue_track_is_cut_out_of_the_file(songs, whole, name):
    [crop] = crops_of(songs[name], "end", 2.0, start_s=3.0, length_s=5.0)
    assert crop.start_s == 3.0
    assert np.array_equal(crop.samples, whole(songs[name])[6 * 44100 : 8 * 44100])


def test_the_last_cue_track_ends_with_its_file(songs, whole):
    [crop] = crops_of(songs["flac"], "end", 60.0, start_s=9.0, length_s=500.0)
    assert np.array_equal(crop.samples, whole(songs["flac"])[9 * 44100 :])


def test_side_by_side_crops_join_without_a_gap(songs, whole):
    first, second = crops_of(songs["mp3"], "end", 3.0, 2)
    assert np.array_equal(np.concatenate([first.samples, second.samples]), whole(songs["mp3"])[-6 * 44100 :])


def test_an_mp3_whose_header_promises_ten_times_its_length_is_exact(songs, whole, tmp_path):
    lying = bytearray(songs["mp3"].read_bytes())
    at = lying.find(b"Info")
    frames = struct.unpack_from(">I", lying, at + 8)[0]
    struct.pack_into(">I", lying, at + 8, frames * 10)
    path = tmp_path / "song.mp3"
    path.write_bytes(lying)
    [crop] = crops_of(path, "end", 4.0)
    assert np.array_equal(crop.samples, whole(path)[-4 * 44100 :])


@pytest.mark.parametrize("stated_s", [0, 3, 500])
def test_a_flac_with_a_wrong_length_in_its_header_is_exact(songs, whole, tmp_path, stated_s):
    lying = bytearray(songs["flac"].read_bytes())
    lying[21] &= 0xF0
    struct.pack_into(">I", lying, 22, stated_s * 44100)
    path = tmp_path / "song.flac"
    path.write_bytes(lying)
    [crop] = crops_of(path, "end", 4.0)
    assert np.array_equal(crop.samples, whole(songs["flac"])[-4 * 44100 :])


@pytest.mark.parametrize("size", [0, 0xFFFFFFFF])
def test_a_wav_without_its_size_in_the_header_is_exact(songs, whole, tmp_path, size):
    streamed = bytearray(songs["wav"].read_bytes())
    struct.pack_into("<I", streamed, streamed.find(b"data") + 4, size)
    path = tmp_path / "song.wav"
    path.write_bytes(streamed)
    [crop] = crops_of(path, "end", 4.0)
    assert np.array_equal(crop.samples, whole(songs["wav"])[-4 * 44100 :])


def test_chained_ogg_streams_are_one_song(songs, sound, encode, whole, tmp_path):
    second = encode(tmp_path / "second.opus", sound(5.0, 48000, seed=1), "libopus", rate=48000)
    chained = tmp_path / "chained.opus"
    chained.write_bytes(songs["opus"].read_bytes() + second.read_bytes())
    song = read_song(chained, CropPolicy("end", 60.0, 1, 48000))
    assert song.length_s == pytest.approx(17.0, abs=0.05)
    assert np.array_equal(song.crops[0].samples, whole(chained))


def test_a_long_mp3_is_exact_though_its_packets_do_not_stay_in_memory(songs, whole, tmp_path, monkeypatch):
    monkeypatch.setattr("ml_skeleton_extract_audio.decode.KEPT_AT_MOST_S", 1.0)
    [crop] = crops_of(songs["mp3"], "end", 6.0)
    assert np.array_equal(crop.samples, whole(songs["mp3"])[-6 * 44100 :])


@pytest.mark.real_library
def test_every_file_of_a_real_library_gives_its_tail_or_a_reason(whole):
    root = os.environ.get("REAL_LIBRARY")
    if not root:
        pytest.skip("REAL_LIBRARY names no library of a real player")
    exact = 0
    for path in sorted(path for path in (Path(root) / "music").rglob("*") if path.is_file()):
        try:
            song = read_song(path, CropPolicy("end", 60.0, 1, rate_of(path)))
        except (DecodeError, av.FFmpegError, AttributeError):
            continue
        if song.codec != "aac":  # it may have been encoded with noise substitution
            assert np.array_equal(song.crops[0].samples, whole(path)[-60 * rate_of(path) :]), path
            exact += 1
    assert exact
