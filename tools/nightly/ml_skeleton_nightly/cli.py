"""The `clem-nightly` command: what it is asked, and nothing of how it is done."""

from pathlib import Path
from typing import Annotated

import typer
from ml_skeleton.console import Config, Device, Force, Quiet, new_app, note, run_tool
from ml_skeleton.manual import after_options

app = new_app()


@app.command(
    epilog=after_options(
        "clem-nightly --db clementine.db --out ~/music-taste",
        "clem-nightly --db clementine.db --when-new-ratings 50 --min spearman=0.2",
    )
)
def clem_nightly(
    db: Annotated[Path, typer.Option(help="Database of Clementine or Strawberry; only ever read.")],
    out: Annotated[Path, typer.Option(help="Folder of crops, models, embeddings and playlists.")] = Path("."),
    when_new_ratings: Annotated[
        int, typer.Option(min=1, metavar="N", help="Train a new model when N ratings are new since the last.")
    ] = 20,
    min: Annotated[
        list[str] | None,
        typer.Option("--min", metavar="FIGURE=VALUE", help="A figure of evaluate that a new model must reach."),
    ] = None,
    keep: Annotated[int, typer.Option(min=1, help="Models to keep, the one in use among them.")] = 3,
    device: Device = "auto",
    force: Force = False,
    config: Config = None,
    quiet: Quiet = False,
) -> None:
    """Bring crops, embeddings and playlists up to date, and print the playlists' folder.

    A new model is trained when enough ratings are new, and used when it reaches
    what --min asks for. nightly/status.json tells how the last night went. Made to
    be started by cron; --config is handed to every step.
    """
    from ml_skeleton_nightly.night import Asked, run_night  # here, as Arrow takes a while to import

    asked = Asked(db, out, when_new_ratings, tuple(min or ()), keep, config, device, force)
    note(run_night(asked))
    typer.echo(asked.playlists)


def main() -> None:
    run_tool(app)
