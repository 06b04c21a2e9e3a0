"""The `evaluate` command: what it is asked, and nothing of how it is done."""

from pathlib import Path
from typing import Annotated

import typer
from ml_skeleton.console import (
    MOST_SPEECH,
    Config,
    Force,
    MaxSpeech,
    MetricsFile,
    Quiet,
    Seed,
    StoreArgument,
    calm_linear_algebra,
    new_app,
    note,
    path_from_pipe,
    run_tool,
)
from ml_skeleton.manual import after_options

from ml_skeleton_evaluate import further

app = new_app(default="measure")
app.command(epilog=further.GATE)(further.gate)
app.command(epilog=further.LISTEN)(further.listen)


@app.command(
    epilog=after_options(
        "evaluate artifacts/embeddings.db",
        "evaluate artifacts/embeddings.db --version simple --out evaluation-of-simple",
    )
)
def measure(
    store: StoreArgument = None,
    versions: Annotated[
        str | None,
        typer.Option(
            "--versions",
            "--version",
            metavar="A,B",
            help="Versions to measure, the first being what others are compared with; A+B are used side by side.",
            show_default="the newest",
        ),
    ] = None,
    classifier: Annotated[
        str, typer.Option(metavar="NAME", help="Model to measure with, or the checkpoint of a classifier to fit alike.")
    ] = "gp",
    out: Annotated[Path, typer.Option(help="Folder for evaluation.json and evaluation.html.")] = Path("evaluation"),
    folds: Annotated[int, typer.Option(min=2, help="Folds of songs, of whole albums and of whole artists.")] = 5,
    since: Annotated[
        str | None,
        typer.Option(metavar="DAY", help="First day of what is predicted from before.", show_default="the last fifth"),
    ] = None,
    max_speech: MaxSpeech = MOST_SPEECH,
    seed: Seed = 42,
    metrics: MetricsFile = None,
    force: Force = False,
    config: Config = None,
    quiet: Quiet = False,
) -> None:
    """Predict ratings of songs that nothing has learned from, compare with the true ones, and print evaluation.json.

    The table on standard error shows the model beside what anybody could guess
    without hearing a note; evaluation.html beside evaluation.json shows it in pictures.
    """
    from ml_skeleton_evaluate.options import asked_for

    asked = asked_for(versions, classifier, since, seed)
    store = path_from_pipe(store, "embedding database", "embed")
    from ml_skeleton.artifacts.embeddings import open_store  # here, as databases take a while to import
    from ml_skeleton.artifacts.evaluations import FILE_NAME
    from ml_skeleton.artifacts.metrics import MetricsLog

    from ml_skeleton_evaluate.evaluate import Protocol, current, evaluate
    from ml_skeleton_evaluate.gather import gather
    from ml_skeleton_evaluate.report.page import write_page
    from ml_skeleton_evaluate.table import table

    protocol = Protocol(folds, seed, asked.since)
    with open_store(store) as opened:
        gathered = gather(opened, asked.versions, max_speech, asked.targeting)
    done = (None if force else current(gathered, out, protocol, asked.settings)) or evaluate(
        gathered, out, protocol, asked.settings
    )
    write_page(out, done)
    MetricsLog(metrics).result(done.versions[0].figure_values())
    note(f"{done.tested_songs} songs that nothing has learned from\n{table(done)}")
    note(done.verdict)
    typer.echo(out / FILE_NAME)


def main() -> None:
    calm_linear_algebra()
    run_tool(app, unfinished="nothing was written, an older evaluation stays")
