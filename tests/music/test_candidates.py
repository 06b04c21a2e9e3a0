"""Candidates: what no playlist holds, and why."""

from ml_skeleton.music.candidates import cue_tracks, lengths_s, rated_or_alike, speech_of, unfit
from ml_skeleton.music.recordings import recordings_of


def test_each_reason_bars_its_own_songs(make_song):
    sheet = {"url": "file:///music/sheet.flac"}
    songs = [
        make_song(1),
        make_song(2, **sheet),  # the first track begins with the file
        make_song(3, start_s=60.0, audio_id=None, **sheet),
        make_song(4, speech=0.9),
        make_song(5, length_s=1000.0),
        make_song(6, length_s=None),
    ]

    recordings = recordings_of(songs)

    found = unfit(cue_tracks(recordings, songs), speech_of(recordings), lengths_s(recordings), max_speech=0.7)

    assert {reason: barred.tolist() for reason, barred in found.items()} == {
        "as tracks of cue sheets": [False, True, False, False, False],
        "as speech": [False, False, True, False, False],
        "as too long": [False, False, False, True, False],
    }


def test_what_sounds_like_a_rated_song_counts_as_rated(make_song):
    songs = [
        make_song(1, rating=0.8, alike="one sound"),
        make_song(2, rating=None, alike="one sound"),
        make_song(3, rating=None),
    ]

    assert rated_or_alike(recordings_of(songs), songs).tolist() == [True, True, False]
