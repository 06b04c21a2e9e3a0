"""The crops folder: what is written comes back, and nothing else is taken for one."""

import os
import pickle

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from ml_skeleton.artifacts.crops import (
    FORMAT,
    KIND,
    Crops,
    CropWriter,
    Failure,
    Waveform,
    crop_keys,
    read_failures,
    write_failures,
    write_songs,
)
from ml_skeleton.artifacts.provenance import Provenance
from ml_skeleton.errors import InputError, UserError

SAME_TMP = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def read_all(crops: Crops) -> list[Waveform]:
    return [waveform for group in crops.groups for waveform in crops.read(group)]


@SAME_TMP
@given(st.lists(arrays(np.int16, st.integers(1, 50)), min_size=1, max_size=20))
def test_samples_come_back_bit_for_bit(tmp_path_factory, make_song, make_crop, clips):
    folder = tmp_path_factory.mktemp("crops")
    with CropWriter(folder, "test") as writer:
        writer.add([make_crop(f"{number}", samples=clip) for number, clip in enumerate(clips)])
    write_songs(folder, [make_song()], Provenance(KIND, FORMAT, "test", {"policy": make_crop().policy, "rate": 16000}))

    assert [w.samples.tolist() for w in read_all(Crops(folder))] == [clip.tolist() for clip in clips]


@SAME_TMP
@given(
    st.text(), st.none() | st.integers(0, 10).map(lambda tenths: tenths / 10), st.lists(st.text(min_size=1), max_size=3)
)
def test_songs_come_back_as_they_were(tmp_path_factory, make_song, title, rating, album_keys):
    folder = tmp_path_factory.mktemp("crops")
    song = make_song(title=title, rating=rating, album_keys=tuple(album_keys), year=None, lastplayed=7, audio_id=None)
    write_songs(folder, [song], Provenance(KIND, FORMAT, "test", {"policy": "p"}))

    assert Crops(folder).songs == [song]


def test_crops_of_another_policy_are_left_out(make_crops, make_song, make_crop):
    folder = make_crops([make_song(1), make_song(2)], [make_crop("a"), make_crop("b", policy="start-1x5s-16000hz")])

    crops = Crops(folder)

    assert (crops.audio_ids, [w.audio_id for w in read_all(crops)]) == (["a"], ["a"])


def test_another_policy_is_read_by_its_name(make_crops, make_song, make_crop):
    other = make_crop("b", policy="start-1x5s-8000hz", sample_rate=8000, speech=0.5)
    folder = make_crops([make_song(1, audio_id="a", speech=0.1), make_song(2, audio_id="b")], [make_crop("a"), other])

    crops = Crops(folder, "start-1x5s-8000hz")

    assert (crops.audio_ids, [w.audio_id for w in read_all(crops)], crops.sample_rate) == (["b"], ["b"], 8000)
    assert [song.speech for song in crops.songs] == [None, 0.5]


def test_a_policy_that_is_not_there_is_answered_with_those_that_are(make_crops, make_song):
    folder = make_crops([make_song()])

    with pytest.raises(InputError, match="holds no crops of end-1x5s-8000hz; name one of end-1x60s-16000hz"):
        _ = Crops(folder, "end-1x5s-8000hz").audio_ids


def test_the_folder_knows_how_many_crops_each_recording_has(make_crops, make_song, make_crop):
    folder = make_crops([make_song()], [make_crop("a"), make_crop("a", crop=1), make_crop("b")])

    assert crop_keys(folder) == {("a", make_crop().policy): 2, ("b", make_crop().policy): 1}


def test_a_crop_is_normalised_to_mean_0_and_deviation_1(make_crops, make_song, make_crop):
    samples = np.array([100, 300, -50, 7000], dtype=np.int16)
    folder = make_crops([make_song()], [make_crop(samples=samples)])

    audio = read_all(Crops(folder))[0].normalised()

    np.testing.assert_allclose([audio.mean(), audio.std()], [0, 1], atol=1e-5)
    assert audio.dtype == np.float32


def test_a_crop_is_measured_once_and_its_level_goes_along_between_processes(make_crop):
    crop = pickle.loads(pickle.dumps(make_crop(samples=np.array([0, 16384, -32768, 0], np.int16))))

    assert (crop.mean, crop.std, crop.peak) == (-0.125, pytest.approx(np.std([0, 0.5, -1, 0])), 1.0)


def test_silence_stays_silent_when_normalised(make_crops, make_song, make_crop):
    folder = make_crops([make_song()], [make_crop(samples=np.zeros(100, dtype=np.int16))])

    assert not read_all(Crops(folder))[0].normalised().any()


def test_samples_are_stored_uncompressed_so_that_reading_is_a_copy(make_crops, make_song):
    folder = make_crops([make_song()])

    column = pq.read_metadata(next((folder / "audio").iterdir())).row_group(0).column(6)

    assert (column.path_in_schema, column.compression, "DICTIONARY" in str(column.encodings)) == (
        "samples",
        "UNCOMPRESSED",
        False,
    )


def test_the_ledger_comes_back_as_it_was(tmp_path):
    failures = [Failure("file:///a%FF.mp3", "/a\ufffd.mp3", 0.0, 5, 6, "not an audio file", True)]
    write_failures(tmp_path, failures, "test")

    assert read_failures(tmp_path) == failures


def test_a_write_that_fails_leaves_no_part(tmp_path, make_crop):
    with pytest.raises(RuntimeError), CropWriter(tmp_path, "test") as writer:
        writer.add([make_crop(str(number)) for number in range(20)])
        raise RuntimeError("the run breaks")

    assert list((tmp_path / "audio").iterdir()) == []


def test_an_interrupted_run_keeps_what_was_whole(tmp_path, make_crop):
    with pytest.raises(KeyboardInterrupt), CropWriter(tmp_path, "test") as writer:
        writer.add([make_crop("a")])
        raise KeyboardInterrupt

    assert set(crop_keys(tmp_path)) == {("a", make_crop().policy)}


def test_a_full_disk_is_one_line_and_leaves_nothing(tmp_path, make_crop, monkeypatch):
    def full(_number):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)

    message = r"part-000000.parquet: cannot write: No space left"
    with pytest.raises(UserError, match=message), CropWriter(tmp_path, "test") as writer:
        writer.add([make_crop()])

    assert list((tmp_path / "audio").iterdir()) == []


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda folder: (folder / "songs.parquet").unlink(), "holds no songs.parquet; make it with: clem-extract"),
        (lambda folder: (folder / "songs.parquet").write_bytes(b"PAR1 nonsense"), "damaged"),
        (lambda folder: os.truncate(folder / "songs.parquet", 500), "damaged"),
    ],
)
def test_a_folder_that_is_no_whole_crops_folder_is_refused(make_crops, make_song, spoil, message):
    folder = make_crops([make_song()])
    spoil(folder)

    with pytest.raises(InputError, match=message):
        Crops(folder)


@pytest.mark.parametrize(
    ("kind", "number", "message"),
    [("embeddings", 1, "found embeddings, expected crops"), (KIND, 99, "crops format 99, this version reads")],
)
def test_another_kind_or_format_number_is_refused(tmp_path, make_song, kind, number, message):
    write_songs(tmp_path, [make_song()], Provenance(kind, number, "test", {"policy": "p"}))

    with pytest.raises(InputError, match=message):
        Crops(tmp_path)


def test_a_parquet_file_of_somebody_else_is_refused(tmp_path):
    pq.write_table(pa.table({"x": [1]}), tmp_path / "songs.parquet")

    with pytest.raises(InputError, match="carries no provenance"):
        Crops(tmp_path)


def test_a_truncated_part_is_named(make_crops, make_song):
    folder = make_crops([make_song()])
    part = next((folder / "audio").iterdir())
    os.truncate(part, part.stat().st_size // 2)

    with pytest.raises(InputError, match=f"{part.name}: damaged"):
        _ = Crops(folder).groups


def test_the_fingerprint_changes_with_a_rating_and_not_with_a_play_count(make_crops, make_song):
    before = Crops(make_crops([make_song(rating=0.2)], folder="a")).fingerprint
    played = Crops(make_crops([make_song(rating=0.2, playcount=9)], folder="b")).fingerprint
    rated = Crops(make_crops([make_song(rating=0.4)], folder="c")).fingerprint

    assert (played == before, rated == before) == (True, False)


def test_a_folder_that_lost_its_audio_is_refused(make_crops, make_song):
    folder = make_crops([make_song()])
    next((folder / "audio").iterdir()).unlink()

    with pytest.raises(InputError, match="holds no crops of end-1x60s-16000hz; cut it again with: clem-extract"):
        _ = Crops(folder).audio_ids
