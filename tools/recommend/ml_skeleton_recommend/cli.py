"""The `recommend` command: what it is asked, and nothing of how it is done."""

from pathlib import Path
from typing import Annotated

import typer
from ml_skeleton.console import (
    MOST_SPEECH,
    Config,
    Force,
    MaxSpeech,
    Quiet,
    Seed,
    new_app,
    note,
    path_from_pipe,
    run_tool,
)

OUT = Path("artifacts/recommendations")

app = new_app(default="best")


@app.command()
def best(
    classifier: Annotated[
        Path | None, typer.Argument(help="Checkpoint of train-classifier; left out, its path is read from stdin.")
    ] = None,
    store: Annotated[
        Path | None, typer.Option(help="Embedding database.", show_default="the one that the classifier was trained on")
    ] = None,
    out: Annotated[Path, typer.Option(help="Folder for the playlists.")] = OUT,
    top: Annotated[int, typer.Option(min=1, help="Songs in the playlist.")] = 100,
    model_class: Annotated[
        str | None, typer.Option(metavar="MODULE:CLASS", help="Your class, if the classifier is one of yours.")
    ] = None,
    max_speech: MaxSpeech = MOST_SPEECH,
    html: Annotated[
        bool, typer.Option("--html", help="Write index.html too: the playlists of the folder and a map of the library.")
    ] = False,
    seed: Seed = 42,
    force: Force = False,
    config: Config = None,
    quiet: Quiet = False,
) -> None:
    """Write the unrated songs with the most expected stars as playlists, and print their folder.

    best.xspf and best.m3u8 open in the player; best.csv and best.json hold the
    expected stars.
    """
    classifier = path_from_pipe(classifier, "classifier", "train-classifier")
    from ml_skeleton.artifacts.checkpoints import read_header  # here, as databases take a while to import
    from ml_skeleton.artifacts.embeddings import open_store

    from ml_skeleton_recommend.recommend import find_candidates, store_of
    from ml_skeleton_recommend.recommend import recommend as write_recommendations

    header = read_header(classifier, "classifier")
    with open_store(store or store_of(header)) as opened:
        candidates = find_candidates(header, opened, max_speech)
    if not force and candidates.is_written(out, top):
        note("nothing new to recommend: same songs, ratings and classifier as before")
    else:
        entries = write_recommendations(candidates, out, top, model_class)
        reasons = {"as tracks of cue sheets": candidates.cue_tracks, "as speech": candidates.spoken}
        reasons["as they sound like another"] = candidates.alike
        left_out = "".join(f"; {number} left out {reason}" for reason, number in reasons.items() if number)
        count = f"{len(entries)} of {len(candidates.recordings)} unrated songs"
        note(f"{count}, the first with {entries[0].stars:.2f} expected stars{left_out}")
    if html:
        from ml_skeleton_recommend.page.page import write_page
        from ml_skeleton_recommend.page.seen import see_library

        with open_store(store or store_of(header)) as opened:
            page = write_page(see_library(header, opened, out, seed, model_class), out)
        note(f"open {page} in a browser, or run: recommend serve {out}")
    typer.echo(out)


@app.command()
def serve(
    folder: Annotated[Path, typer.Argument(help="Folder that holds the page.")] = OUT,
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port to listen on; 0 takes any free one.")] = 8765,
    quiet: Quiet = False,
) -> None:
    """Serve the page in FOLDER and its songs to browsers of this machine, print its address, and go on until Ctrl-C."""
    from ml_skeleton_recommend.serve import address_of, make_server, songs_of_page

    with make_server(folder, songs_of_page(folder), port) as server:
        typer.echo(address_of(server))
        server.serve_forever()


def main() -> None:
    run_tool(app)
