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
    VersionToRead,
    calm_linear_algebra,
    new_app,
    note,
    path_from_pipe,
    run_tool,
)

app = new_app()


@app.command()
def evaluate(
    store: StoreArgument = None,
    version: VersionToRead = None,
    out: Annotated[Path, typer.Option(help="Folder for evaluation.json.")] = Path("evaluation"),
    folds: Annotated[int, typer.Option(min=2, help="Folds of whole albums.")] = 5,
    max_speech: MaxSpeech = MOST_SPEECH,
    seed: Seed = 42,
    metrics: MetricsFile = None,
    force: Force = False,
    config: Config = None,
    quiet: Quiet = False,
) -> None:
    """Predict ratings of songs whose albums were held out, compare with the true ones, and print evaluation.json.

    The table on standard error shows the model beside what anybody could guess
    without hearing a note.
    """
    store = path_from_pipe(store, "embedding database", "embed")
    from ml_skeleton.artifacts.embeddings import open_store  # here, as databases take a while to import
    from ml_skeleton.artifacts.evaluations import FILE_NAME
    from ml_skeleton.artifacts.metrics import MetricsLog
    from ml_skeleton.music.rated import FitSettings, rated_songs

    from ml_skeleton_evaluate.evaluate import MODEL, current, table
    from ml_skeleton_evaluate.evaluate import evaluate as measure

    settings = FitSettings(seed=seed)
    with open_store(store) as opened:
        songs = rated_songs(opened, version, max_speech)
    done = (None if force else current(songs, out, folds, settings)) or measure(songs, out, folds, settings)
    MetricsLog(metrics).result(done.figures[MODEL])
    note(f"{done.tested_songs} songs of albums held out\n{table(done)}")
    note(done.verdict)
    typer.echo(out / FILE_NAME)


def main() -> None:
    calm_linear_algebra()
    run_tool(app, unfinished="nothing was written, an older evaluation stays")
