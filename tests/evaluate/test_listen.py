"""evaluate listen: two blind lists of what two versions would play, and what the ballots come to."""

import csv
import sqlite3
from collections import Counter

import numpy as np
import pytest
from ml_skeleton.artifacts.embeddings import Version, open_or_make_store
from ml_skeleton.artifacts.listening import ListedSong, Listening, read_ballots, read_key
from ml_skeleton.artifacts.provenance import Provenance
from ml_skeleton.errors import InputError, UsageError
from ml_skeleton.music.rated import FitSettings, Targeting
from ml_skeleton.music.recordings import recordings_of
from ml_skeleton_evaluate.ballots import count_ballots
from ml_skeleton_evaluate.interleave import team_draft
from ml_skeleton_evaluate.listen import Draft, make_lists, read_result, told
from ml_skeleton_evaluate.options import two_versions

SETTINGS = FitSettings("ridge", folds=3)


@pytest.fixture
def store(make_store, rated_library):
    """Return a store with versions v1 and v2, which hear different things."""
    path = make_store(rated_library)
    with open_or_make_store(path, "embed") as store:
        heard = store.vectors("v1")
        store.add_version(Version("v2", "f" * 32, 4, {}, (), "2026-01-02"))
        noise = np.random.default_rng(3).standard_normal(heard.matrix.shape).astype(np.float32)
        store.add_vectors("v2", heard.audio_ids, noise, heard.rating_seen)
    return path


def draft(store, versions=("v1", "v2"), songs=6):
    return Draft(versions, store, songs, 0.7, SETTINGS, Targeting())


def listening(rounds):
    """Return a listening test of so many rounds, the first version's pick first in each."""
    songs = [
        ListedSong(1, 2 * n + team + 1, "", "", f"{n}-{team}", (), f"v{team + 1}", n)
        for n in range(rounds)
        for team in (0, 1)
    ]
    return Listening(Provenance("listening", 1, "test"), ("v1", "v2"), songs)


def stars(*pairs):
    return {
        (1, 2 * n + team + 1): value
        for n, pair in enumerate(pairs)
        for team, value in enumerate(pair)
        if value is not None
    }


def test_both_rankings_have_one_song_in_each_round_and_none_twice(make_song):
    ours = recordings_of([make_song(n) for n in range(1, 9)])
    picks = team_draft((ours, ours[::-1]), rounds=4, seed=1)

    assert [pick.round for pick in picks] == [0, 0, 1, 1, 2, 2, 3, 3]
    assert Counter(pick.team for pick in picks) == {0: 4, 1: 4}
    assert [pick.recording for pick in picks if pick.team == 0] == ours[:4]
    assert {pick.recording.audio_id for pick in picks} == {one.audio_id for one in ours}


def test_a_coin_decides_who_picks_first_and_the_same_seed_throws_it_alike(make_song):
    ours = recordings_of([make_song(n) for n in range(60)])
    first, again, other = ([pick.team for pick in team_draft((ours, ours[::-1]), 20, seed)][::2] for seed in (1, 1, 2))

    assert first == again != other
    assert 0 < sum(first) < 20


def test_of_songs_that_sound_alike_one_is_picked(make_song):
    songs = recordings_of([make_song(1, alike="x"), make_song(2, alike="x"), make_song(3), make_song(4)])

    picks = team_draft((songs, songs[1:]), rounds=3, seed=1)

    assert len({pick.recording.group for pick in picks}) == len(picks) == 2


def test_two_lists_ballots_and_a_key_are_written_and_the_lists_do_not_tell_whose_a_song_is(store, tmp_path):
    assert make_lists(draft(store), tmp_path / "out", force=False)

    names = sorted(path.name for path in (tmp_path / "out").iterdir() if not path.name.startswith("."))
    key = read_key(tmp_path / "out")
    lists = "".join((tmp_path / "out" / f"listen-{n}.m3u8").read_text() for n in (1, 2))
    assert names == ["ballots.csv", "key.json", "listen-1.m3u8", "listen-2.m3u8"]
    assert (key.versions, len(key.songs)) == (("v1", "v2"), 12)
    assert Counter((song.list, song.version) for song in key.songs) == {(n, v): 3 for n in (1, 2) for v in ("v1", "v2")}
    assert [f"/music/{int(song.audio_id, 16)}.flac" for song in key.songs] == [
        line for line in lists.splitlines() if not line.startswith("#")
    ]
    assert "expected" not in lists


def test_only_songs_that_are_not_rated_are_listed(store, rated_library, tmp_path):
    make_lists(draft(store), tmp_path, force=False)

    unrated = {song.audio_id for song in rated_library if song.rating is None}
    assert {song.audio_id for song in read_key(tmp_path).songs} <= unrated


def test_lists_that_are_there_are_kept_and_others_are_not_overwritten(store, tmp_path):
    make_lists(draft(store), tmp_path, force=False)
    before = (tmp_path / "key.json").read_bytes()

    assert not make_lists(draft(store), tmp_path, force=False)
    with pytest.raises(
        UsageError, match="holds lists of other versions; name another folder with --out, or add --force"
    ):
        make_lists(draft(store, ("v2", "v1")), tmp_path, force=False)
    assert (tmp_path / "key.json").read_bytes() == before


def test_a_library_with_too_few_unrated_songs_is_refused(make_store, make_song, tmp_path):
    path = make_store(
        [make_song(n, artist=f"A{n}", album=f"B{n}", rating=n / 20 if n > 1 else None) for n in range(20)]
    )

    with pytest.raises(InputError, match="2 unrated songs, at least 4 are needed for two lists"):
        make_lists(draft(path, ("v1", "v1")), tmp_path, force=False)


def test_stars_filled_in_by_hand_are_read_also_as_a_spreadsheet_writes_them(tmp_path):
    path = tmp_path / "ballots.csv"
    path.write_text("\ufefflist;place;artist;title;stars\r\n1;2;A;T;3,5\r\n2;1;B;U;\r\n2;2;C;V;0\r\n", encoding="utf-8")

    assert read_ballots(path) == {(1, 2): 3.5, (2, 2): 0.0}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a,b\n1,2\n", r"no ballots; expected the columns list, place, artist, title, stars"),
        ("", "no ballots"),
        ("list,place,artist,title,stars\n1,1,A,T,6\n", r"line 2: found '6', expected list, place and 0 to 5 stars"),
        ("list,place,artist,title,stars\n1,1,A,T,good\n", r"line 2: found 'good'"),
        ("list,place,artist,title,stars\n1,x,A,T,3\n", r"line 2: found '3'"),
    ],
)
def test_what_is_no_ballot_is_refused(tmp_path, text, message):
    (tmp_path / "b.csv").write_text(text)

    with pytest.raises(InputError, match=message):
        read_ballots(tmp_path / "b.csv")


def test_a_version_that_wins_every_round_is_liked_better():
    heard = count_ballots(listening(6), stars(*[(4, 3)] * 6), seed=1)

    assert (heard.won, heard.even, heard.songs, heard.stars) == ((6, 0), 0, (6, 6), (4.0, 3.0))
    assert (heard.share.value, round(heard.share.low, 3), heard.share.high) == (1.0, 0.541, 1.0)
    assert (heard.difference.value, heard.difference.low) == (1.0, 1.0)
    assert heard.verdict == "v1 is liked better than v2"
    assert count_ballots(listening(6), stars(*[(3, 4)] * 6), seed=1).verdict == "v2 is liked better than v1"


def test_five_rounds_show_nothing_whoever_wins_them():
    heard = count_ballots(listening(6), stars(*[(4, 3)] * 5, (3, 3)), seed=1)

    assert (heard.won, heard.even) == ((5, 0), 1)
    assert (
        heard.verdict
        == "no difference shown between v1 and v2; at least 1 more rounds must differ before anything can be shown"
    )


def test_a_round_counts_once_both_of_its_songs_have_stars():
    heard = count_ballots(listening(3), stars((4, 3), (5, None), (None, None)), seed=1)

    assert (heard.won, heard.even, heard.songs, heard.stars) == ((1, 0), 0, (2, 1), (4.5, 3.0))


def test_no_stars_yet_is_said(tmp_path, store):
    make_lists(draft(store), tmp_path, force=False)

    heard = read_result(tmp_path, None, None, seed=1)

    assert told(heard, tmp_path) == [
        f"no song of the lists in {tmp_path} has stars yet; rate them in the player, or in ballots.csv"
    ]


def test_stars_given_in_the_player_since_are_the_ballots_of_any_copy(store, tmp_path):
    make_lists(draft(store), tmp_path / "out", force=False)
    songs = read_key(tmp_path / "out").songs
    db = tmp_path / "strawberry.db"
    with sqlite3.connect(db) as player:
        player.execute("CREATE TABLE songs (url TEXT, title TEXT, rating REAL)")
        rows = [(song.urls[-1], "", 1.0 if song.version == "v2" else 0.4) for song in songs]
        player.executemany("INSERT INTO songs VALUES (?, ?, ?)", [*rows, ("file:///other.mp3", "", 1.0)])

    heard = read_result(tmp_path / "out", None, db, seed=1)

    assert (heard.won, heard.stars, heard.verdict) == ((0, 6), (2.0, 5.0), "v2 is liked better than v1")


@pytest.mark.parametrize("names", [["v1"], ["v1", "v1"], ["v1", "v2", "v3"]])
def test_a_listening_test_is_of_two_versions(names):
    with pytest.raises(UsageError, match="a listening test is of two versions"):
        two_versions(names)


def test_the_command_writes_lists_and_then_says_what_the_ballots_come_to(store, run_tool, tmp_path):
    asked = ("evaluate", "listen", "v1", "v2", "--store", store, "--songs", "4", "--classifier", "ridge")
    made = run_tool(*asked)
    path = tmp_path / "listening" / "ballots.csv"
    with path.open() as file:
        rows = list(csv.DictReader(file))
    with path.open("w") as file:
        out = csv.DictWriter(file, rows[0])
        out.writeheader()
        out.writerows({**row, "stars": 3} for row in rows)
    read = run_tool(*asked)

    assert (made.returncode, made.stdout, read.returncode, read.stdout) == (0, "listening\n", 0, "listening\n"), (
        read.stderr
    )
    assert "two lists are in listening" in made.stderr
    assert "4 rounds were even" in read.stderr and "no difference shown between v1 and v2" in read.stderr
