"""The `train-encoder` command: what it is asked, and nothing of how it is done."""

from pathlib import Path
from typing import Annotated, Literal

import typer
from ml_skeleton.console import (
    BatchSize,
    Config,
    CropsToRead,
    Device,
    Force,
    MaxSpeech,
    MetricsFile,
    Quiet,
    Seed,
    json_object,
    new_app,
    note,
    path_from_pipe,
    run_tool,
)

app = new_app()


@app.command()
def train_encoder(
    crops: Annotated[Path | None, typer.Argument(help="Crops folder; left out, its path is read from stdin.")] = None,
    out: Annotated[Path, typer.Option(help="Checkpoint to write.")] = Path("checkpoints/encoder.pt"),
    encoder: Annotated[
        str,
        typer.Option(metavar="NAME", help="A built-in one, pretrained weights (hf:FOLDER), or a class of yours."),
    ] = "spectrogram",
    encoder_args: Annotated[
        str, typer.Option(metavar="JSON", help="""Arguments of the encoder, such as '{"width": 32}'.""")
    ] = "{}",
    trainable: Annotated[bool, typer.Option("--trainable", help="Fine-tune pretrained weights as well.")] = False,
    loss: Annotated[
        Literal["multitask", "rating", "ntxent", "supcon", "metadata"], typer.Option(help="What to learn.")
    ] = "multitask",
    loss_weights: Annotated[
        str, typer.Option(metavar="PART=WEIGHT,…", help="Parts of the loss to weigh otherwise, as album=0.02.")
    ] = "",
    augment: Annotated[
        str, typer.Option(metavar="NAME=SHARE,…", help="Augmentations to make more or less likely, or none.")
    ] = "",
    epochs: Annotated[int, typer.Option(min=1, help="Passes over the training songs.")] = 10,
    batch_size: BatchSize = 32,
    lr: Annotated[float, typer.Option(min=0.0, help="Learning rate at the start; it falls along a cosine.")] = 3e-4,
    weight_decay: Annotated[float, typer.Option(min=0.0, help="Weight decay of AdamW.")] = 0.01,
    window: Annotated[float, typer.Option(min=0.5, help="Seconds that the encoder hears at a time.")] = 5.0,
    windows_per_crop: Annotated[int, typer.Option(min=1, help="Random windows of each crop in an epoch.")] = 2,
    val_fraction: Annotated[
        float, typer.Option(min=0.0, max=0.5, help="Share of the rated songs that choose the best epoch.")
    ] = 0.15,
    test_fraction: Annotated[
        float, typer.Option(min=0.0, max=0.5, help="Share that training never sees, for evaluate.")
    ] = 0.2,
    max_speech: MaxSpeech = 0.5,
    policy: CropsToRead = None,
    seed: Seed = 42,
    device: Device = "auto",
    metrics: MetricsFile = None,
    force: Force = False,
    config: Config = None,
    quiet: Quiet = False,
) -> None:
    """Train an audio encoder on the songs of CROPS, and print the checkpoint.

    The same command goes on where an interrupted one stopped, and does nothing
    when songs, ratings and settings are those of the checkpoint that is there.
    """
    crops = path_from_pipe(crops, "crops folder", "clem-extract")
    arguments = json_object("--encoder-args", encoder_args) | ({"trainable": True} if trainable else {})
    from ml_skeleton.artifacts.crops import Crops

    from ml_skeleton_train_encoder.options import augmentations, weights_of_loss
    from ml_skeleton_train_encoder.settings import Settings
    from ml_skeleton_train_encoder.songs import is_current, songs_to_learn_from

    weights, likely = weights_of_loss(loss, loss_weights), augmentations(augment)
    settings = Settings(
        encoder, arguments, weights, likely, epochs, batch_size, lr, weight_decay, window, windows_per_crop,
        val_fraction, test_fraction, max_speech, seed,
    )  # fmt: skip
    songs = songs_to_learn_from(Crops(crops, policy), settings)
    if not force and is_current(songs, out):
        note("nothing new to learn: same songs, ratings and settings as before")
    else:
        from ml_skeleton.music.devices import choose_device  # here, as torch takes seconds to import

        from ml_skeleton_train_encoder.train import summary
        from ml_skeleton_train_encoder.train import train_encoder as train

        note(str(songs))
        note(summary(train(songs, out, settings, choose_device(device), metrics, force)))
    typer.echo(out)


def main() -> None:
    run_tool(app)
