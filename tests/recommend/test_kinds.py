"""The kinds of playlists, each on a library of 60 songs whose rating can be read off their vector."""

from collections import Counter
from dataclasses import replace
from itertools import groupby, pairwise

import numpy as np
import pytest
from ml_skeleton.errors import InputError, UsageError
from ml_skeleton.music.inputs import Inputs
from ml_skeleton_recommend.kinds.learning import most_telling, posterior
from ml_skeleton_recommend.kinds.mixes import cluster
from ml_skeleton_recommend.kinds.ranked import known_nearby
from ml_skeleton_recommend.make import Output, make, write
from ml_skeleton_recommend.request import KINDS, Request, check

SONGS = {"like": ("1", "4"), "path": ("1", "20")}


@pytest.fixture
def songs(rated_library, make_song):
    """Return a library with all that must not be listed: gone, spoken, too long, cue tracks, copies, sound-alikes."""
    gone = [make_song(100, rating=None, available=False)]
    spoken = [make_song(101, rating=None, speech=0.9)]
    long = [make_song(102, rating=None, length_s=3000.0)]
    cue = [make_song(103 + n, url="file:///m/set.flac", start_s=60.0 * n, rating=None) for n in range(2)]
    copies = [make_song(110 + n, audio_id="e" * 32, rating=None) for n in range(2)]
    alike = [make_song(120 + n, audio_id=f"{n + 1:x}" * 32, alike="1" * 32, rating=None) for n in range(2)]
    new = [make_song(130 + n, artist=f"New {n // 4}", album=f"New {n // 4}", rating=None) for n in range(8)]
    return [*rated_library, *new, *gone, *spoken, *long, *cue, *copies, *alike]


@pytest.fixture
def listed(library_of, tmp_path):
    """Return a function that makes one kind of list of songs and returns its songs, mixes one after another."""

    def run(songs, kind, **settings):
        request = Request(kind, songs=settings.pop("seeds", SONGS.get(kind, ())), **settings)
        made = make(library_of(songs), check(request), tmp_path / "out", now=0)
        return [[entry.song for entry in playlist.entries] for playlist in made.playlists]

    return run


@pytest.mark.parametrize("kind", KINDS)
def test_no_list_holds_what_cannot_be_played_or_stands_there_already(listed, songs, kind):
    for one in listed(songs, kind):
        ids = [song.song_id for song in one]
        groups = [song.alike or song.audio_id for song in one]
        assert ids and not {100, 101, 102, 103, 104} & set(ids)
        assert Counter(groups).most_common(1)[0][1] == 1


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "album"])
def test_no_list_has_four_songs_in_a_row_by_one_artist(listed, songs, kind):
    few = [replace(song, artist="One" if song.song_id % 4 else "Other") for song in songs]

    for one in listed(few, kind, per_artist=0):
        assert max(len(list(run)) for _, run in groupby(song.artist for song in one)) <= 3


@pytest.mark.parametrize("kind", ["best", "sparse", "rediscover", "like"])
def test_a_list_that_one_artist_would_fill_is_filled_up_with_songs_by_others(listed, rated_library, kind):
    many = [replace(song, artist=f"Other {song.song_id % 7}" if song.song_id < 30 else "One") for song in rated_library]

    (one,) = listed([replace(song, rating=None if song.song_id % 5 else 0.9) for song in many], kind, top=12)

    assert len(one) == 12 and max(len(list(run)) for _, run in groupby(song.artist for song in one)) <= 3


@pytest.mark.parametrize("kind", ["best", "help", "sparse"])
def test_kinds_for_discovery_hold_no_rated_song(listed, songs, kind):
    assert all(song.rating is None for one in listed(songs, kind) for song in one)


@pytest.mark.parametrize("kind", ["like", "path"])
def test_a_seed_is_not_in_its_own_list(listed, songs, kind):
    (one,) = listed(songs, kind)

    assert not {int(seed) for seed in SONGS[kind]} & {song.song_id for song in one}


def test_two_songs_are_alike_to_what_lies_between_them(listed, rated_library):
    low, high = (next(s for s in rated_library if s.rating == rating) for rating in (0.2, 0.8))

    (one,) = listed(rated_library, "like", seeds=(str(low.song_id),), weight={"similarity": 1.0}, top=5)
    (other,) = listed(rated_library, "like", seeds=(str(high.song_id),), weight={"similarity": 1.0}, top=5)

    assert {song.song_id for song in one}.isdisjoint(song.song_id for song in other)


def test_unlike_pushes_songs_down(listed, rated_library):
    seed = str(next(s.song_id for s in rated_library if s.rating == 0.8))
    (before,) = listed(rated_library, "like", seeds=(seed,), weight={"similarity": 1.0}, top=10)
    unwanted = before[0]

    (after,) = listed(
        rated_library, "like", seeds=(seed,), unlike=(str(unwanted.song_id),), weight={"similarity": 1.0}, top=10
    )

    assert unwanted.song_id not in {song.song_id for song in after}


def test_rediscovered_songs_were_not_played_for_half_a_year(listed, rated_library):
    now = 1_700_000_000
    played = [replace(song, lastplayed=now - 86_400 * (5 if song.song_id % 2 else 400)) for song in rated_library]

    (one,) = listed(played, "rediscover")

    assert one and all(song.song_id % 2 == 0 for song in one)


def test_albums_are_whole_and_in_the_order_of_their_files(listed, make_song):
    songs = [
        make_song(10 * album + n, artist=f"A{album}", album=f"B{album}", rating=0.8 if n == 1 else None)
        for album in range(1, 6)
        for n in range(1, 5)
    ]

    (one,) = listed(songs, "album", top=8)

    albums = [list(run) for _, run in groupby(one, key=lambda song: song.album)]
    assert [[song.song_id % 10 for song in album] for album in albums] == [[1, 2, 3, 4]] * 2


def test_a_list_of_minutes_is_nearly_that_long(listed, rated_library):
    (one,) = listed(rated_library, "best", minutes=10)

    assert 600 - 90 <= sum(song.length_s for song in one) <= 600


def test_mixes_share_no_song(listed, rated_library):
    loving = [replace(s, rating=None if s.rating is None else round(0.8 + s.rating / 5, 1)) for s in rated_library]

    lists = listed(loving, "mix")

    ids = [song.song_id for one in lists for song in one]
    assert len(lists) > 1 and len(ids) == len(set(ids))


def test_two_clusters_are_told_apart():
    angles = np.array([0.0, 0.1, 0.2, 3.0, 3.1])
    unit = np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)

    assert cluster(unit, 2).tolist() == [0, 0, 0, 1, 1]


def test_help_does_not_ask_twice_for_what_the_first_answer_tells():
    one_album = np.full((3, 3), 0.95) + 0.05 * np.eye(3)
    covariance = np.block([[one_album, np.zeros((3, 1))], [np.zeros((1, 3)), np.full((1, 1), 0.9)]])

    first, second = most_telling(covariance, noise=0.1, count=2).tolist()

    assert (first in (0, 1, 2), second) == (True, 3)


def test_help_asks_less_for_what_is_known_by_its_album():
    matrix = np.eye(4, dtype=np.float32)
    inputs = Inputs(matrix, {"audio": 4}, np.array([1, 1, 2, 3]), np.array([1, 1, 2, 3]))

    covariance, noise = posterior(inputs, np.array([True, False, False, False]))

    fellow, *strangers = np.diag(covariance).tolist()
    assert noise > 0 and fellow < min(strangers)


def test_corners_are_far_from_all_rated_songs(library_of, rated_library, tmp_path):
    library = library_of(rated_library)
    (made,) = make(library, Request("sparse", weight={"doubt": 1.0}, per_artist=0), tmp_path).playlists

    near = known_nearby(library, [library.row_of[entry.song.audio_id] for entry in made.entries], False)

    assert near[:5].mean() < np.median(near) < near[-5:].mean()


def test_what_was_listed_lately_is_held_back_but_by_the_same_edition(library_of, rated_library, tmp_path):
    library, request = library_of(rated_library), Request("best", top=5, fresh_days=7.0)

    def songs_at(hours: float) -> set[str]:
        made = make(library, request, tmp_path, now=3600 * hours)
        write([made], Output(tmp_path), now=3600 * hours)
        return {entry.song.audio_id for entry in made.playlists[0].entries}

    first, the_same, next_day, after_a_month = (songs_at(hours) for hours in (0, 6, 30, 30 + 24 * 30))

    assert first == the_same == after_a_month and not first & next_day


@pytest.mark.parametrize("kind", ["best", "like", "path", "mix"])
def test_reasons_and_lists_go_by_mutual_proximity_where_asked(library_of, rated_library, tmp_path, kind):
    library = library_of(rated_library)
    request = Request(kind, songs=SONGS.get(kind, ()), hub_correction=True)
    entries = make(library, request, tmp_path).playlists[0].entries
    rows = np.array([library.row_of[entry.song.audio_id] for entry in entries])

    expected = library.search(hub_correction=True).nearest_of(rows, np.flatnonzero(~np.isnan(library.ratings)), 3)

    assert [[near.similarity for near in entry.why.nearest] for entry in entries] == expected.similarity.tolist()
    if kind != "best":
        plain = make(library, replace(request, hub_correction=False), tmp_path).playlists[0].entries
        assert [entry.score for entry in entries] != [entry.score for entry in plain]


def test_the_steps_of_a_path_are_smaller_than_the_way_from_end_to_end(library_of, rated_library, tmp_path):
    library = library_of(rated_library)
    made = make(library, Request("path", songs=("1", "20"), top=8), tmp_path)
    rows = {recording.audio_id: row for row, recording in enumerate(library.recordings)}
    way = [rows[entry.song.audio_id] for entry in made.playlists[0].entries]

    steps = [float(library.unit[a] @ library.unit[b]) for a, b in pairwise(way)]

    assert np.mean(steps) > float(library.unit[rows[f"{1:032x}"]] @ library.unit[rows[f"{20:032x}"]])


def test_the_shares_of_a_score_add_up_to_one_and_the_reasons_are_rated_songs(library_of, rated_library, tmp_path):
    made = make(library_of(rated_library), Request("like", songs=("1",), weight={"taste": 0.25}), tmp_path)

    for entry in made.playlists[0].entries:
        assert entry.why.taste + entry.why.similarity == pytest.approx(1.0)
        assert [near.stars for near in entry.why.nearest] == [5 * near.song.rating for near in entry.why.nearest]
        assert len(entry.why.nearest) == 3 and entry.song not in [near.song for near in entry.why.nearest]


def test_a_filter_that_lets_nothing_in_is_said(listed, rated_library):
    with pytest.raises(InputError, match=r"best: no unrated song to recommend \(20 by the filter left out\)"):
        listed(rated_library, "best", where="year = 1900")


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"kind": "path", "songs": ("1",)}, "1 songs given; path takes two songs"),
        ({"kind": "best", "unlike": ("1",)}, "unlike is for the kind like"),
        ({"name": "../best"}, "expected the name of a file"),
        ({"weight": {"tast": 0.5}}, "expected one of taste, similarity, freshness, doubt"),
        ({"variation": 2.0}, "2.0 is out of range, expected 0 to 1"),
    ],
)
def test_what_makes_no_sense_is_refused(settings, message):
    with pytest.raises(UsageError, match=message):
        check(Request(**settings))


def test_a_list_that_holds_nothing_is_refused(listed, rated_library):
    with pytest.raises(InputError, match="album"):
        listed(rated_library, "album", minutes=1, per_artist=1, where="album = 'Album 0'")
