"""Where the crops of a song lie."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ml_skeleton.errors import UsageError
from ml_skeleton_extract_audio.cropping import POSITIONS, CropPolicy, Window


@pytest.mark.parametrize(
    ("position", "crops", "length_s", "expected"),
    [
        ("end", 1, 200.0, [(140.0, 60.0)]),
        ("end", 2, 200.0, [(80.0, 60.0), (140.0, 60.0)]),
        ("end", 2, 90.0, [(0.0, 30.0), (30.0, 60.0)]),
        ("end", 1, 45.0, [(0.0, 45.0)]),
        ("start", 2, 200.0, [(0.0, 60.0), (60.0, 60.0)]),
        ("start", 2, 90.0, [(0.0, 60.0), (60.0, 30.0)]),
        ("center", 1, 200.0, [(70.0, 60.0)]),
        ("center", 2, 200.0, [(40.0, 60.0), (100.0, 60.0)]),
        ("center", 1, 45.0, [(0.0, 45.0)]),
        ("spread", 1, 200.0, [(70.0, 60.0)]),
        ("spread", 2, 200.0, [(20.0, 60.0), (120.0, 60.0)]),
        ("spread", 4, 130.0, [(2.5, 60.0), (67.5, 60.0)]),
        ("spread", 3, 45.0, [(0.0, 45.0)]),
    ],
)
def test_crops_lie_where_the_policy_says(position, crops, length_s, expected):
    assert CropPolicy(position, 60.0, crops).windows(length_s) == [Window(*window) for window in expected]


def test_a_remainder_too_short_to_tell_anything_is_dropped():
    assert CropPolicy("start", 60.0, 2).windows(60.4) == [Window(0.0, 60.0)]


def test_a_song_of_no_length_has_no_crops():
    assert CropPolicy("spread", 60.0, 2).windows(0.0) == []


@given(
    position=st.sampled_from(POSITIONS),
    seconds=st.floats(0.1, 300),
    crops=st.integers(1, 20),
    length_s=st.floats(0.05, 4000),
)
def test_crops_never_overlap_nor_leave_the_song(position, seconds, crops, length_s):
    windows = CropPolicy(position, seconds, crops).windows(length_s)
    edges = [edge for start_s, window_s in windows for edge in (start_s, start_s + window_s)]
    assert 1 <= len(windows) <= crops
    assert all(later >= earlier - 1e-6 for earlier, later in zip([0.0, *edges], [*edges, length_s], strict=True))
    assert all(0 < window.seconds <= seconds + 1e-6 for window in windows)


@given(position=st.sampled_from(POSITIONS), seconds=st.floats(1, 100), length_s=st.floats(1, 1000))
def test_one_crop_is_as_long_as_the_song_allows(position, seconds, length_s):
    [window] = CropPolicy(position, seconds).windows(length_s)
    assert window.seconds == pytest.approx(min(seconds, length_s))


def test_the_name_tells_policies_apart():
    assert CropPolicy("end", 60.0, 1, 16000).name == "end-1x60s-16000hz"
    assert CropPolicy("spread", 7.5, 3, 22050).name == "spread-3x7.5s-22050hz"


@pytest.mark.parametrize("wrong", [{"position": "middle"}, {"seconds": 0.0}, {"crops": 0}, {"rate": 0}])
def test_an_impossible_policy_is_refused(wrong):
    with pytest.raises(UsageError):
        CropPolicy(**wrong)
