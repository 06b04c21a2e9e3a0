"""The page itself: one HTML file with its style, its scripts, the library and the plotting library."""

from importlib.resources import files
from pathlib import Path

from ml_skeleton.artifacts.files import fingerprint_of, write_text
from ml_skeleton.artifacts.maps import NAME as MAP
from ml_skeleton.console import counted
from ml_skeleton.pages.shell import Page, html_of_page, plotly_script, theme_button

from ml_skeleton_recommend.library import Library
from ml_skeleton_recommend.page.packed import packed_library
from ml_skeleton_recommend.page.seen import SeenLibrary, see_library, shown_recordings

NAME = "index.html"
NEEDS = "ml-skeleton-recommend[html]"
SCRIPTS = ("library", "colours", "elements", "player", "song", "coloured", "discs", "map", "artists", "lists", "views")
MADE_FROM = "<!-- made from {} -->"
HEAD = 1 << 16  # bytes of a page in which it says what it was made from


def write_page(library: Library, folder: Path, seed: int, force: bool = False) -> bool:
    """Write the page of the library to `folder`, and its map, unless they are there already; return whether it did."""
    page, made_from = folder / NAME, MADE_FROM.format(fingerprint(library, folder, seed))
    if not force and (folder / MAP).exists() and made_from.encode() in _head(page):
        return False
    write_text(page, html_of(see_library(library, folder, seed), plotly_script(NEEDS), made_from))
    return True


def html_of(seen: SeenLibrary, plotly: str, made_from: str = "") -> str:
    """Return the page, which loads nothing but the songs that are played; the same library gives the same bytes."""
    rated = sum(recording.rating is not None for recording in seen.recordings)
    facts = f"{counted(len(seen.recordings), 'song')}, {rated} rated"
    body = _resource("page.html").replace("<!-- facts -->", facts).replace("<!-- theme -->", theme_button())
    scripts = [plotly, *(_resource(f"{name}.js") for name in SCRIPTS)]
    data = {"library": packed_library(seen)}
    return html_of_page(
        Page("Your library", made_from + body, _resource("page.css"), scripts, data, media="'self' file:")
    )


def fingerprint(library: Library, folder: Path, seed: int) -> str:
    """Return the fingerprint of all that the page shows, and of how."""
    shown = (repr(recording.songs) for recording in shown_recordings(library))
    models = (parent.fingerprint for parent in library.parents)
    lists = (part for path in sorted(folder.glob("*.json")) for part in (path.name, path.read_bytes()))
    looks = (_resource(name) for name in ("page.html", "page.css", *(f"{name}.js" for name in SCRIPTS)))
    return fingerprint_of(str(seed), *models, *shown, *lists, *looks)


def _head(page: Path) -> bytes:
    try:
        with open(page, "rb") as file:
            return file.read(HEAD)
    except FileNotFoundError:
        return b""


def _resource(name: str) -> str:
    return files("ml_skeleton_recommend.page").joinpath(name).read_text(encoding="utf-8")
