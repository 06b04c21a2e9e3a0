"""Runs what the command line asks for: reads the library, makes the lists, writes them and says so."""

from collections.abc import Iterator
from pathlib import Path

import typer
from ml_skeleton.artifacts.checkpoints import read_header
from ml_skeleton.artifacts.embeddings import open_store
from ml_skeleton.console import note, warn
from ml_skeleton.errors import InputError, UsageError

from ml_skeleton_recommend.gathering import read_library
from ml_skeleton_recommend.library import Library, store_of
from ml_skeleton_recommend.make import Made, make, write
from ml_skeleton_recommend.options import Common
from ml_skeleton_recommend.recipes import read_recipes
from ml_skeleton_recommend.request import Request

STDOUT = Path("-")


def run(classifier: Path, request: Request, asked: Common) -> None:
    """Make the playlist asked for and print its folder, or the songs' paths."""
    library = _library(classifier, asked)
    _finish(library, [make(library, request, asked.out)], asked)


def run_recipes(classifier: Path, recipes: Path, asked: Common) -> None:
    """Make all playlists of a file and print their folder; all are made before the first is written."""
    requests = read_recipes(recipes, asked.request("best"))
    library = _library(classifier, asked)
    made = []
    for request in requests:
        try:
            made.append(make(library, request, asked.out))
        except InputError as error:  # an empty list is no reason to go without the others
            warn(f"{error}; {request.file_name} is left as it is")
    names = [playlist.name for one in made for playlist in one.playlists]
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise UsageError(f"{recipes}: two playlists are called {twice!r}; rename one")
    if not made:
        raise InputError(f"{recipes}: none of its playlists holds a song")
    _finish(library, made, asked)


def _library(classifier: Path, asked: Common) -> Library:
    header = read_header(classifier, "classifier")
    with open_store(asked.store or store_of(header)) as store:
        return read_library(header, store, asked.model_class)


def _finish(library: Library, made: list[Made], asked: Common) -> None:
    if asked.out == STDOUT:
        for path in dict.fromkeys(_paths(made, asked)):
            typer.echo(path)
        return
    written = write(made, asked.output(), asked.force)
    for one in made:
        note(str(one))
    if not written:
        note("nothing new: the same lists as before")
    if asked.html:
        _write_page(library, asked)
    typer.echo(asked.out)


def _write_page(library: Library, asked: Common) -> None:
    from ml_skeleton_recommend.page.page import NAME, write_page

    new = write_page(library, asked.out, asked.seed, asked.force)
    said = "" if new else "the page is as it was; "
    note(f"{said}open {asked.out / NAME} in a browser, or run: recommend serve {asked.out}")


def _paths(made: list[Made], asked: Common) -> Iterator[str]:
    places = asked.output().places
    for one in made:
        for playlist in one.playlists:
            for entry in playlist.entries:
                yield places.path(entry.song)
