"""Filters: an SQL expression over the songs, and nothing else."""

import pytest
from ml_skeleton.artifacts.songs import to_table
from ml_skeleton.errors import UsageError
from ml_skeleton_recommend.filters import songs_where


@pytest.fixture
def songs(make_song):
    return to_table(
        [make_song(1, genre="Jazz", year=1959, rating=0.9), make_song(2, genre="Jazz", year=None, rating=None)]
    )


@pytest.mark.parametrize(
    ("expression", "found"),
    [
        ("genre = 'Jazz' and year < 1970", {1}),
        ("stars >= 4.5", {1}),
        ("rating is null", {2}),
        ("true", {1, 2}),
        ("list_contains(album_keys, 'Artist|||Album')", {1, 2}),
    ],
)
def test_songs_for_which_it_is_true_are_let_in(songs, expression, found):
    assert songs_where(songs, expression) == found


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        ("gendre = 'Jazz'", "no column 'gendre'; did you mean 'genre'?"),
        ("true; drop table songs", "not an expression"),
        ("1=1) union select 1 --", "not an expression"),
        ("true, true", "not an expression"),
        ("", "not an expression"),
        ("genre", "not an expression"),
        ("song_id in (select 1 from read_csv('/etc/passwd'))", "file system operations are disabled"),
        ("song_id in (select 1 from '/etc/passwd')", "does not exist"),
        ("song_id in (select 1 from songs_of_python)", "does not exist"),
    ],
)
def test_anything_else_is_refused_in_one_line(songs, expression, message):
    with pytest.raises(UsageError) as refused:
        songs_where(songs, expression)

    assert message in str(refused.value) and "\n" not in str(refused.value)
