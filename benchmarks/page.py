"""Measures the page of a large library: how long it takes to make, its size, and how smoothly its map moves.

    python benchmarks/page.py --songs 60000

Makes an embedding store of songs that lie in clusters, and a classifier, runs
`recommend --html` twice, and opens the page in headless Chromium, which draws
without a GPU. There it drags, zooms and points at songs as a hand would. The peer
is plotly's scattergl with the same points, dragged the same way. Of frames the
median and the 95th percentile, 16.7 ms being what the browser allows, and the CPU
time of the page, which other work disturbs less.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from ml_skeleton.artifacts.embeddings import open_or_make_store, open_store
from ml_skeleton.artifacts.embeddings_versions import Version
from ml_skeleton.artifacts.provenance import Parent
from ml_skeleton.artifacts.songs import Song, album_key
from ml_skeleton.music.rated import FitSettings, rated_songs
from ml_skeleton_train_classifier.train import train_classifier

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
from browser import CHROMIUM, Browser

COMMAND = Path(sys.executable).parent / "recommend"
SONGS_PER_ALBUM, ALBUMS_PER_ARTIST, STYLES = 12, 4, 40
GENRES = ("Rock", "Jazz", "Folk", "Metal", "Electronic", "Classical", "Soul", "Hip-Hop", "Ambient", "Blues", "Country")
RATED = 1000
MOVES = 60  # of the mouse, a frame each if the page keeps up
MIDDLE, STEP = (700, 430), 4  # pixels of the page, and how far the mouse goes at a time
READY = "document.readyState === 'complete' && document.querySelectorAll('#map .switch').length > 1"
RECORD = """
window.frames_ms = []; window.recording = true;
(function next(now) { if (window.before) frames_ms.push(now - before); window.before = now;
  if (recording) requestAnimationFrame(next); else window.before = 0; })(0);
"""
WATCH_HINTS = """
window.hints_ms = []; let asked = 0;
document.addEventListener("pointermove", () => { asked = performance.now(); }, true);
new MutationObserver(() => hints_ms.push(performance.now() - asked)).observe(
  document.getElementById("hint"), { childList: true });
"""
PEER = """
(() => {
  const plot = document.createElement("div"), { count, place } = library;
  plot.style.cssText = "position:fixed;inset:0;z-index:99;background:white";
  document.body.append(plot);
  const [x, y] = [0, 1].map((axis) => Float32Array.from({ length: count }, (_, row) => place[2 * row + axis]));
  return Plotly.newPlot(plot, [{ type: "scattergl", mode: "markers", x, y, marker: { size: 3.5 } }],
    { dragmode: "pan", margin: { l: 0, r: 0, t: 0, b: 0 } }, { scrollZoom: true }).then(() => true);
})()
"""


@dataclass(frozen=True)
class Cost:
    """What a run of the command took."""

    seconds: float
    cpu_s: float
    peak_mb: float

    def __str__(self) -> str:
        return f"{self.seconds:.0f} s, {self.cpu_s:.0f} CPU-s, {self.peak_mb:.0f} MB"


def made_up_song(number: int, random: np.random.Generator) -> Song:
    album = number // SONGS_PER_ALBUM
    artist = album // ALBUMS_PER_ARTIST
    tags = {"title": f"A song with a name of usual length {number}", "artist": f"Artist {artist}"}
    where = f"/music/Artist {artist}/Album {album}/{number % SONGS_PER_ALBUM + 1:02d} A song of usual length.flac"
    rating = float(random.integers(2, 11)) / 10 if number % max(number // RATED, 20) == 0 else None
    return Song(
        song_id=number + 1, source="clementine", url=f"file://{where.replace(' ', '%20')}", path=where, **tags,
        albumartist=tags["artist"], album=f"Album {album}", album_keys=album_key(tags["artist"], f"Album {album}"),
        genre=GENRES[artist % len(GENRES)], year=1960 + album % 60, length_s=200.0 + number % 100, start_s=0.0,
        rating=rating, playcount=3, skipcount=0, lastplayed=None, added=1_600_000_000, mtime=1_600_000_000,
        filesize=5_000_000, available=True, audio_id=f"{number * 0x9E3779B97F4A7C15 % 2**128:032x}",
    )  # fmt: skip


def make_library(folder: Path, songs: int, dimensions: int) -> None:
    """Write store.db and classifier.pt: songs around the sound of their album, artist and style."""
    random = np.random.default_rng(0)
    made = [made_up_song(number, random) for number in range(songs)]
    album = np.arange(songs) // SONGS_PER_ALBUM
    artist = album // ALBUMS_PER_ARTIST
    styles, of_artist, of_album = (random.standard_normal((n, 24)) for n in (STYLES, artist[-1] + 1, album[-1] + 1))
    factors = 1.2 * styles[artist % STYLES] + 0.7 * of_artist[artist] + 0.5 * of_album[album]
    factors += 0.7 * random.standard_normal(factors.shape)
    matrix = factors @ random.standard_normal((24, dimensions)) + 2.0 * random.standard_normal((songs, dimensions))
    with open_or_make_store(folder / "store.db", "embed") as store:
        parents = (Parent("encoder", "/encoder.pt", "e" * 32),)
        store.add_version(Version("v1", "e" * 32, dimensions, {}, parents, "2026-01-01"))
        store.add_vectors("v1", [str(song.audio_id) for song in made], matrix.astype(np.float32), [False] * songs)
        store.replace_songs(made)
    with open_store(folder / "store.db") as store:
        train_classifier(rated_songs(store, None), folder / "classifier.pt", FitSettings("ridge"), None)


def cost_of(folder: Path, *words: object) -> Cost:
    """Return what `recommend` took with these words, on the library that `make_library` wrote."""
    words = (COMMAND, *words, "--store", folder / "store.db", "--out", folder / "out")
    began = time.monotonic()
    process = subprocess.Popen(list(map(str, words)), stdout=subprocess.DEVNULL)
    _, status, used = os.wait4(process.pid, 0)
    if status:
        sys.exit(f"recommend ended with {os.waitstatus_to_exitcode(status)}")
    return Cost(time.monotonic() - began, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024)


def move_mouse(browser: Browser, kind: str, place: tuple[float, float], **more: float | str) -> None:
    browser.ask("Input.dispatchMouseEvent", type=kind, x=place[0], y=place[1], **more)


def frames_ms(browser: Browser, move: Callable[[int], None]) -> str:
    """Return the median and the 95th percentile of what a frame took while `move` was called MOVES times."""
    browser.value(RECORD)
    began_s = busy_s(browser)
    for number in range(MOVES):
        move(number)
    frames, used = browser.value("(recording = false, frames_ms)"), busy_s(browser) - began_s
    share = 1000 * used / len(frames)
    return "{:.1f} ms, 95 % within {:.1f}, {:.1f} CPU-ms each".format(*np.percentile(frames, (50, 95)), share)


def busy_s(browser: Browser) -> float:
    """Return the CPU seconds that the page has worked."""
    metrics = browser.ask("Performance.getMetrics")["metrics"]
    return next(metric["value"] for metric in metrics if metric["name"] == "TaskDuration")


def drag_ms(browser: Browser) -> str:
    move_mouse(browser, "mousePressed", MIDDLE, button="left", buttons=1, clickCount=1)
    along = [(MIDDLE[0] + STEP * n, MIDDLE[1] + STEP * (n % 20)) for n in range(MOVES)]
    frames = frames_ms(browser, lambda n: move_mouse(browser, "mouseMoved", along[n], button="left", buttons=1))
    move_mouse(browser, "mouseReleased", along[-1], button="left", clickCount=1)
    return frames


def zoom_ms(browser: Browser) -> str:
    wheel = {"deltaX": 0, "deltaY": -40}
    return frames_ms(browser, lambda _: move_mouse(browser, "mouseWheel", MIDDLE, **wheel))


def hint_ms(browser: Browser) -> str:
    """Return how long it takes from a movement of the mouse to the name of the song below it."""
    browser.value(WATCH_HINTS)
    for number in range(MOVES):
        move_mouse(browser, "mouseMoved", (MIDDLE[0] - STEP * number, MIDDLE[1] + STEP * (number % 20)))
    hints = browser.value("hints_ms")
    return "{:.1f} ms, 95 % within {:.1f}".format(*np.percentile(hints, (50, 95))) if hints else "no song was met"


def use(page: Path, profile: Path) -> None:
    """Print how the map of a page moves in headless Chromium."""
    browser = Browser(profile)
    browser.ask("Performance.enable", timeDomain="threadTicks")
    browser.ask("Emulation.setDeviceMetricsOverride", width=1300, height=850, deviceScaleFactor=1, mobile=False)
    began = time.monotonic()
    browser.ask("Page.navigate", url=f"{page.resolve().as_uri()}#map")
    while not browser.value(READY):
        pass
    print(f"opened, the map drawn: {time.monotonic() - began:.1f} s")
    print(f"a frame while dragging: {drag_ms(browser)}")
    print(f"the name of a song under the mouse: {hint_ms(browser)}")
    print(f"a frame while zooming in: {zoom_ms(browser)}")
    browser.value(PEER)
    print(f"a frame while dragging plotly's scattergl: {drag_ms(browser)}")
    browser.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--songs", type=int, default=60_000)
    parser.add_argument(
        "--dimensions", type=int, default=528, help="numbers a song; 528 are those of the usual encoder"
    )
    parser.add_argument("--folder", type=Path, help="where the library is made and kept; else a temporary folder")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = asked.folder or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        if not (folder / "classifier.pt").exists():
            make_library(folder, asked.songs, asked.dimensions)
        first, second = (cost_of(folder, folder / "classifier.pt", "--html") for _ in range(2))
        print(f"recommend --html, {asked.songs} songs of {asked.dimensions} numbers: {first}")
        print(f"the same once more: {second}")
        print(f"size of the page: {(folder / 'out/index.html').stat().st_size / 1e6:.1f} MB")
        if CHROMIUM:
            use(folder / "out/index.html", Path(temporary) / "profile")


if __name__ == "__main__":
    main()
