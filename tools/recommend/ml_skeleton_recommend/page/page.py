"""The page itself: one HTML file with its style, its scripts, the library and the plotting library."""

from importlib.resources import files
from pathlib import Path

from ml_skeleton.artifacts.files import write_text
from ml_skeleton.console import counted
from ml_skeleton.pages.shell import Page, html_of_page, plotly_script, theme_button

from ml_skeleton_recommend.page.packed import packed_library
from ml_skeleton_recommend.page.seen import SeenLibrary

NAME = "index.html"
NEEDS = "ml-skeleton-recommend[html]"
SCRIPTS = ("library", "colours", "elements", "player", "song", "map", "artists", "lists", "views")


def write_page(seen: SeenLibrary, folder: Path) -> Path:
    """Write the page of the library to `folder` and return where it is; the same library gives the same bytes."""
    page = folder / NAME
    write_text(page, html_of(seen, plotly_script(NEEDS)))
    return page


def html_of(seen: SeenLibrary, plotly: str) -> str:
    """Return the page, which loads nothing but the songs that are played."""
    rated = sum(recording.rating is not None for recording in seen.recordings)
    facts = f"{counted(len(seen.recordings), 'song')}, {rated} rated"
    body = _resource("page.html").replace("<!-- facts -->", facts).replace("<!-- theme -->", theme_button())
    scripts = [plotly, *(_resource(f"{name}.js") for name in SCRIPTS)]
    data = {"library": packed_library(seen)}
    return html_of_page(Page("Your library", body, _resource("page.css"), scripts, data, media="'self' file:"))


def _resource(name: str) -> str:
    return files("ml_skeleton_recommend.page").joinpath(name).read_text(encoding="utf-8")
