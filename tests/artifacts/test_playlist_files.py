"""Playlists on disk: how files are named in them, and what a folder remembers."""

import xml.etree.ElementTree as ET

import pyarrow.parquet as pq
import pytest
from ml_skeleton.artifacts.playlist_files import (
    DAY_S,
    add_to_history,
    listed_between,
    remove_playlist,
    write_playlist,
)
from ml_skeleton.artifacts.playlist_forms import PARQUET_SCHEMA, Places, file_here
from ml_skeleton.artifacts.playlists import Entry, Playlist, RatedNeighbour, Why, read_playlist
from ml_skeleton.artifacts.provenance import Provenance
from ml_skeleton.errors import InputError
from ml_skeleton.path_map import parse_path_map

PROVENANCE = Provenance("playlist", 2, "recommend", created="2026-01-01T00:00:00+00:00")
NAMESPACE = {"x": "http://xspf.org/ns/0/"}


@pytest.fixture
def mapped(make_song):
    """Return a song that the player knows under /home/me and this machine under /music."""
    return make_song(url="file:///home/me/a%20%23b.ogg", path="/music/a #b.ogg")


def a_list(*songs):
    return Playlist("best", "Best", [Entry(song, 4.0) for song in songs], PROVENANCE)


@pytest.mark.parametrize(
    ("places", "url", "path"),
    [
        (Places(), "file:///home/me/a%20%23b.ogg", "/home/me/a #b.ogg"),
        (Places("absolute"), "file:///music/a%20%23b.ogg", "/music/a #b.ogg"),
        (Places("absolute", parse_path_map(["/mnt/nas=/music"])), "file:///mnt/nas/a%20%23b.ogg", "/mnt/nas/a #b.ogg"),
    ],
)
def test_files_are_named_as_asked(mapped, places, url, path):
    assert (places.url(mapped), places.path(mapped)) == (url, path)


def test_relative_names_lead_from_the_playlist_to_the_file(tmp_path, make_song):
    song = make_song(path=str(tmp_path / "m" / "#1: a?.ogg"))
    files = write_playlist(tmp_path / "lists", a_list(song), places=Places("relative", folder=tmp_path / "lists"))

    url = ET.parse(files[0]).findtext(".//x:location", namespaces=NAMESPACE)

    assert (url, files[1].read_text().splitlines()[-1]) == ("../m/%231%3A%20a%3F.ogg", "../m/#1: a?.ogg")


def test_a_name_that_would_be_a_comment_is_written_as_a_path(tmp_path, make_song):
    song = make_song(path=str(tmp_path / "#1.ogg"))

    assert Places("relative", folder=tmp_path).path(song) == "./#1.ogg"


def test_a_name_that_is_no_utf8_is_read_from_the_url_also_in_another_folder(make_song):
    song = make_song(url="file:///home/me/%FF/%FE.ogg", path="/music/\ufffd/\ufffd.ogg")

    assert file_here(song) == b"/music/\xff/\xfe.ogg"


def test_parquet_holds_what_json_holds(tmp_path, make_song):
    why = Why(0.5, 0.5, 0.0, 0.0, (RatedNeighbour(make_song(2), 4.5, 0.8),))
    playlist = Playlist("best", "Best", [Entry(make_song(), 4.0, 3.0, 5.0, 0.7, why)], PROVENANCE)

    parquet, text = write_playlist(tmp_path, playlist, ("json", "parquet"))

    table = pq.read_table(parquet)
    assert table.to_pylist() == read_playlist(text)[1]
    assert table.schema.equals(PARQUET_SCHEMA) and b"ml_skeleton" in table.schema.metadata


def test_a_folder_remembers_what_a_list_held_and_when(tmp_path, make_song):
    add_to_history(tmp_path, [a_list(make_song(1))], now=10 * DAY_S)
    add_to_history(tmp_path, [a_list(make_song(2))], now=20 * DAY_S)

    found = [listed_between(tmp_path, "best", since * DAY_S, 20 * DAY_S) for since in (5, 15, 25)]

    assert found == [{f"{1:032x}", f"{2:032x}"}, {f"{2:032x}"}, set()]
    assert listed_between(tmp_path, "other", 0, 20 * DAY_S) == set()


def test_a_memory_of_more_than_a_year_is_lost(tmp_path, make_song):
    add_to_history(tmp_path, [a_list(make_song(1))], now=0)
    add_to_history(tmp_path, [a_list(make_song(2))], now=400 * DAY_S)

    assert listed_between(tmp_path, "best", 0, 400 * DAY_S) == {f"{2:032x}"}


def test_a_damaged_memory_is_refused(tmp_path):
    (tmp_path / ".history.jsonl").write_text("{")

    with pytest.raises(InputError, match=r"history.jsonl: damaged; delete it"):
        listed_between(tmp_path, "best", 0, 1)


def test_only_a_list_of_ours_is_removed(tmp_path, make_song):
    write_playlist(tmp_path, a_list(make_song()))
    (tmp_path / "mine.m3u8").write_text("song.ogg")

    assert (remove_playlist(tmp_path, "mine"), remove_playlist(tmp_path, "best")) == (False, True)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.m3u8"]
