"""The page of a library: what is in it, and what a real browser makes of it."""

import json
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from ml_skeleton.artifacts.maps import read_map
from ml_skeleton.errors import InputError
from ml_skeleton.music.recordings import recordings_of
from ml_skeleton_recommend.make import Output, make, write
from ml_skeleton_recommend.page.packed import packed_library
from ml_skeleton_recommend.page.page import html_of, write_page
from ml_skeleton_recommend.page.projection import make_map
from ml_skeleton_recommend.page.seen import see_library
from ml_skeleton_recommend.request import Request

pytest.importorskip("openTSNE")
EVIL = "</script><script>document.title='owned'</script><img src=x onerror=\"document.title='owned'\"> & 'é' 🎵 %{x}"
SECONDS = 60.0


@pytest.fixture
def look(library_of, tmp_path) -> Callable:
    """Return a function that makes a playlist of the songs and returns the library."""

    def make_list(songs):
        library = library_of(songs)
        write([make(library, Request(top=5), tmp_path / "out")], Output(tmp_path / "out"))
        return library

    return make_list


@pytest.fixture
def see(look, tmp_path) -> Callable:
    """Return a function that makes a playlist of the songs and returns what a page shows of them."""
    return lambda songs: see_library(look(songs), tmp_path / "out", seed=1)


def test_the_map_is_drawn_once_and_kept_until_the_songs_change(see, rated_library, tmp_path):
    see(rated_library)
    first = (tmp_path / "out/map.npz").stat().st_mtime_ns
    see([replace(song, title="Other") for song in rated_library])
    second = (tmp_path / "out/map.npz").stat().st_mtime_ns
    see(rated_library[:-1])

    assert first == second < (tmp_path / "out/map.npz").stat().st_mtime_ns


def test_the_same_seed_draws_the_same_map(rated_library):
    recordings = recordings_of(rated_library)
    matrix = np.random.default_rng(0).standard_normal((60, 8)).astype(np.float32)

    maps = [make_map(recordings, matrix, seed) for seed in (1, 1)]

    assert all(np.array_equal(*pair) for pair in zip(*(vars(one).values() for one in maps), strict=True))


def test_songs_that_sound_alike_lie_together():
    matrix = np.repeat(np.eye(4, 8, dtype=np.float32), 30, axis=0)
    matrix += 0.1 * np.random.default_rng(0).standard_normal(matrix.shape).astype(np.float32)
    places = make_map([], matrix, 1).places

    apart = np.linalg.norm(places[:, None] - places, axis=2) + np.diag(np.full(120, np.inf))
    assert (apart.argmin(axis=1) // 30 == np.arange(120) // 30).mean() > 0.95


@pytest.mark.parametrize("songs", [1, 2, 5])
def test_a_library_of_a_few_songs_has_a_map(make_song, songs):
    recordings = recordings_of([make_song(n, artist=f"Artist {n}") for n in range(songs)])

    drawn = make_map(recordings, np.eye(songs, 4, dtype=np.float32), 1)

    assert np.isfinite(drawn.places).all() and len(drawn.artists) == songs


def test_a_page_is_written_again_only_when_what_it_shows_has_changed(look, rated_library, tmp_path):
    first, again = (write_page(look(rated_library), tmp_path / "out", seed=1) for _ in range(2))
    before = (tmp_path / "out/index.html").read_bytes()
    other = write_page(look([replace(song, title="Other") for song in rated_library]), tmp_path / "out", seed=1)

    assert (first, again, other) == (True, False, True) and (tmp_path / "out/index.html").read_bytes() != before


def test_the_nearest_rated_songs_are_others_that_are_there_nearest_first(see, rated_library):
    gone, alone = rated_library[1], rated_library[2]
    seen = see([replace(one, available=one != gone, rating=one.rating if one in (gone, alone) else None)
                for one in rated_library])  # fmt: skip

    place = [one.song.song_id for one in seen.recordings].index(alone.song_id)
    assert set(np.delete(seen.nearest_rated[:, 0], place)) == {place}
    assert set(seen.nearest_rated[place]) == set(seen.nearest_rated[:, 1]) == {-1}


def test_two_songs_are_as_alike_among_the_rated_as_among_all(see, rated_library):
    seen = see(rated_library)

    def told(nearest, alike):
        rows = zip(nearest.tolist(), alike.tolist(), strict=True)
        return {(row, n): one for row, (near, ones) in enumerate(rows) for n, one in zip(near, ones, strict=True)}

    of_all, of_rated = told(seen.map.neighbours, seen.map.proximity), told(seen.nearest_rated, seen.likeness)
    both = of_all.keys() & of_rated.keys()
    assert len(both) > 60
    assert [of_rated[pair] for pair in both] == pytest.approx([of_all[pair] for pair in both], abs=1e-4)


def test_a_library_without_a_song_to_play_is_refused(library_of, rated_library, tmp_path):
    with pytest.raises(InputError, match="nothing to show"):
        see_library(library_of([replace(song, available=False) for song in rated_library]), tmp_path, seed=1)


def test_the_page_holds_each_song_in_few_bytes(see, rated_library):
    packed = packed_library(see(rated_library))

    numbers = {name: packed[name]["data"] for name in ("place", "stars", "neighbours", "nearest_rated", "rating")}
    assert sum(map(len, numbers.values())) / 60 < 80


def test_no_text_of_a_tag_can_end_its_script_or_add_an_element(see, rated_library):
    page = html_of(see([replace(song, title=EVIL, artist=EVIL) for song in rated_library]), "/* plotly */")

    assert page.count("<img") == 0 and page.count("</script>") == page.count("<script")


def test_a_file_whose_name_is_no_utf8_is_asked_for_by_its_bytes(see, rated_library):
    odd = replace(rated_library[7], path="/m/\ufffd.mp3", url="file:///m/%FF.mp3")
    seen = see([odd, *rated_library[:7], *rated_library[8:]])

    row = [one.song for one in seen.recordings].index(odd)
    assert packed_library(seen)["odd"] == {row: "/m/%FF.mp3"}


def test_the_same_library_gives_the_same_page(see, rated_library):
    assert html_of(see(rated_library), "") == html_of(see(rated_library), "")


def test_a_person_can_use_the_page_with_mouse_and_keyboard(look, rated_library, browser, tmp_path):
    """One page for all, as starting a browser takes a second of a core."""
    songs = [replace(song, title=f"{EVIL} {song.song_id}") for song in rated_library]
    write_page(look(songs), tmp_path / "out", seed=1)
    page = tmp_path / "out/index.html"
    browser.ask("Emulation.setDeviceMetricsOverride", width=1200, height=800, deviceScaleFactor=1, mobile=False)
    browser.ask("Page.navigate", url=f"{page.resolve().as_uri()}#map")

    def until(script: str) -> None:
        end = time.monotonic() + SECONDS
        while not browser.value(script):
            assert time.monotonic() < end, (script, browser.complaints)

    def point_at(row: int) -> list[float]:
        spot = browser.value(f"songMap.onPage({row})")
        for off in (3, 0):  # a move, not an appearance
            browser.ask("Input.dispatchMouseEvent", type="mouseMoved", x=spot[0] - off, y=spot[1])
        return spot

    until("document.readyState === 'complete' && document.querySelectorAll('#map .switch').length > 1")
    point_at(7)
    until("!document.getElementById('hint').hidden")
    assert json.dumps(browser.value("document.querySelector('#hint b').textContent")) == json.dumps(songs[7].title)

    spot = point_at(9)
    for kind in ("mousePressed", "mouseReleased"):
        browser.ask("Input.dispatchMouseEvent", type=kind, x=spot[0], y=spot[1], button="left", clickCount=1)
    until(f"document.querySelector('#song h2').textContent.endsWith(' {songs[9].song_id}')")
    until(f"document.getElementById('audio').src === 'file://{songs[9].path}'")
    assert browser.value("document.querySelectorAll('#song [aria-label=\"Sounds like\"] button').length") == 12

    menu = "document.querySelector('#map select')"
    browser.value(f"{menu}.value = 'artist', {menu}.dispatchEvent(new Event('change'))")
    until("document.querySelectorAll('#map .switch').length === 10")
    hide = "document.querySelector('#map .switch[data-key=\"0\"]').click()"
    there = "Array.from({ length: 60 }, (_, row) => songMap.songAt(...songMap.at(row)) === row)"
    before = browser.value(there)
    browser.value(hide)
    after, artist = browser.value(there), browser.value("[...library.artist.number]")
    assert all(before) and after == [number != 0 for number in artist]

    browser.value("document.getElementById('map-plot').focus()")
    middle = browser.value("songMap.onPage(9)")
    browser.press("ArrowLeft")
    until(f"songMap.onPage(9)[0] > {middle[0]} + 50")

    browser.value("document.getElementById('tab-artists').click()")
    until("!!document.querySelector('#artists-plot canvas')")
    browser.value("document.getElementById('search').focus()")
    browser.ask("Input.insertText", text="40")
    until("document.querySelector('#found button')?.textContent.includes(' 40')")
    browser.press("Enter")
    until("document.querySelector('#song h2').textContent.endsWith(' 40')")

    paper = "getComputedStyle(document.body).backgroundColor"
    light = browser.value(paper)
    browser.value("document.getElementById('theme').focus()")
    browser.press("Enter")
    browser.press("Enter")
    assert browser.value("document.documentElement.dataset.theme") == "dark" and browser.value(paper) != light

    browser.ask("Emulation.setDeviceMetricsOverride", width=390, height=844, deviceScaleFactor=2, mobile=True)
    browser.value("location.hash = 'map'")
    until("!document.getElementById('map').hidden")
    apart = "Math.abs(songMap.at(7)[0] - songMap.at(9)[0])"
    before = browser.value(apart)
    x, y = 195, browser.value("document.querySelector('#map-plot canvas').getBoundingClientRect().bottom") - 80
    for kind, off in (("touchStart", 20), *(("touchMove", 20 + 4 * step) for step in range(1, 6))):
        fingers = [{"x": x + side * off, "y": y, "id": number} for number, side in enumerate((-1, 1))]
        browser.ask("Input.dispatchTouchEvent", type=kind, touchPoints=fingers)
    browser.ask("Input.dispatchTouchEvent", type="touchEnd", touchPoints=[])
    until(f"Math.abs({apart} / {before} - 2) < 0.01")  # as far as the fingers moved apart
    assert browser.value("[visualViewport.scale, document.documentElement.scrollWidth]") == [1, 390]

    assert browser.value("document.title") == "Your library"
    ignored = ("GL Driver Message", "willReadFrequently", "net::ERR_FILE_NOT_FOUND")  # the songs here have no files
    assert [one for one in browser.complaints if not any(text in one for text in ignored)] == []
    assert {url.split(":")[0] for url in browser.requests} <= {"file", "data", "blob"}


def test_a_map_that_is_damaged_is_told_from_one_that_is_missing(tmp_path):
    (tmp_path / "map.npz").write_bytes(b"PK\x03\x04 no more")

    with pytest.raises(InputError, match="not a map of these tools"):
        read_map(tmp_path / "map.npz")
    with pytest.raises(InputError, match="no map here"):
        read_map(Path("map.npz"))
