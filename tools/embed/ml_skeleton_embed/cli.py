"""The `embed` command: what it is asked, and nothing of how it is done."""

from pathlib import Path
from typing import Annotated

import typer
from ml_skeleton.console import Config, Device, Quiet, new_app, note, path_from_pipe, run_tool

app = new_app()


@app.command()
def embed(
    encoder: Annotated[
        Path | None, typer.Argument(help="Checkpoint of train-encoder; left out, its path is read from stdin.")
    ] = None,
    crops: Annotated[
        Path | None, typer.Option(help="Crops folder.", show_default="the one that the encoder was trained on")
    ] = None,
    store: Annotated[Path, typer.Option(help="Database to add to, .db or .duckdb; made if missing.")] = Path(
        "artifacts/embeddings.db"
    ),
    version: Annotated[
        str | None, typer.Option(metavar="NAME", help="Version to add to.", show_default="named by the encoder")
    ] = None,
    encoder_class: Annotated[
        str | None,
        typer.Option(metavar="MODULE:CLASS", help="Class of the encoder, if it is one of yours: it will be imported."),
    ] = None,
    device: Device = "auto",
    config: Config = None,
    quiet: Quiet = False,
) -> None:
    """Write one vector per song to STORE, and print STORE.

    Songs that the version already holds are left as they are; the player's
    ratings and tags are always refreshed.
    """
    encoder = path_from_pipe(encoder, "encoder", "train-encoder")
    from ml_skeleton.artifacts.checkpoints import read_header  # here, as Arrow takes a while to import
    from ml_skeleton.artifacts.crops import Crops

    from ml_skeleton_embed.embed import crops_of, embed_songs

    header = read_header(encoder, "encoder")
    done = embed_songs(header, Crops(crops or crops_of(header)), store, version, device, encoder_class)
    note(f"{done.added} songs embedded, {done.kept} already there, version {done.version}")
    typer.echo(store)


def main() -> None:
    run_tool(app)
