"""Inputs and targets: named groups of columns, weak labels, and trust by recency."""

import numpy as np
from ml_skeleton.music.inputs import AUDIO, BEHAVIOUR, METADATA, commonest_genres, keys_of, make_inputs
from ml_skeleton.music.recordings import recordings_of
from ml_skeleton.music.targets import DAY_S, all_rated, ratings_by_habit, recency_weights


def test_groups_stand_side_by_side_under_their_names(make_song):
    recordings = recordings_of([make_song(1, genre="Rock; Jazz"), make_song(2, genre="rock", year=None, length_s=None)])

    inputs = make_inputs(recordings, np.ones((2, 3), np.float32), [BEHAVIOUR, AUDIO, METADATA], ["rock", "jazz"])

    assert inputs.groups == {"audio": 3, "metadata": 6, "behaviour": 4}
    assert inputs.matrix[:, inputs.columns()["metadata"]][:, 2:].tolist() == [[0, 0, 1, 1], [1, 1, 1, 0]]
    assert np.isfinite(inputs.matrix).all()


def test_the_parts_of_the_audio_are_weighed_by_themselves_before_the_other_groups(make_song):
    recordings = recordings_of([make_song(1)])
    parts = {"timbre": 2, "rhythm": 1}

    inputs = make_inputs(recordings, np.ones((1, 3), np.float32), [BEHAVIOUR, AUDIO], (), parts)
    deaf = make_inputs(recordings, np.ones((1, 3), np.float32), [BEHAVIOUR], (), parts)

    assert inputs.weighed() == {"timbre": slice(0, 2), "rhythm": slice(2, 3), "behaviour": slice(3, 7)}
    assert inputs.columns()["audio"] == slice(0, 3)
    assert deaf.weighed() == {"behaviour": slice(0, 4)}


def test_songs_by_ear_have_neither_artist_nor_album(make_song):
    inputs = make_inputs(recordings_of([make_song(1)]), np.ones((1, 3), np.float32), [AUDIO], ())

    assert (inputs.artists[0] != 0, inputs.by_ear().artists[0], inputs.by_ear().albums[0]) == (True, 0, 0)


def test_a_missing_name_has_the_key_of_nobody_and_equal_names_have_equal_keys():
    keys = keys_of(["", "a", "b", "a", "\udcff"])

    assert keys[0] == 0 and keys[1] == keys[3] and len(set(keys.tolist())) == 4
    assert keys.tolist() == keys_of(["", "a", "b", "a", "\udcff"]).tolist()


def test_a_genre_of_a_single_song_gets_no_column(make_song):
    songs = [make_song(1, genre="Rock/Folk"), make_song(2, genre="ROCK"), make_song(3, genre="Polka")]

    assert commonest_genres(recordings_of(songs)) == ["rock"]


def test_a_rating_counts_half_after_the_half_life(make_song):
    days = (100, 70, 40, None)
    songs = [make_song(n + 1, lastplayed=d and round(d * DAY_S)) for n, d in enumerate(days)]

    assert recency_weights(recordings_of(songs), 30).tolist() == [1.0, 0.5, 0.25, 0.25]


def test_a_library_that_was_never_played_trusts_all_ratings_alike(make_song):
    assert recency_weights(recordings_of([make_song(1), make_song(2)]), 30).tolist() == [1.0, 1.0]


def test_a_played_song_is_guessed_above_a_skipped_one_if_this_listener_s_ratings_say_so(make_song):
    rated = [
        make_song(n, rating=0.9 if n % 2 else 0.2, playcount=9 * (n % 2), skipcount=9 * (1 - n % 2)) for n in range(40)
    ]
    asked = [make_song(91, rating=None, playcount=9), make_song(92, rating=None, playcount=0, skipcount=9)]

    played, skipped = ratings_by_habit(recordings_of(rated), recordings_of(asked))

    assert played > 0.65 and skipped < 0.45


def test_songs_whose_rating_the_encoder_has_seen_are_judged_only_where_there_are_too_few_others(make_song):
    inputs = make_inputs(recordings_of([make_song(n) for n in range(30)]), np.ones((30, 2), np.float32), [AUDIO], ())
    seen = np.arange(30) < 20

    many, few = (all_rated(inputs, np.zeros(30), mask).judged for mask in (seen, np.arange(30) < 25))

    assert (many.tolist(), few.all()) == ((~seen).tolist(), True)
