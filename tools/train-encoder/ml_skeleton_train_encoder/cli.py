"""The `train-encoder` command: what it is asked, and nothing of how it is done."""

from pathlib import Path
from typing import Annotated, Literal

import typer
from ml_skeleton.console import (
    MOST_SPEECH,
    Config,
    CropsToRead,
    Device,
    Force,
    MaxSpeech,
    MetricsFile,
    Quiet,
    Seed,
    hush,
    json_object,
    new_app,
    note,
    path_from_pipe,
    run_tool,
)
from ml_skeleton.manual import after_options

from ml_skeleton_train_encoder import flags

app = new_app()


@app.command(
    epilog=after_options(
        "train-encoder crops",
        "train-encoder crops --epochs 20 --lr 1e-4 --metrics metrics.jsonl",
    )
)
def train_encoder(
    crops: Annotated[Path | None, typer.Argument(help="Crops folder; left out, its path is read from stdin.")] = None,
    out: Annotated[Path, typer.Option(help="Checkpoint to write.")] = Path("checkpoints/encoder.pt"),
    encoder: flags.EncoderName = "spectrogram+statistics",
    encoder_args: flags.EncoderArgs = "{}",
    trainable: flags.Trainable = False,
    loss: Annotated[
        Literal["library", "multitask", "rating", "ntxent", "supcon", "metadata"], typer.Option(help="What to learn.")
    ] = "library",
    loss_weights: flags.LossWeights = "",
    augment: flags.Augmentations = "",
    epochs: flags.Epochs = 10,
    patience: flags.Patience = 10,
    batch_size: flags.BatchSizeOrAuto = "32",
    lr: flags.LearningRate = 3e-4,
    weight_decay: flags.WeightDecay = 0.01,
    window: flags.WindowSeconds = 5.0,
    windows_per_crop: flags.WindowsPerCrop = 2,
    val_fraction: flags.ValFraction = 0.15,
    test_fraction: flags.TestFraction = 0.2,
    max_speech: MaxSpeech = MOST_SPEECH,
    policy: CropsToRead = None,
    seed: Seed = 42,
    precision: Annotated[Literal["auto", "fp32", "bf16"], flags.PrecisionName] = "auto",
    deterministic: flags.Deterministic = False,
    device: Device = "auto",
    gpu_memory_gb: flags.GpuMemory = None,
    crops_in: Annotated[Literal["auto", "device", "host", "disk"], flags.CropsPlace] = "auto",
    save_every: flags.SaveEvery = 300.0,
    metrics: MetricsFile = None,
    tracking_uri: flags.TrackingUri = None,
    force: Force = False,
    config: Config = None,
    quiet: Quiet = False,
) -> None:
    """Train an audio encoder on the songs of CROPS, and print the checkpoint.

    The same command goes on where an interrupted one stopped, and does nothing
    when settings and all they learn from are those of the checkpoint there.
    """
    crops = path_from_pipe(crops, "crops folder", "clem-extract")
    arguments = json_object("--encoder-args", encoder_args) | ({"trainable": True} if trainable else {})
    from ml_skeleton.artifacts.crops import Crops
    from ml_skeleton.music.devices import check_device_name

    from ml_skeleton_train_encoder.options import augmentations, weights_of_loss
    from ml_skeleton_train_encoder.settings import Manner, Settings, batch_size_of, follows_another
    from ml_skeleton_train_encoder.songs import is_current, songs_to_learn_from

    check_device_name(device)
    if follows_another():
        hush()
    weights, likely, size = weights_of_loss(loss, loss_weights), augmentations(augment), batch_size_of(batch_size)
    settings = Settings(
        encoder, arguments, weights, likely, epochs, size, lr, weight_decay, window, windows_per_crop,
        val_fraction, test_fraction, max_speech, seed, patience,
        "fp32" if deterministic and precision == "auto" else precision,
    )  # fmt: skip
    songs = songs_to_learn_from(Crops(crops, policy), settings)
    if not force and is_current(songs, out):
        note("nothing new to learn: settings and all that they learn from are as before")
    else:
        from ml_skeleton.music.devices import choose_device  # here, as torch takes seconds to import

        from ml_skeleton_train_encoder.train import train_encoder as train

        manner = Manner(force, metrics, tracking_uri, save_every, crops_in, gpu_memory_gb, deterministic)
        train(songs, out, settings, choose_device(device), manner)
    if not follows_another():
        typer.echo(out)


def main() -> None:
    run_tool(app)
