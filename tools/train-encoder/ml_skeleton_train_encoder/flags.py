"""The options that only train-encoder has, as the types of its parameters."""

from typing import Annotated

import typer

EncoderName = Annotated[
    str, typer.Option(metavar="NAME", help="A built-in one, pretrained weights (hf:FOLDER), or a class of yours.")
]
EncoderArgs = Annotated[
    str, typer.Option(metavar="JSON", help="""Arguments of the encoder, such as '{"width": 32}'.""")
]
Trainable = Annotated[bool, typer.Option("--trainable", help="Fine-tune pretrained weights as well.")]
LossWeights = Annotated[
    str, typer.Option(metavar="PART=WEIGHT,…", help="Parts of the loss to weigh otherwise, as album=0.02.")
]
Augmentations = Annotated[
    str, typer.Option(metavar="NAME=SHARE,…", help="Augmentations to make more or less likely, or none.")
]
Epochs = Annotated[int, typer.Option(min=1, help="Passes over the training songs.")]
Patience = Annotated[int, typer.Option(min=0, help="Stop after so many epochs that were no better; 0 never stops.")]
BatchSizeOrAuto = Annotated[
    str, typer.Option(metavar="WINDOWS", help="Windows in a step, or auto: as many as the device bears.")
]
LearningRate = Annotated[float, typer.Option(min=0.0, help="Learning rate at the start; it falls along a cosine.")]
WeightDecay = Annotated[float, typer.Option(min=0.0, help="Weight decay of AdamW.")]
WindowSeconds = Annotated[float, typer.Option(min=0.5, help="Seconds that the encoder hears at a time.")]
WindowsPerCrop = Annotated[int, typer.Option(min=1, help="Random windows of each crop in an epoch.")]
ValFraction = Annotated[
    float, typer.Option(min=0.0, max=0.5, help="Share of the rated songs that choose the best epoch.")
]
TestFraction = Annotated[float, typer.Option(min=0.0, max=0.5, help="Share that training never sees, for evaluate.")]
PrecisionName = typer.Option(help="Precision of the network; auto is bf16 on a GPU, on a CPU what is clearly faster.")
CropsPlace = typer.Option(help="Memory that holds the crops; auto is the fastest one with room.")
GpuMemory = Annotated[
    float | None,
    typer.Option(
        "--gpu-memory-gb", min=0.0, metavar="GB", help="Most memory to take of a GPU; 0 for no limit.",
        show_default="24, or ML_SKELETON_GPU_MEMORY_GB",
    ),
]  # fmt: skip
Deterministic = Annotated[
    bool, typer.Option("--deterministic", help="Only ways to compute that always give the same weights; fp32.")
]
SaveEvery = Annotated[
    float, typer.Option(min=0.0, metavar="SECONDS", help="Write the state of the training so often, to go on from.")
]
TrackingUri = Annotated[
    str | None,
    typer.Option(metavar="URI", help="MLflow server, or sqlite:///FILE, that gets the figures of every epoch."),
]
