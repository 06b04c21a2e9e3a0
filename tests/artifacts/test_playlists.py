"""Playlists: what a player reads in them is what was written, odd names included."""

import csv
import xml.etree.ElementTree as ET
from pathlib import Path
from urllib.parse import quote_from_bytes, unquote, unquote_to_bytes

import lxml.etree
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from ml_skeleton.artifacts.playlist_files import is_written, write_playlist
from ml_skeleton.artifacts.playlist_forms import Places
from ml_skeleton.artifacts.playlists import Entry, Playlist, RatedNeighbour, Why, read_playlist
from ml_skeleton.artifacts.provenance import Provenance
from ml_skeleton.errors import InputError

NAMESPACE = {"x": "http://xspf.org/ns/0/"}
XSPF = lxml.etree.RelaxNG(file=Path(__file__).with_name("xspf.rng"))
PROVENANCE = Provenance("playlist", 2, "recommend", {"purpose": "p"}, created="2026-01-01T00:00:00+00:00")


def write(folder, *songs, stars=4.25):
    playlist = Playlist("best", "Best", [Entry(song, stars) for song in songs], PROVENANCE)
    return dict(zip(("xspf", "m3u8", "csv", "json"), write_playlist(folder, playlist), strict=True))


def test_xspf_holds_the_player_s_own_url(tmp_path, make_song):
    url = "file:///m/50%25%20off%20%23%3F%20%C3%9C.ogg"
    files = write(tmp_path, make_song(url=url))

    assert ET.parse(files["xspf"]).findtext(".//x:location", namespaces=NAMESPACE) == url


def test_xspf_encodes_a_url_that_the_player_left_half_encoded(tmp_path, make_song):
    files = write(tmp_path, make_song(url='file:///m/Ü "x" <&>.ogg'))

    location = ET.parse(files["xspf"]).findtext(".//x:location", namespaces=NAMESPACE)

    assert location.isascii()
    assert unquote_to_bytes(location).decode() == 'file:///m/Ü "x" <&>.ogg'


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(), st.text(), st.binary(min_size=1), st.sampled_from(["player", "absolute", "relative"]))
def test_any_title_artist_and_file_name_make_xspf_that_its_schema_allows(
    tmp_path_factory, make_song, title, artist, name, style
):
    folder = tmp_path_factory.mktemp("p")
    url = "file:///m/" + quote_from_bytes(name)
    path = unquote(url.removeprefix("file://"))
    why = Why(0.5, 0.5, 0, 0, (RatedNeighbour(make_song(2, title=title), 4.5, 0.9),))
    entry = Entry(make_song(title=title, artist=artist, url=url, path=path), 4.2, 3.6, 4.8, 0.9, why)
    places = Places(style, folder=folder)
    (file,) = write_playlist(folder, Playlist("p", title, [entry], PROVENANCE), ["xspf"], places)

    XSPF.assertValid(lxml.etree.parse(file))
    location = ET.parse(file).findtext(".//x:location", namespaces=NAMESPACE)
    assert unquote_to_bytes(location).endswith(b"/" + name)


@pytest.mark.parametrize(
    ("good", "bad"), [("title>", "titel>"), (' version="1"', ""), ("<duration>", "<duration>about ")]
)
def test_the_schema_refuses_what_is_no_xspf(tmp_path, make_song, good, bad):
    text = write(tmp_path, make_song())["xspf"].read_text()

    assert XSPF.validate(lxml.etree.fromstring(text.encode()))
    assert not XSPF.validate(lxml.etree.fromstring(text.replace(good, bad).encode()))


def test_m3u8_holds_plain_paths_and_urls_for_names_that_would_break_a_line(tmp_path, make_song):
    files = write(
        tmp_path,
        make_song(1, url="file:///m/50%25%20%C3%9C.ogg"),
        make_song(2, url="file:///m/two%0Alines.ogg"),
        make_song(3, url="file:///m/%FF.ogg"),
    )

    lines = [line for line in files["m3u8"].read_text().splitlines() if not line.startswith("#")]

    assert lines == ["/m/50% Ü.ogg", "file:///m/two%0Alines.ogg", "file:///m/%FF.ogg"]


def test_m3u8_keeps_a_title_with_a_newline_on_its_line(tmp_path, make_song):
    files = write(tmp_path, make_song(title="two\nlines", artist="", length_s=61.4))

    assert "#EXTINF:61,two lines" in files["m3u8"].read_text().splitlines()


def test_csv_and_json_hold_rank_stars_and_path(tmp_path, make_song):
    files = write(tmp_path, make_song(1), make_song(2), stars=3.14159)

    rows = list(csv.DictReader(files["csv"].open()))
    _, tracks = read_playlist(files["json"])

    assert [(row["rank"], row["stars"], row["path"]) for row in rows] == [
        ("1", "3.14", "/music/1.flac"),
        ("2", "3.14", "/music/2.flac"),
    ]
    assert [(track["rank"], track["stars"]) for track in tracks] == [(1, 3.1416), (2, 3.1416)]


def test_the_same_list_gives_the_same_bytes(tmp_path, make_song):
    first, second = write(tmp_path / "a", make_song()), write(tmp_path / "b", make_song())

    assert [p.read_bytes() for p in first.values()] == [p.read_bytes() for p in second.values()]


def test_a_playlist_counts_as_written_only_with_all_its_files_as_they_would_be_now(tmp_path, make_song):
    files = write(tmp_path, make_song())
    same, other = (Playlist("best", "Best", [Entry(make_song(), stars)], PROVENANCE) for stars in (4.25, 4.5))
    whole = is_written(tmp_path, same), is_written(tmp_path, other)
    files["m3u8"].unlink()

    assert (whole, is_written(tmp_path, same)) == ((True, False), False)


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"ml_skeleton": {}, "tracks": []}', "\x00"])
def test_another_json_file_is_refused(tmp_path, text):
    (tmp_path / "best.json").write_text(text)

    with pytest.raises(InputError, match=r"best.json: (not a playlist|carries no provenance)"):
        read_playlist(tmp_path / "best.json")


def test_why_a_song_is_there_stands_in_json_and_in_words_in_xspf(tmp_path, make_song):
    near = RatedNeighbour(make_song(2, artist="Anna", title="Dawn"), 4.5, 0.81234)
    entry = Entry(make_song(), 4.25, 3.5, 5.0, 0.9, Why(0.7, 0.3, 0.0, 0.0, (near,)))

    xspf, _, _, text = write_playlist(tmp_path, Playlist("best", "Best", [entry], PROVENANCE))
    (track,) = read_playlist(text)[1]

    words = "4.25 stars expected (3.5 to 5.0); 70% taste, 30% similarity; sounds like Anna – Dawn (4.5 stars)"
    assert ET.parse(xspf).findtext(".//x:annotation", namespaces=NAMESPACE) == words
    assert (track["score"], track["why"]["shares"]) == (
        0.9,
        {"taste": 0.7, "similarity": 0.3, "freshness": 0.0, "doubt": 0.0},
    )
    assert track["why"]["nearest"] == [
        {
            "stars": 4.5,
            "similarity": 0.8123,
            "artist": "Anna",
            "album": "Album",
            "title": "Dawn",
            "url": "file:///music/2.flac",
            "path": "/music/2.flac",
            "song_id": 2,
            "audio_id": f"{2:032x}",
        }
    ]
