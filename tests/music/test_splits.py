"""Splits: nothing of an artist or an album is known on two sides."""

from collections import Counter, defaultdict

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from ml_skeleton.artifacts.songs import joined_by_audio
from ml_skeleton.music.recordings import recordings_of
from ml_skeleton.music.splits import UNUSED, album_folds, split_by_artist

SHARES = {"test": 0.2, "val": 0.15}
SAME_FIXTURES = settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])

# an artist, an album, and whether the listener rated the song; a compilation has songs of several artists
ROWS = st.lists(st.tuples(st.sampled_from("abcdefgh"), st.sampled_from("klmnopq"), st.booleans()), min_size=1)


def recordings_from(make_song, rows):
    return recordings_of(
        make_song(number, artist=artist, albumartist="Various", album=album, rating=0.5 if rated else None)
        for number, (artist, album, rated) in enumerate(rows)
    )


def library(make_song, artists, songs_each=4):
    return recordings_from(
        make_song, [(f"artist {a}", f"album {a}-{n // 2}", True) for a in range(artists) for n in range(songs_each)]
    )


@SAME_FIXTURES
@given(ROWS, st.integers(0, 3))
def test_no_album_is_on_two_sides(make_song, rows, seed):
    recordings = recordings_from(make_song, rows)
    sides = split_by_artist(recordings, SHARES, seed)
    found = defaultdict(set)
    for recording in recordings:
        for key in recording.album_keys:
            found[key].add(sides[recording.audio_id])

    assert all(len(where - {UNUSED}) <= 1 for where in found.values())


@SAME_FIXTURES
@given(ROWS, st.integers(0, 3))
def test_with_artists_enough_none_is_on_two_sides(make_song, rows, seed):
    recordings = recordings_from(make_song, [*rows, *[(f"artist {n}", f"album {n}", True) for n in range(5)]])
    sides = split_by_artist(recordings, SHARES, seed)
    found = defaultdict(set)
    for recording in recordings:
        found[recording.artist].add(sides[recording.audio_id])

    assert all(len(where - {UNUSED}) <= 1 for where in found.values())


def test_the_sides_get_about_their_share_of_the_rated_songs(make_song):
    recordings = library(make_song, artists=50)

    sizes = Counter(split_by_artist(recordings, SHARES, seed=1).values())

    assert sizes == {"train": 128, "test": 40, "val": 32}


def test_a_song_on_an_album_of_another_side_is_used_on_neither(make_song):
    alone = [(f"artist {n}", f"album {n}", True) for n in range(20)]
    recordings = recordings_from(make_song, [*alone, *[(f"artist {n}", "compilation", True) for n in range(20)]])

    sides = split_by_artist(recordings, SHARES, seed=1)

    on_compilation = {sides[r.audio_id] for r in recordings if r.album_keys == ("Various|||compilation",)}
    assert on_compilation == {"train", UNUSED}


def test_an_artist_of_most_songs_is_trained_on_and_not_measured(make_song):
    rows = [("big", f"big {n // 5}", True) for n in range(40)] + [(f"a{n // 2}", f"b{n // 2}", True) for n in range(60)]
    recordings = recordings_from(make_song, rows)

    for seed in range(5):
        sides = split_by_artist(recordings, SHARES, seed)
        assert {sides[r.audio_id] for r in recordings if r.artist == "big"} == {"train"}
        assert Counter(sides.values())["test"] == 20


def test_artists_too_large_for_any_side_still_leave_one_to_measure(make_song):
    recordings = recordings_from(make_song, [(f"a{n // 10}", f"b{n // 10}", True) for n in range(50)])

    assert Counter(split_by_artist(recordings, SHARES, seed=1).values()) == {"train": 30, "test": 10, "val": 10}


def test_with_few_artists_whole_albums_are_kept_apart(make_song):
    recordings = recordings_from(make_song, [("only", f"album {n // 3}", True) for n in range(60)])

    sizes = Counter(split_by_artist(recordings, SHARES, seed=1).values())

    assert sizes == {"train": 39, "test": 12, "val": 9}


def test_the_seed_alone_decides_and_not_the_order_of_songs(make_song):
    recordings = library(make_song, artists=20)

    forward, backward = split_by_artist(recordings, SHARES, 1), split_by_artist(recordings[::-1], SHARES, 1)

    assert (forward == backward, forward == split_by_artist(recordings, SHARES, 2)) == (True, False)


def test_a_fold_holds_whole_albums_and_folds_are_of_like_size(make_song):
    recordings = library(make_song, artists=10)

    folds = album_folds(recordings, 4, seed=1)

    albums = defaultdict(set)
    for recording, fold in zip(recordings, folds, strict=True):
        albums[recording.album_keys].add(fold)
    assert all(len(found) == 1 for found in albums.values())
    assert sorted(Counter(folds).values()) == [10, 10, 10, 10]


def test_albums_that_share_a_recording_share_the_fold(make_song):
    songs = [make_song(n, audio_id=f"a{n}", album="One") for n in range(3)]
    songs += [make_song(n + 10, audio_id=f"b{n}", album="Two") for n in range(3)]
    bridge = [make_song(20, audio_id="a0", album="One"), make_song(21, audio_id="a0", album="Two")]
    recordings = recordings_of(joined_by_audio([*songs[1:], *bridge], {}))

    assert len(set(album_folds(recordings, 3, seed=1))) == 1
