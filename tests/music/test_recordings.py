"""Recordings: copies of one recording are one thing to hear, to rate and to play."""

from ml_skeleton.artifacts.songs import joined_by_audio
from ml_skeleton.music.recordings import recordings_of


def test_copies_are_one_recording(make_song):
    songs = [make_song(1, audio_id="a"), make_song(2, audio_id="a"), make_song(3, audio_id="b")]

    assert [[song.song_id for song in r.songs] for r in recordings_of(songs)] == [[1, 2], [3]]


def test_a_song_that_could_not_be_read_is_no_recording(make_song):
    assert recordings_of([make_song(audio_id=None)]) == []


def test_the_rating_of_the_most_recently_changed_copy_counts(make_song):
    old, new = make_song(1, audio_id="a", rating=0.2, mtime=10), make_song(2, audio_id="a", rating=0.9, mtime=20)

    assert recordings_of([old, new])[0].rating == 0.9


def test_an_unrated_newer_copy_does_not_hide_the_rating_of_an_older_one(make_song):
    old, new = make_song(1, audio_id="a", rating=0.2, mtime=10), make_song(2, audio_id="a", rating=None, mtime=20)

    assert recordings_of([old, new])[0].rating == 0.2


def test_the_copy_to_play_is_one_that_is_there(make_song):
    gone = make_song(1, audio_id="a", mtime=20, available=False)
    there = make_song(2, audio_id="a", mtime=10)

    recording = recordings_of([gone, there])[0]

    assert (recording.song, recording.available) == (there, True)


def test_a_recording_on_two_albums_belongs_to_both(make_song):
    songs = [make_song(1, audio_id="a", album="One"), make_song(2, audio_id="a", album="Best of")]

    assert recordings_of(joined_by_audio(songs, {}))[0].album_keys == ("Artist|||Best of", "Artist|||One")


def test_a_rating_that_a_run_saw_change_counts_more_than_a_newer_file(make_song):
    changed = make_song(1, audio_id="a", rating=0.2, mtime=10, rating_changed=15)
    newer = make_song(2, audio_id="a", rating=0.9, mtime=20)

    assert recordings_of([changed, newer])[0].rating == 0.2


def test_recordings_that_sound_the_same_are_one_group(make_song):
    songs = [make_song(1, audio_id="a"), make_song(2, audio_id="b"), make_song(3, audio_id="c")]

    recordings = recordings_of(joined_by_audio(songs, {}, {"b": "b", "c": "b"}))

    assert [recording.group for recording in recordings] == ["a", "b", "b"]
