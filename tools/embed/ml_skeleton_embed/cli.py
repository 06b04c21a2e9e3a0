"""The `embed` command: what it is asked, and nothing of how it is done."""

from pathlib import Path
from typing import Annotated, Literal

import typer
from ml_skeleton.console import Config, CropsToRead, Device, Quiet, new_app, note, path_from_pipe, run_tool
from ml_skeleton.manual import after_options

app = new_app()


@app.command(
    epilog=after_options(
        "embed checkpoints/encoder.pt",
        "train-encoder crops | embed | train-classifier",
        "embed artifacts/embeddings.db --list",
    )
)
def embed(
    encoder: Annotated[
        Path | None,
        typer.Argument(
            help="Checkpoint of train-encoder; left out, its path is read from stdin. With --list or --drop: the store."
        ),
    ] = None,
    crops: Annotated[
        Path | None, typer.Option(help="Crops folder.", show_default="the one that the encoder was trained on")
    ] = None,
    policy: CropsToRead = None,
    store: Annotated[Path, typer.Option(help="Database to add to, .db or .duckdb; made if missing.")] = Path(
        "artifacts/embeddings.db"
    ),
    version: Annotated[
        str | None, typer.Option(metavar="NAME", help="Version to add to.", show_default="named by the encoder")
    ] = None,
    also: Annotated[
        Path | None,
        typer.Option(metavar="ENCODER", help="Encoder in use, whose vectors get the new songs too; may be missing."),
    ] = None,
    encoder_class: Annotated[
        str | None,
        typer.Option(metavar="MODULE:CLASS", help="Class of the encoder, if it is one of yours: it will be imported."),
    ] = None,
    precision: Annotated[
        Literal["float32", "bfloat16"], typer.Option(help="bfloat16 is faster where the device knows it, and coarser.")
    ] = "float32",
    prune: Annotated[
        bool, typer.Option("--prune", help="Remove vectors, of all versions, of songs that are gone from the library.")
    ] = False,
    allow_collapse: Annotated[
        bool, typer.Option("--allow-collapse", help="End well even if the vectors do not tell songs apart.")
    ] = False,
    list_all: Annotated[
        bool, typer.Option("--list", help="Print the versions of the store and how healthy they are; embed nothing.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="With --list: print JSON.")] = False,
    drop: Annotated[
        str | None, typer.Option(metavar="NAME", help="Remove this version from the store; embed nothing.")
    ] = None,
    device: Device = "auto",
    config: Config = None,
    quiet: Quiet = False,
) -> None:
    """Write one vector per song to STORE, and print STORE.

    Songs that the version already holds are left as they are; the player's
    ratings and tags are always refreshed.
    """
    if list_all or as_json or drop is not None:
        from ml_skeleton_embed.versions import keep_house

        typer.echo(keep_house(encoder or store, list_all, drop, as_json))
        return
    encoder = path_from_pipe(encoder, "encoder", "train-encoder")
    from ml_skeleton.artifacts.checkpoints import read_header  # here, as Arrow takes a while to import
    from ml_skeleton.artifacts.crops import Crops

    from ml_skeleton_embed.embed import Options, crops_of, embed_songs
    from ml_skeleton_embed.in_use import keep_up
    from ml_skeleton_embed.versions import refuse_collapse

    header = read_header(encoder, "encoder")
    options, heard = Options(version, device, precision, encoder_class, prune), Crops(crops or crops_of(header), policy)
    done = embed_songs(header, heard, store, options)
    for embedded in (*keep_up(also, header, heard, store, options), done):
        note(str(embedded))
    if not allow_collapse:
        refuse_collapse(store, done.version, done.health)
    typer.echo(store)


def main() -> None:
    run_tool(app)
