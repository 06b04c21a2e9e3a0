"""Choosing and ordering: what holds for any songs, whatever their scores, artists and albums."""

from itertools import groupby

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from ml_skeleton_recommend.choosing import Crowd, Limits, agreement, arc, best_first, choose, space, vary

songs = st.lists(
    st.tuples(st.floats(0, 1), st.integers(-1, 4), st.integers(-1, 6), st.integers(0, 20), st.floats(30, 600)),
    min_size=1,
    max_size=40,
)
limits = st.builds(
    Limits,
    st.one_of(st.none(), st.integers(1, 20)),
    st.one_of(st.none(), st.floats(100, 4000)),
    st.one_of(st.none(), st.integers(0, 4)),
    st.one_of(st.none(), st.integers(0, 3)),
)


def crowd_of(rows) -> tuple[np.ndarray, Crowd, np.ndarray]:
    scores, artists, albums, groups, lengths = map(np.array, zip(*rows, strict=True))
    unit = np.random.default_rng(0).standard_normal((len(rows), 3)).astype(np.float32)
    return scores, Crowd(artists, albums, groups, lengths), unit / np.linalg.norm(unit, axis=1, keepdims=True)


def most_of_one(codes) -> int:
    return max(np.bincount(codes[codes >= 0]), default=0)


@given(songs, limits, st.sampled_from([0.0, 0.3, 1.0]))
def test_no_limit_is_broken_and_no_recording_is_chosen_twice(rows, limit, diversity):
    scores, crowd, unit = crowd_of(rows)

    chosen = choose(scores, crowd, limit, unit.__getitem__, diversity)

    assert limit.songs is None or len(chosen) <= limit.songs
    assert limit.seconds is None or crowd.lengths_s[chosen].sum() <= limit.seconds
    assert not limit.per_artist or most_of_one(crowd.artists[chosen]) <= limit.per_artist
    assert not limit.per_album or most_of_one(crowd.albums[chosen]) <= limit.per_album
    assert len(set(crowd.groups[chosen])) == len(chosen)


@given(songs)
def test_without_limits_the_best_of_each_group_are_chosen_best_first(rows):
    scores, crowd, unit = crowd_of(rows)

    chosen = choose(scores, crowd, Limits(), unit.__getitem__)

    best = {group: max(scores[crowd.groups == group]) for group in set(crowd.groups)}
    assert scores[chosen].tolist() == sorted(best.values(), reverse=True)


@given(st.lists(st.integers(-1, 3), max_size=40))
def test_no_artist_has_four_songs_in_a_row(artists):
    codes = np.array(artists, dtype=np.intp)

    order = space(range(len(codes)), codes)

    runs = [len(list(run)) for code, run in groupby(codes[order]) if code >= 0]
    assert max(runs, default=0) <= 3 and len(set(order)) == len(order)


@given(st.lists(st.integers(-1, 3), max_size=40))
def test_spacing_loses_a_song_only_where_nothing_else_is_left_to_put_between(artists):
    codes = np.array(artists, dtype=np.intp)

    lost = set(range(len(codes))) - set(space(range(len(codes)), codes))

    assert len({artists[row] for row in lost}) <= 1


def test_songs_of_an_artist_are_put_apart_as_near_to_their_order_as_that_allows():
    assert space([0, 1, 2, 3, 4], np.array([7, 7, 8, 9, 10]), gap=2) == [0, 2, 3, 1, 4]


def test_diversity_takes_the_song_that_is_unlike_the_first():
    unit = np.array([[1, 0], [0.99, 0.14], [0, 1]], dtype=np.float32)
    crowd = Crowd(np.arange(3), np.arange(3), np.arange(3), np.full(3, 200.0))

    with_scores = [
        choose(np.array([1.0, 0.9, 0.6]), crowd, Limits(2), unit.__getitem__, d).tolist() for d in (0.0, 0.5)
    ]

    assert with_scores == [[0, 1], [0, 2]]


@given(st.lists(st.floats(0, 1), min_size=1, max_size=30), st.floats(0, 1), st.integers(0, 5))
def test_the_same_seed_varies_in_the_same_way(scores, variation, seed):
    values = np.array(scores)

    assert vary(values, variation, seed).tolist() == vary(values, variation, seed).tolist()


def test_another_seed_gives_another_order_and_no_variation_none():
    scores = np.linspace(0, 1, 50)

    orders = {tuple(best_first(vary(scores, 0.5, seed)).tolist()) for seed in range(5)}

    assert (len(orders), vary(scores, 0.0, 1) is scores) == (5, True)


@given(st.lists(st.floats(-60, 0), min_size=1, max_size=30))
def test_an_arc_rises_to_one_peak_and_falls(energy):
    values = np.array(energy)
    ordered = values[arc(values)]

    peak = int(ordered.argmax())
    assert sorted(ordered) == sorted(energy)
    assert (np.diff(ordered[: peak + 1]) >= 0).all() and (np.diff(ordered[peak:]) <= 0).all()


def test_agreement_is_nothing_where_one_seed_disagrees():
    similarities = np.array([[0.9, 0.5, 0.4], [-0.1, 0.5, 0.4]])

    found = agreement(similarities)

    assert found[0] == 0.0 and found.argmax() == 1


@pytest.mark.parametrize("seeds", [1, 2, 5])
def test_agreement_of_a_song_most_like_every_seed_is_whole(seeds):
    assert agreement(np.array([[0.2, 0.8]] * seeds)) == pytest.approx([0.25, 1.0])
