"""The `ml_skeleton` command: what it is asked, and nothing of how it is done."""

from pathlib import Path
from typing import Annotated

import typer

from ml_skeleton import __version__
from ml_skeleton.commands.experiment import run, tune
from ml_skeleton.commands.machine import gpu_info, memory, verify
from ml_skeleton.commands.mlflow_ui import mlflow_ui
from ml_skeleton.console import Quiet, new_app, run_tool
from ml_skeleton.manual import after_options

app = new_app()


@app.callback(epilog=after_options("ml_skeleton show artifacts/embeddings.db", "ml_skeleton verify"))
def ml_skeleton() -> None:
    """Run and tune training functions; look at what the tools have made, and at what they need."""


for command in (run, tune, verify, gpu_info, memory, mlflow_ui):
    app.command()(command)


@app.command()
def show(
    artifact: Annotated[
        Path, typer.Argument(help="Crops folder, .pt, .db, .duckdb, evaluation.json or playlist .json.")
    ],
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    quiet: Quiet = False,
) -> None:
    """Print what ARTIFACT is, how it was made, and from what, back to the player's database."""
    from ml_skeleton.lineage import lineage, lineage_json

    typer.echo(lineage_json(artifact) if as_json else lineage(artifact))


@app.command()
def summary(
    crops: Annotated[Path, typer.Option(help="Crops folder.")] = Path("crops"),
    evaluation: Annotated[Path, typer.Option(help="Written by evaluate.")] = Path("evaluation/evaluation.json"),
    recommendations: Annotated[Path, typer.Option(help="Folder written by recommend.")] = Path(
        "artifacts/recommendations"
    ),
    quiet: Quiet = False,
) -> None:
    """Print what a pipeline's run came to: songs, what could not be read, accuracy, the top ten."""
    from ml_skeleton.summary import summarise

    typer.echo(summarise(crops, evaluation, recommendations))


@app.command()
def version() -> None:
    """Print the version of the tools."""
    typer.echo(__version__)


def main() -> None:
    run_tool(app)
