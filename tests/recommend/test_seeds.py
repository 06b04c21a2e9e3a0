"""Seeds: a song is found by path, URL, ROWID or artist and title, and what may be meant is said."""

import pytest
from ml_skeleton.artifacts.songs import to_table
from ml_skeleton.errors import UsageError
from ml_skeleton_recommend.seeds import matching, one_recording


@pytest.fixture
def songs(make_song):
    rows = [
        make_song(7, artist="Anna", title="Dawn", url="file:///m/a%20b.ogg", path="/m/a b.ogg"),
        make_song(8, artist="Anna", title="Dusk"),
        make_song(9, artist="Bert", title="Dusk"),
        make_song(10, artist="Bert", title="12"),
        make_song(11, artist="Bert", title="Rain", audio_id="c" * 32),
        make_song(12, artist="Bert", title="Rain", audio_id="c" * 32),
    ]
    return to_table(rows)


@pytest.mark.parametrize(
    "name", ["7", "/m/a b.ogg", "file:///m/a%20b.ogg", "Anna - Dawn", "anna – dawn", "Dawn", "daw ann"]
)
def test_a_song_is_found_by_any_of_its_names(songs, name):
    assert one_recording(name, matching(name, songs)).song_id == 7


def test_a_number_that_is_no_rowid_may_be_a_title(songs):
    assert one_recording("12", matching("12", songs.slice(0, 4))).song_id == 10


def test_copies_of_a_recording_are_one_song(songs):
    assert one_recording("Rain", matching("Rain", songs)).audio_id == "c" * 32


def test_an_ambiguous_name_is_refused_with_what_it_may_be(songs):
    with pytest.raises(UsageError, match=r"may be 'Anna – Dusk' \(8\), 'Bert – Dusk' \(9\); name one by its number"):
        one_recording("Dusk", matching("Dusk", songs))


def test_an_unknown_name_is_refused_with_the_nearest(songs):
    with pytest.raises(UsageError, match=r"none of 6 songs is called that; did you mean 'Anna – Dawn'"):
        matching("Ana - Dwan", songs)
