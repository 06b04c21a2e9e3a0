"""The `train-classifier` command: what it is asked, and nothing of how it is done."""

from pathlib import Path
from typing import Annotated, Literal

import typer
from ml_skeleton.console import (
    Config,
    Force,
    MaxSpeech,
    MetricsFile,
    Quiet,
    Seed,
    StoreArgument,
    VersionToRead,
    new_app,
    note,
    path_from_pipe,
    run_tool,
)

app = new_app()


@app.command()
def train_classifier(
    store: StoreArgument = None,
    version: VersionToRead = None,
    out: Annotated[Path, typer.Option(help="Checkpoint to write.")] = Path("checkpoints/classifier.pt"),
    model: Annotated[Literal["mlp"], typer.Option(help="Kind of classifier.")] = "mlp",
    hidden: Annotated[int, typer.Option(min=1, help="Width of the hidden layer.")] = 32,
    dropout: Annotated[float, typer.Option(min=0.0, max=0.9, help="Share of hidden units left out at a step.")] = 0.2,
    lr: Annotated[float, typer.Option(min=0.0, help="Learning rate.")] = 1e-3,
    weight_decay: Annotated[float, typer.Option(min=0.0, help="Weight decay of AdamW.")] = 0.1,
    max_steps: Annotated[int, typer.Option(min=1, help="Most steps over all songs; fewer are used if better.")] = 100,
    folds: Annotated[int, typer.Option(min=2, help="Folds of whole albums that choose how long to train.")] = 5,
    max_speech: MaxSpeech = 0.5,
    seed: Seed = 42,
    metrics: MetricsFile = None,
    force: Force = False,
    config: Config = None,
    quiet: Quiet = False,
) -> None:
    """Learn to predict ratings from the embeddings in STORE, and print the checkpoint."""
    store = path_from_pipe(store, "embedding database", "embed")
    from ml_skeleton.artifacts.embeddings import open_store  # here, as databases take a while to import
    from ml_skeleton.music.rated import FitSettings, rated_songs

    from ml_skeleton_train_classifier.train import is_current
    from ml_skeleton_train_classifier.train import train_classifier as train

    settings = FitSettings(model, hidden, dropout, lr, weight_decay, max_steps, folds, seed)
    with open_store(store) as opened:
        songs = rated_songs(opened, version, max_speech)
    if not force and is_current(songs, out, settings):
        note("nothing new to learn: same vectors, ratings and settings as before")
    else:
        note(str(train(songs, out, settings, metrics)))
    typer.echo(out)


def main() -> None:
    run_tool(app)
