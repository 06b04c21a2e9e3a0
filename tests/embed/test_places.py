"""Batches for embedding: every window once, and in a place that follows from its song alone."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ml_skeleton.artifacts.crops import Waveform
from ml_skeleton_embed.places import batches
from ml_skeleton_embed.reading import ahead

LENGTH = 10
LIBRARY = st.lists(st.integers(0, 8 * LENGTH), max_size=30)  # samples of each song


def songs_of(lengths):
    return [(f"song {n}", [Waveform(f"song {n}", np.full(length, n, np.int16), 0.0, 0.1)]) for n, length in lengths]


def rows_of(songs, rows):
    """Return the row of every window by song and number, each of which is there once."""
    found = [(s.audio_id, number, row) for batch in batches(songs, rows, LENGTH) for row, s, number in batch.places]
    assert len({(audio_id, number) for audio_id, number, _ in found}) == len(found)
    return set(found)


@settings(max_examples=30, deadline=None)
@given(LIBRARY, st.integers(1, 5), st.randoms(use_true_random=False))
def test_the_place_of_a_window_depends_on_its_song_alone(lengths, rows, random):
    songs = songs_of(enumerate(lengths))
    alone = set().union(*(rows_of([song], rows) for song in songs))
    random.shuffle(songs)

    assert rows_of(songs, rows) == alone


@settings(max_examples=30, deadline=None)
@given(LIBRARY)
def test_a_row_holds_the_samples_of_its_window_and_others_are_silent(lengths):
    for batch in batches(songs_of(enumerate(lengths)), 4, LENGTH):
        expected = np.zeros((4, LENGTH), np.int16)
        for row, song, _ in batch.places:
            expected[row] = int(song.audio_id.split()[1]) if lengths[int(song.audio_id.split()[1])] else 0
        np.testing.assert_array_equal(batch.samples, expected)


def test_most_rows_of_a_long_run_are_filled():
    songs = songs_of((n, 12 * LENGTH) for n in range(500))

    filled = [len(batch.places) for batch in batches(songs, 16, LENGTH)]

    assert sum(filled) / (16 * len(filled)) > 0.9


def test_reading_ahead_keeps_the_order():
    assert list(ahead(iter(range(1, 8)))) == list(range(1, 8))


def test_an_error_while_reading_ahead_reaches_the_reader():
    def breaks():
        yield 1
        raise OSError("disk gone")

    with pytest.raises(OSError, match="disk gone"):
        list(ahead(breaks()))
