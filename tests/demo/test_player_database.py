"""clementine.db: as the player itself would have written it."""

import os
import sqlite3
from contextlib import closing
from pathlib import Path
from urllib.parse import unquote_to_bytes

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ml_skeleton_demo_library.player_database import file_url, stored_rating

from .conftest import read_rows

# What Clementine 1.4 stores for a rated song that was played, by column.
PLAYED_AND_RATED = {
    "bpm": "real", "length": "integer", "filename": "blob", "art_automatic": "null", "art_manual": "null",
    "rating": "real", "score": "real", "cue_path": "null", "lastplayed": "integer", "effective_albumartist": "text",
    "lyrics": "text", "originalyear": "integer", "sampler": "integer", "etag": "text",
}  # fmt: skip


def types_of(database: Path, where: str) -> dict[str, str]:
    """Return the type of every column of the first row that matches."""
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as connection:
        columns = [row[1] for row in connection.execute("PRAGMA table_info(songs)")]
        types = ", ".join(f"typeof({column})" for column in columns)
        found = connection.execute(f"SELECT {types} FROM songs WHERE {where} ORDER BY rowid LIMIT 1").fetchone()
        assert found, f"{database}: no row with {where}"
        return dict(zip(columns, found, strict=True))


def tables_of(database: Path) -> dict[str, list[tuple]]:
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as connection:
        names = connection.execute(
            "SELECT name FROM sqlite_master WHERE type IN ('table', 'view') AND name NOT LIKE '%fts%'"
        ).fetchall()
        return {name: connection.execute(f"PRAGMA table_info({name})").fetchall() for (name,) in names}


@pytest.fixture
def real_database() -> Path:
    folder = os.environ.get("REAL_LIBRARY")
    if not folder:
        pytest.skip("REAL_LIBRARY names no library of a real player")
    return Path(folder) / "clementine.db"


def test_the_schema_says_version_51(tiny):
    assert [row["version"] for row in read_rows(tiny.database, "schema_version")] == [51]


def test_a_played_and_rated_row_has_the_types_that_the_player_stores(tiny):
    types = types_of(
        tiny.database, "rating > 0 AND rating < 1 AND cue_path IS NULL AND score != CAST(score AS INTEGER)"
    )

    assert {column: types[column] for column in PLAYED_AND_RATED} == PLAYED_AND_RATED


@pytest.mark.real_library
@pytest.mark.parametrize(
    ("where", "listeners"),  # what lies with the listener differs from one library to the other
    [
        ("rating > 0 AND rating < 1 AND cue_path IS NULL AND art_automatic IS NULL", {"score"}),
        ("rating = -1 AND score = 0 AND art_automatic IS NULL", set()),
        ("cue_path IS NOT NULL", {"score", "rating"}),
        ("unavailable = 1", {"score", "rating"}),
        ("compilation = 1 AND art_automatic IS NULL", {"score", "rating"}),
    ],
)
def test_types_of_a_row_are_those_of_a_real_players_row(tiny, real_database, where, listeners):
    ours, theirs = types_of(tiny.database, where), types_of(real_database, where)

    assert {column for column in ours if ours[column] != theirs[column]} <= listeners


@pytest.mark.real_library
def test_tables_and_columns_are_those_of_a_real_player(tiny, real_database):
    assert tables_of(tiny.database) == tables_of(real_database)


@pytest.mark.real_library
def test_urls_of_a_real_player_are_encoded_in_the_same_way(real_database):
    urls = {row["filename"] for row in read_rows(real_database)}
    paths = [Path(os.fsdecode(unquote_to_bytes(url).removeprefix(b"file://"))) for url in urls]

    assert {file_url(path) for path in paths} == urls


@pytest.mark.parametrize(
    ("name", "encoded"),  # as Clementine 1.4 stored them
    [
        ("100% Pure", b"100%25%20Pure"),
        ("50%25 Off %23", b"50%2525%20Off%20%2523"),
        ("Track #1?", b"Track%20%231%3F"),
        ("Größe", b"Gr%C3%B6%C3%9Fe"),
        ("Two\nLines\there", b"Two%0ALines%09here"),
        (
            "Semi;colon & Amp + Plus = Equals, At @ Home: $5!",
            b"Semi;colon%20&%20Amp%20+%20Plus%20=%20Equals,%20At%20@%20Home:%20$5!",
        ),
        ("Back\\slash | Pipe ^ <Tag>", b"Back%5Cslash%20%7C%20Pipe%20%5E%20%3CTag%3E"),
        ("Star*[brackets]{x} ~tilde_", b"Star*[brackets]%7Bx%7D%20~tilde_"),
        ('The "Quoted" One\'s `Tick`', b"The%20%22Quoted%22%20One's%20%60Tick%60"),
        ("🌙", b"%F0%9F%8C%99"),
    ],
)
def test_a_url_is_encoded_as_the_player_does(name, encoded):
    assert file_url(Path("/music") / name) == b"file:///music/" + encoded


@given(st.binary(min_size=1, max_size=60).filter(lambda name: b"/" not in name and b"\0" not in name and name != b"."))
def test_a_url_leads_back_to_any_file_name(name):
    path = Path(os.fsdecode(b"/music/" + name))

    assert unquote_to_bytes(file_url(path)) == b"file:///music/" + name


@pytest.mark.parametrize(("stars", "stored"), [(None, -1), (0.0, 0), (3.5, 0.699999988079071), (5.0, 1)])
def test_a_rating_is_stored_in_single_precision(stars, stored):
    assert stored_rating(stars) == stored


def test_a_reading_is_rated_with_the_integer_zero(tiny):
    (reading,) = [row for row in read_rows(tiny.database) if row["genre"] == "Speech"]

    assert (reading["rating"], type(reading["rating"])) == (0, int)
