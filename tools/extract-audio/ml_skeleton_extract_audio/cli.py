"""The `clem-extract` command: what it is asked, and nothing of how it is done."""

from pathlib import Path
from typing import Annotated, Literal

import typer
from ml_skeleton.console import Config, Quiet, Workers, new_app, note, run_tool

app = new_app()


@app.command()
def clem_extract(
    db: Annotated[Path, typer.Option(help="Database of Clementine or Strawberry; only ever read.")],
    out: Annotated[Path, typer.Option(help="Crops folder to add to; made if missing.")] = Path("crops"),
    path_map: Annotated[
        list[str] | None,
        typer.Option(metavar="OLD=NEW", help="A folder of the database and its name here; repeatable."),
    ] = None,
    position: Annotated[
        Literal["end", "center", "start", "spread"], typer.Option(help="Where in the song to cut.")
    ] = "end",
    seconds: Annotated[float, typer.Option(min=0.1, help="Length of a crop.")] = 60.0,
    rate: Annotated[int, typer.Option(min=4000, max=192000, help="Sample rate of the crops, Hz.")] = 16000,
    crops: Annotated[int, typer.Option(min=1, help="Crops per song.")] = 1,
    max_duration: Annotated[float, typer.Option(min=1, help="Leave out songs longer than this, in seconds.")] = 900.0,
    limit: Annotated[int | None, typer.Option(min=1, help="Open at most this many songs in this run.")] = None,
    rated_only: Annotated[bool, typer.Option("--rated-only", help="Leave out songs without a rating.")] = False,
    workers: Workers = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be done; write nothing.")] = False,
    config: Config = None,
    quiet: Quiet = False,
) -> None:
    """Cut crops of audio out of the songs of a player's library, and print the crops folder.

    A song is opened once: later runs open what is new or changed, and always
    refresh ratings and play counts.
    """
    from ml_skeleton_extract_audio.cropping import CropPolicy  # here, as decoding libraries take a while to import
    from ml_skeleton_extract_audio.extract import Request, default_workers, extract, preview
    from ml_skeleton_extract_audio.locations import parse_path_map
    from ml_skeleton_extract_audio.plan import Selection

    request = Request(
        db=db,
        out=out,
        policy=CropPolicy(position, seconds, crops, rate),
        path_map=parse_path_map(path_map or []),
        selection=Selection(max_duration, rated_only, limit),
        workers=workers or default_workers(),
    )
    if dry_run:
        note(str(preview(request)))
        return
    note(str(extract(request)))
    typer.echo(out)


def main() -> None:
    run_tool(app)
