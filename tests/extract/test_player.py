"""Reading the players' databases: every oddity of the real ones, and nothing written."""

import sqlite3
import subprocess
import sys
import textwrap

import pytest
from ml_skeleton.artifacts import player
from ml_skeleton.artifacts.player import rating_of, read_library
from ml_skeleton.errors import InputError, UserError

COLUMNS = "title, artist, album, rating, length, beginning, unavailable, mtime, ctime, filesize"


@pytest.fixture
def make_db(tmp_path):
    """Return a function that writes a database in the columns that matter of Clementine's or Strawberry's schema."""

    def make(*rows, name="clementine.db", url_column="filename", extra=()):
        path = tmp_path / name
        columns = [url_column, *COLUMNS.split(", "), *extra]
        with sqlite3.connect(path) as database:
            database.execute(f"CREATE TABLE songs ({', '.join(columns)})")
            for row in rows:
                fields = {url_column: b"file:///music/a.ogg", "rating": -1, "length": 10**10, "beginning": 0, **row}
                values = ", ".join(f":{key}" for key in fields)
                database.execute(f"INSERT INTO songs ({', '.join(fields)}) VALUES ({values})", fields)
        database.close()
        return path

    return make


def add_playlists(path, song_column, playlists, **columns):
    """Add playlists by name, each the ROWIDs of its songs, with more columns of the playlist by name."""
    with sqlite3.connect(path) as database:
        database.execute(f"CREATE TABLE playlists ({', '.join(['name', *columns])})")
        database.execute(f"CREATE TABLE playlist_items (playlist, {song_column})")
        for number, (name, songs) in enumerate(playlists.items(), start=1):
            marks = ", ".join("?" * (1 + len(columns)))
            database.execute(
                f"INSERT INTO playlists VALUES ({marks})", (name, *(c[number - 1] for c in columns.values()))
            )
            database.executemany("INSERT INTO playlist_items VALUES (?, ?)", [(number, song) for song in songs])
    database.close()
    return path


@pytest.mark.parametrize(("url_column", "song_column"), [("filename", "library_id"), ("url", "collection_id")])
def test_a_song_knows_the_playlists_it_stands_in(make_db, url_column, song_column):
    path = make_db({}, {}, {}, url_column=url_column)
    add_playlists(path, song_column, {"Evening": [1, 1, None], "Ärger": [1, 3]})

    assert [song.playlists for song in read_library(path).songs] == [("Evening", "Ärger"), (), ("Ärger",)]


def test_playlists_that_the_player_fills_by_itself_are_left_out(make_db):
    kinds = [None, "", "smart", 1]
    path = make_db({})
    add_playlists(path, "library_id", {name: [1] for name in "abcd"}, dynamic_playlist_type=kinds)

    assert read_library(path).songs[0].playlists == ("a", "b")


def test_a_changed_playlist_changes_the_fingerprint(make_db):
    paths = [make_db({}, name=f"{number}.db") for number in (1, 2)]
    for path, name in zip(paths, ("Evening", "Morning"), strict=True):
        add_playlists(path, "library_id", {name: [1]})

    first, second = (read_library(path).fingerprint for path in paths)

    assert first != second


@pytest.mark.parametrize(
    ("stored", "read"),
    [(-1, None), (None, None), (0, 0.0), (1, 1.0), (0.699999988079071, 0.7), (0.1, 0.1), (7, None), ("", None)],
)
def test_a_rating_is_a_tenth_from_0_to_1_or_none(stored, read):
    assert rating_of(stored) == read


def test_clementine_is_told_by_its_filename_column_and_keeps_urls_in_blobs(make_db):
    library = read_library(make_db({"filename": b"file:///music/50%25%20off.ogg"}))

    assert (library.player, library.songs[0].url) == ("clementine", "file:///music/50%25%20off.ogg")


def test_strawberry_is_told_by_its_url_column(make_db):
    library = read_library(make_db({"url": "file:///music/a.ogg"}, url_column="url"))

    assert (library.player, library.songs[0].url) == ("strawberry", "file:///music/a.ogg")


def test_lengths_and_cue_starts_are_seconds_and_an_unknown_length_is_none(make_db):
    songs = read_library(make_db({"length": 111_106_666_667, "beginning": 97_613_333_333}, {"length": -1})).songs

    assert [(song.length_s, song.start_s) for song in songs] == [(111.106666667, 97.613333333), (None, 0.0)]


def test_a_deleted_file_is_a_song_that_is_not_available(make_db):
    assert [song.available for song in read_library(make_db({"unavailable": 1}, {"unavailable": 0})).songs] == [
        False,
        True,
    ]


def test_a_compilation_is_one_album_whoever_plays_on_it(make_db):
    rows = [{"artist": a, "album": "Sampler", "effective_albumartist": "Various Artists"} for a in ("A", "B")]

    songs = read_library(make_db(*rows, extra=["effective_albumartist"])).songs

    assert {song.album_keys for song in songs} == {("Various Artists|||Sampler",)}


def test_tags_that_are_not_utf_8_do_not_stop_the_reading(make_db):
    assert read_library(make_db({"title": b"caf\xe9"})).songs[0].title == "caf\ufffd"


def test_the_fingerprint_changes_with_any_row(make_db):
    before = read_library(make_db({"rating": 0.5}, name="a.db")).fingerprint
    after = read_library(make_db({"rating": 0.6}, name="b.db")).fingerprint

    assert before != after


def test_the_database_is_not_touched(make_db):
    path = make_db({})
    before = path.read_bytes(), path.stat().st_mtime_ns

    read_library(path)

    assert (path.read_bytes(), path.stat().st_mtime_ns) == before
    assert [other.name for other in path.parent.iterdir()] == [path.name]


def test_a_missing_database_says_where_the_player_keeps_it(tmp_path):
    with pytest.raises(InputError, match=r"no such file; Clementine keeps its own in ~/.config"):
        read_library(tmp_path / "none.db")


def test_a_text_file_is_no_database(tmp_path):
    (tmp_path / "notes.db").write_text("these are my notes\n" * 100)

    with pytest.raises(InputError, match=r"notes.db: not a player's database"):
        read_library(tmp_path / "notes.db")


def test_a_database_of_another_program_is_refused(tmp_path):
    with sqlite3.connect(tmp_path / "other.db") as database:
        database.execute("CREATE TABLE bookmarks (url TEXT)")

    with pytest.raises(InputError, match="no songs table of Clementine or Strawberry"):
        read_library(tmp_path / "other.db")


def test_an_embedding_store_is_no_player_s_database(make_store, rated_library):
    with pytest.raises(InputError, match="no songs table of Clementine or Strawberry"):
        read_library(make_store(rated_library))


HOLD_LOCK = textwrap.dedent("""
    import sqlite3, sys
    database = sqlite3.connect(sys.argv[1], isolation_level=None)
    database.execute("BEGIN EXCLUSIVE")
    print("locked", flush=True)
    sys.stdin.readline()
    database.execute("COMMIT")
""")


@pytest.fixture
def lock(make_db):
    """Return a database and the process that keeps it locked until it reads a line."""
    path = make_db({})
    with subprocess.Popen(
        [sys.executable, "-c", HOLD_LOCK, path], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout is not None and other.stdout.readline() == "locked\n"
        yield path, other
        other.kill()


def test_a_database_that_stays_locked_is_one_line(lock, monkeypatch):
    monkeypatch.setattr(player, "BUSY_TIMEOUT_S", 0.1)

    with pytest.raises(UserError, match=r"locked by another program for more than 0.1 s; try again"):
        read_library(lock[0])


def test_a_database_that_is_locked_for_a_moment_is_waited_for(lock):
    path, other = lock
    import threading

    release = threading.Timer(0.5, lambda: other.communicate("go\n"))
    release.start()

    assert len(read_library(path).songs) == 1
    release.join()
