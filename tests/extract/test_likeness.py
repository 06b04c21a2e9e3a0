"""Near-duplicates: one recording in several encodings is found, another song is not."""

import av
import numpy as np
import pytest
import soxr
from ml_skeleton.artifacts.crops import CropWriter
from ml_skeleton.artifacts.duplicates import (
    Duplicate,
    duplicates_provenance,
    read_duplicates,
    stand_ins,
    write_duplicates,
)
from ml_skeleton.artifacts.provenance import Provenance
from ml_skeleton_extract_audio.alignment import agreement, pattern
from ml_skeleton_extract_audio.candidates import Sketches, candidates
from ml_skeleton_extract_audio.cropping import CropPolicy
from ml_skeleton_extract_audio.decode import read_song
from ml_skeleton_extract_audio.likeness import ALIKE, find_alike, refresh_duplicates
from ml_skeleton_extract_audio.sketch import sketch

RATE = 16000
SECONDS = 24


def tune(seed: int, rate: int = RATE) -> np.ndarray:
    """Return notes of one scale, as songs of one album share it, as float samples (T,) within -1 to 1."""
    random = np.random.default_rng(seed)
    time = np.arange(rate // 4) / rate
    notes = []
    for _ in range(SECONDS * 4):
        pitches = 110.0 * 2 ** (random.choice([0, 2, 4, 7, 9, 12, 14, 16, 19], 3) / 12)
        notes.append(sum(np.sin(2 * np.pi * pitch * k * time) / k for pitch in pitches for k in (1, 2, 3, 5)))
    sound = np.concatenate(notes) * np.tile(np.exp(-6 * time), SECONDS * 4)
    return 0.3 * sound / np.abs(sound).max() + 0.003 * random.standard_normal(len(sound))


def int16(sound: np.ndarray) -> np.ndarray:
    return (sound * 32767).clip(-32768, 32767).astype(np.int16)


def encoded(path, sound: np.ndarray, codec: str, bit_rate: int) -> np.ndarray:
    """Return `sound` as a lossy codec gives it back. (T,)"""
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=48000, layout="mono")
        stream.bit_rate = bit_rate
        frame = av.AudioFrame.from_ndarray(sound.astype(np.float32)[None], format="fltp", layout="mono")
        frame.sample_rate = 48000
        resampler = av.AudioResampler(stream.format, "mono", 48000, stream.frame_size)
        for piece in [*resampler.resample(frame), *resampler.resample(None), None]:
            container.mux(stream.encode(piece))
    return read_song(path, CropPolicy()).crops[0].samples


def alike(**crops: np.ndarray) -> list[Duplicate]:
    """Return the crops that are found to sound alike."""
    found = [sketch(samples, RATE) for samples in crops.values()]
    sketches = Sketches(list(crops), np.concatenate(found), np.cumsum([0] + [len(words) for words in found]))
    return find_alike(sketches, lambda number: pattern(list(crops.values())[number], RATE))


@pytest.mark.parametrize(("name", "codec", "bit_rate"), [("a.mp3", "libmp3lame", 64000), ("a.opus", "libopus", 32000)])
def test_another_encoding_is_found(tmp_path, name, codec, bit_rate):
    again = encoded(tmp_path / name, tune(1, 48000), codec, bit_rate)

    found = alike(first=int16(tune(1)), again=again)

    assert [(row.group, row.audio_id) for row in found] == [(0, "again"), (0, "first")]


@pytest.mark.parametrize(
    "change",
    [
        lambda sound: 0.2 * sound,
        lambda sound: np.tanh(4 * sound) / 2,
        lambda sound: sound[RATE // 20 :],
        lambda sound: np.concatenate([np.zeros(3 * RATE), sound]),
        lambda sound: sound[: len(sound) // 2],
        lambda sound: sound[: int(0.64 * len(sound))],
        lambda sound: np.convolve(sound, [1.0, 0.9], "same") / 2,
        lambda sound: soxr.resample(sound, 1000, 1002),
    ],
    ids=["quieter", "compressed", "50 ms later", "after a pause", "half of it", "most of it", "duller", "slower"],
)
def test_a_changed_recording_is_found(change):
    found = alike(first=int16(tune(1)), changed=int16(change(tune(1))))

    assert [row.audio_id for row in found] == ["changed", "first"]
    assert all(row.similarity >= ALIKE for row in found)


def test_songs_of_one_album_are_not_alike():
    assert alike(**{f"song {seed}": int16(tune(seed)) for seed in range(12)}) == []


def test_two_pieces_that_share_less_than_most_of_the_crop_are_not_alike():
    sound = tune(1)
    other = np.concatenate([tune(2)[: len(sound) // 2], sound[: len(sound) // 2]])

    assert alike(first=int16(sound), other=int16(other)) == []


def test_the_same_rhythm_under_other_notes_does_not_agree():
    drums = np.tile(np.random.default_rng(0).standard_normal(RATE // 2) * np.exp(-np.arange(RATE // 2) / 800), 48)
    one, other = (pattern(int16(0.1 * drums + tune(seed)), RATE) for seed in (1, 2))

    assert agreement(one, other, 0.0) < ALIKE < agreement(one, one, 0.0)


def test_silence_and_short_crops_are_like_nothing():
    silence, short = np.zeros(30 * RATE, np.int16), int16(tune(1))[: 2 * RATE]

    assert alike(a=silence, b=silence, c=short, d=short) == []


def test_a_new_crop_among_crops_that_are_all_too_short_is_like_nothing():
    sketches = Sketches(["old", "new"], sketch(int16(tune(1))[:RATE], RATE), np.zeros(3, np.int64))

    assert len(sketches.words) == 0 and candidates(sketches, first_new=1) == {}


def test_likes_of_likes_are_one_group():
    sound = tune(1)
    other = int16(tune(2))

    found = alike(a=int16(sound), b=other, c=int16(sound / 2), d=other, e=int16(sound / 4))

    assert [(row.group, row.audio_id) for row in found] == [(0, "a"), (0, "c"), (0, "e"), (1, "b"), (1, "d")]


@pytest.mark.parametrize("first_new", [0, 1, 40])
@pytest.mark.parametrize("words_at_once", [7, 1000])
def test_in_blocks_the_same_pairs_are_found(monkeypatch, words_at_once, first_new):
    random = np.random.default_rng(first_new)
    words = random.integers(0, 400, 60 * 50, np.uint32)  # so few kinds that many crops share some
    sketches = Sketches([f"song {number}" for number in range(60)], words, np.arange(61) * 50)
    whole = candidates(sketches, first_new)
    monkeypatch.setattr("ml_skeleton_extract_audio.candidates.SORTED_AT_ONCE", words_at_once)
    monkeypatch.setattr("ml_skeleton_extract_audio.candidates.LOOKED_UP_AT_ONCE", words_at_once)

    assert (candidates(sketches, first_new), len(whole) > 100) == (whole, True)


def test_two_crops_of_one_recording_are_no_duplicates(tmp_path, make_crop):
    words = sketch(int16(tune(1)), RATE).tobytes()
    with CropWriter(tmp_path, "test") as writer:
        writer.add([make_crop("a", sketch=words), make_crop("a", crop=1, sketch=words)])

    refresh_duplicates(tmp_path, make_crop().policy, "test")

    assert read_duplicates(tmp_path) == []


def test_they_are_looked_for_again_only_when_a_crop_came(tmp_path, make_crop):
    words, policy = sketch(int16(tune(1)), RATE).tobytes(), make_crop().policy
    with CropWriter(tmp_path, "test") as writer:
        writer.add([make_crop("a", sketch=words)])
    refresh_duplicates(tmp_path, policy, "test")
    first = (tmp_path / "duplicates.parquet").stat().st_mtime_ns
    refresh_duplicates(tmp_path, policy, "test")
    second = (tmp_path / "duplicates.parquet").stat().st_mtime_ns
    with CropWriter(tmp_path, "test") as writer:
        writer.add([make_crop("b", sketch=words), make_crop("c", sketch=None)])
    refresh_duplicates(tmp_path, policy, "test")

    assert (first, read_duplicates(tmp_path)) == (second, [Duplicate(0, "a", 1.0), Duplicate(0, "b", 1.0)])


def test_crops_that_come_later_join_the_groups_that_are_there(tmp_path, make_crop):
    one, other, policy = sketch(int16(tune(1)), RATE).tobytes(), sketch(int16(tune(2)), RATE).tobytes(), "p"
    for names in (("a", "b", "x"), ("c", "y")):
        with CropWriter(tmp_path, "test") as writer:
            writer.add([make_crop(name, policy=policy, sketch=other if name in "xy" else one) for name in names])
        refresh_duplicates(tmp_path, policy, "test")

    found = read_duplicates(tmp_path)

    assert [(row.group, row.audio_id) for row in found] == [(0, "a"), (0, "b"), (0, "c"), (1, "x"), (1, "y")]
    assert stand_ins(found) == {"a": "a", "b": "a", "c": "a", "x": "x", "y": "x"}


def test_duplicates_come_back_as_they_were(tmp_path):
    rows = [Duplicate(0, "a", 0.75), Duplicate(0, "b", 0.75)]
    write_duplicates(tmp_path, rows, Provenance("crops-duplicates", 1, "test", {"policy": "p"}))

    assert read_duplicates(tmp_path) == rows
    assert duplicates_provenance(tmp_path).settings == {"policy": "p"}
