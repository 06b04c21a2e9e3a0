"""Retrieval: fellows found, with and without the filters of the field."""

import numpy as np
import pytest
from ml_skeleton.music.neighbours import Neighbours
from ml_skeleton.music.recordings import recordings_of
from ml_skeleton.music.retrieval import (
    ALBUM,
    ALBUM_ARTIST_FILTER,
    ARTIST_ALBUM_FILTER,
    measure_retrieval,
    retrieve,
)

CIRCLE = np.array([[1, 0], [0.9, 0.2], [0, 1], [-0.2, 0.9], [-1, -1], [-0.9, -1.1]], np.float32)


def space(matrix=CIRCLE):
    return Neighbours(matrix, hub_correction=False)


def test_fellows_that_are_all_nearest_give_one():
    found = retrieve(space(), [("a",), ("a",), ("b",), ("b",), ("c",), ("c",)])

    assert (found.map, found.nearest, found.rows.tolist()) == (1.0, 1.0, [0, 1, 2, 3, 4, 5])


def test_average_precision_is_the_mean_share_of_fellows_down_to_each():
    line = np.array([[0, 1], [0.1, 1], [0.3, 1], [0.6, 1], [1, 1], [-2, -5]], np.float32)
    ranked = Neighbours(line, hub_correction=False).nearest_to_songs(np.array([0]), 5).rows[0]
    labels = [("x",)] * 6
    labels = [("q",) if row in (0, ranked[1], ranked[3]) else ("x",) for row in range(6)]

    found = retrieve(space(line), labels)

    assert found.average_precision[0] == pytest.approx((1 / 2 + 2 / 4) / 2)
    assert not found.first_is_fellow[0]


def test_a_song_without_a_fellow_does_not_count():
    found = retrieve(space(), [("a",), ("a",), (), (), ("c",), ("d",)])

    assert found.rows.tolist() == [0, 1]


def test_where_no_song_has_a_fellow_there_is_no_figure():
    found = retrieve(space(), [()] * 6)

    assert (found.map, found.nearest) == (None, None)


def test_any_shared_album_makes_a_fellow():
    found = retrieve(space(), [("a", "best of"), ("b", "best of"), (), (), (), ()])

    assert found.rows.tolist() == [0, 1]


def library(make_song, *songs):
    return recordings_of([make_song(n + 1, artist=artist, album=album) for n, (artist, album) in enumerate(songs)])


def test_an_artist_filter_leaves_only_the_other_artists_of_a_compilation(make_song):
    tracks = [("x", "first"), ("x", "first"), ("y", "second"), ("y", "second")]
    both = [make_song(5, artist="x", albumartist="various", album="best of")]
    both += [make_song(6, artist="y", albumartist="various", album="best of")]
    songs = [make_song(n + 1, artist=artist, album=album) for n, (artist, album) in enumerate(tracks)] + both

    found = measure_retrieval(CIRCLE, recordings_of(songs))

    assert found[ALBUM].rows.tolist() == [0, 1, 2, 3, 4, 5]
    assert found[ALBUM_ARTIST_FILTER].rows.tolist() == [4, 5]


def test_an_album_filter_asks_for_the_artist_s_other_albums(make_song):
    songs = library(make_song, ("x", "1"), ("x", "2"), ("x", "1"), ("y", "3"), ("y", "3"), ("", "4"))

    found = measure_retrieval(CIRCLE, songs)[ARTIST_ALBUM_FILTER]

    assert found.rows.tolist() == [0, 1, 2]
    assert found.average_precision[1] == pytest.approx(np.mean([1 / 1, 2 / 2]))


def test_a_large_library_is_asked_by_a_sample_of_its_songs():
    matrix = np.random.default_rng(0).standard_normal((2100, 3)).astype(np.float32)

    assert len(retrieve(space(matrix), [("a",)] * 2100).rows) == 2000
