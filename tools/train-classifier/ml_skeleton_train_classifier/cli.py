"""The `train-classifier` command: what it is asked, and nothing of how it is done."""

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
    json_object,
    new_app,
    note,
    path_from_pipe,
    run_tool,
)
from ml_skeleton.manual import after_options

app = new_app()


@app.command(
    epilog=after_options(
        "train-classifier artifacts/embeddings.db",
        "train-classifier artifacts/embeddings.db --model ridge --features audio,metadata",
    )
)
def train_classifier(
    store: StoreArgument = None,
    version: VersionToRead = None,
    versions: Annotated[
        str | None, typer.Option(metavar="A,B", help="Several versions, side by side; in place of --version.")
    ] = None,
    out: Annotated[Path, typer.Option(help="Checkpoint to write.")] = Path("checkpoints/classifier.pt"),
    model: Annotated[
        str, typer.Option(help="gp, ridge, mlp, deep, ensemble or ordinal, or a class of yours as module:Class.")
    ] = "gp",
    model_args: Annotated[str, typer.Option(metavar="JSON", help="Arguments of the model's class.")] = "{}",
    features: Annotated[
        str, typer.Option(metavar="A,B", help="What a song is known by: audio, metadata, behaviour.")
    ] = "audio",
    implicit: Annotated[
        float, typer.Option(min=0.0, max=1.0, help="What plays and skips of an unrated song count beside a rating.")
    ] = 0.0,
    half_life: Annotated[
        float | None,
        typer.Option(min=1.0, metavar="DAYS", help="A rating counts half this long after.", show_default="never"),
    ] = None,
    hidden: Annotated[int, typer.Option(min=1, help="Width of hidden layers.")] = 32,
    dropout: Annotated[float, typer.Option(min=0.0, max=0.9, help="Share of hidden units left out at a step.")] = 0.2,
    lr: Annotated[float, typer.Option(min=0.0, help="Learning rate of networks.")] = 1e-3,
    weight_decay: Annotated[float, typer.Option(min=0.0, help="Weight decay of AdamW.")] = 0.1,
    max_steps: Annotated[int, typer.Option(min=1, help="Most steps of a network; fewer are used if better.")] = 100,
    folds: Annotated[int, typer.Option(min=2, help="Folds of whole albums, and of whole artists.")] = 5,
    max_speech: MaxSpeech = MOST_SPEECH,
    seed: Seed = 42,
    metrics: MetricsFile = None,
    force: Force = False,
    config: Config = None,
    quiet: Quiet = False,
) -> None:
    """Learn to predict ratings from the embeddings in STORE, and print the checkpoint."""
    from ml_skeleton_train_classifier.options import model_named, targeting_of, versions_of

    targeting, names = targeting_of(features, implicit, half_life), versions_of(version, versions)
    arguments, model = json_object("--model-args", model_args), model_named(model)
    store = path_from_pipe(store, "embedding database", "embed")
    from ml_skeleton.artifacts.embeddings import open_store  # here, as databases take a while to import
    from ml_skeleton.music.rated import FitSettings, rated_songs

    from ml_skeleton_train_classifier.train import is_current
    from ml_skeleton_train_classifier.train import train_classifier as train

    settings = FitSettings(model, hidden, dropout, lr, weight_decay, max_steps, folds, seed, arguments)
    with open_store(store) as opened:
        songs = rated_songs(opened, names, max_speech, targeting)
    if not force and is_current(songs, out, settings):
        note("nothing new to learn: same vectors, ratings and settings as before")
    else:
        for line in train(songs, out, settings, metrics).lines:
            note(line)
    typer.echo(out)


def main() -> None:
    calm_linear_algebra()
    run_tool(app, unfinished="nothing was written, an older classifier stays")
