"""Previews: what the model hears, under a name that any file system takes."""

import numpy as np
import pytest
import soundfile
from ml_skeleton.artifacts.crops import Crops
from ml_skeleton_extract_audio.preview import preview_name, write_previews


def test_a_preview_is_the_crop_sample_for_sample(make_crops, make_song, make_crop, tmp_path):
    folder = make_crops([make_song(artist="A", title="B")])

    count = write_previews(Crops(folder), tmp_path / "previews", limit=None)

    (file,) = (tmp_path / "previews").iterdir()
    samples, rate = soundfile.read(file, dtype="int16")
    assert (count, file.name, rate) == (1, "A – B [00000000].flac", 16000)
    np.testing.assert_array_equal(samples, make_crop().samples)


def test_a_second_run_writes_only_what_is_missing(make_crops, make_song, tmp_path):
    crops = Crops(make_crops([make_song(number, audio_id=f"{number}" * 32) for number in range(1, 4)]))

    counts = [write_previews(crops, tmp_path / "previews", limit=2) for _ in range(3)]

    assert counts == [2, 1, 0]


@pytest.mark.parametrize(
    ("title", "name"),
    [
        ("../../etc/passwd", "X – .. .. etc passwd [abcdef01].flac"),
        ("what?\n*<now>", "X – what now [abcdef01].flac"),
        ("ü" * 200, f"X – {'ü' * 87} [abcdef01].flac"),
    ],
)
def test_names_are_safe(make_song, title, name):
    assert preview_name(make_song(artist="X", title=title), "abcdef0123", 0) == name


def test_a_crop_without_a_song_and_a_second_crop_have_names_too():
    assert preview_name(None, "abcdef0123", 1) == "song [abcdef01] 2.flac"
