"""The `recommend` command: what it is asked, and nothing of how it is done."""

from pathlib import Path

import typer
from ml_skeleton.console import Quiet, new_app, path_from_pipe, run_tool
from ml_skeleton.manual import after_options

from ml_skeleton_recommend import options as ask
from ml_skeleton_recommend.request import Request

app = new_app(default="best")


@app.callback()
def recommend() -> None:
    """Write playlists of the listener's own songs, and print their folder.

    `recommend CLASSIFIER` is `recommend best CLASSIFIER`.
    """


@app.command(
    epilog=after_options(
        "recommend checkpoints/classifier.pt", "recommend checkpoints/classifier.pt --top 20 --out twenty"
    )
)
@ask.with_common
def best(asked: ask.Common, classifier: ask.Classifier = None, recipes: ask.Recipes = None) -> None:
    """Make the unrated songs with the most expected stars a playlist, or all playlists of --recipes."""
    classifier = path_from_pipe(classifier, "classifier", "train-classifier")
    from ml_skeleton_recommend.run import run, run_recipes

    run_recipes(classifier, recipes, asked) if recipes else run(classifier, asked.request("best"), asked)


def _add(kind: str, text: str) -> None:
    """Add the command of a kind that asks for no more than a classifier."""

    def command(asked: ask.Common, classifier: ask.Classifier = None) -> None:
        _run(path_from_pipe(classifier, "classifier", "train-classifier"), asked.request(kind), asked)

    app.command(kind, help=text)(ask.with_common(command))


_add("help", "The unrated songs whose ratings would teach the most: rate them in the player before the next run.")
_add("sparse", "Unrated songs from corners of the library with few ratings.")
_add("rediscover", "Songs loved, or expected to be, that were not played for half a year or never.")
_add("mix", "What the listener loves, in clusters: a playlist each, mix-1 and so on.")
_add("album", "Whole albums that are little known yet, the best first.")


@app.command()
@ask.with_common
def like(
    asked: ask.Common,
    songs: ask.Songs,
    unlike: ask.Unlike = None,
    classifier: ask.ClassifierOption = ask.USUAL_CLASSIFIER,
) -> None:
    """Songs that are like all of SONG... at once."""
    _run(classifier, asked.request("like", tuple(songs), tuple(unlike or ())), asked)


@app.command()
@ask.with_common
def path(
    asked: ask.Common, begin: ask.Begin, end: ask.End, classifier: ask.ClassifierOption = ask.USUAL_CLASSIFIER
) -> None:
    """A way from song A to song B on which each song sounds like the one before."""
    _run(classifier, asked.request("path", (begin, end)), asked)


@app.command()
def serve(folder: ask.PageFolder = ask.OUT, port: ask.Port = 8765, quiet: Quiet = False) -> None:
    """Serve the page in FOLDER and its songs to browsers of this machine, print its address, and go on until Ctrl-C."""
    from ml_skeleton_recommend.serve import address_of, make_server, songs_of_page

    with make_server(folder, songs_of_page(folder), port) as server:
        typer.echo(address_of(server))
        server.serve_forever()


def _run(classifier: Path, request: Request, asked: ask.Common) -> None:
    from ml_skeleton_recommend.run import run  # here, as databases take a while to import

    run(classifier, request, asked)


def main() -> None:
    run_tool(app)
