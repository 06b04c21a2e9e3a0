"""The `clem-demo` command: what it is asked, and nothing of how it is done."""

from pathlib import Path
from typing import Annotated

import typer
from ml_skeleton.console import Force, Quiet, Seed, Workers, new_app, note, run_tool
from ml_skeleton.manual import after_options

app = new_app()


@app.command(epilog=after_options("clem-demo --out demo", "clem-demo --out small --songs 40 --seed 1"))
def clem_demo(
    out: Annotated[Path, typer.Option(help="Folder of the library; made if missing.", metavar="FOLDER")] = Path("demo"),
    songs: Annotated[int, typer.Option(min=4, help="Songs, beside the odd cases.")] = 200,
    seed: Seed = 7,
    workers: Workers = None,
    force: Force = False,
    quiet: Quiet = False,
) -> None:
    """Write a small synthetic music library with a Clementine database, and print the database's path.

    A library that is already there is left as it is.
    """
    from ml_skeleton.cores import default_workers

    from ml_skeleton_demo_library.library import make_library  # here, as numpy takes its time to import

    library = make_library(out, songs, seed=seed, workers=workers or default_workers(), force=force)
    if library.made:
        note(f"{library.rows} songs, {library.rated} of them rated, {library.megabytes:.0f} MB, in {library.music}")
    else:
        note(f"{library.folder}: already there, nothing to do")
    typer.echo(library.database)


def main() -> None:
    """Run the command."""
    run_tool(app)
