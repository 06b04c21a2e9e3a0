"""The weights of musicnn, from the files of its public wheel."""

import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from ml_skeleton.errors import InputError
from ml_skeleton.music.encoders.musicnn import MusiCNNEncoder
from ml_skeleton.music.encoders.tf_checkpoint import BadCheckpoint, read_variables

IN_WHEEL = "musicnn/MSD_musicnn/"
HOW_TO_GET = "its wheel holds them: pip download --no-deps musicnn"
INDEX, DATA = ".index", ".data-00000-of-00001"
Variables = dict[str, npt.NDArray[np.float32]]

# our layers in the order in which the original made its own, which numbered them
CONVOLUTIONS = [f"network.{layer}" for layer in ("timbre.0", "timbre.1", "rhythm.0.1", "rhythm.1.1", "rhythm.2.1")]
MIDDLE = [f"network.middle.{number}" for number in range(3)]
NORMS = ["network.norm", *(f"{layer}.norm" for layer in CONVOLUTIONS + MIDDLE), "pooled_norm", "norm"]
OF_NORM = {"weight": "gamma", "bias": "beta", "running_mean": "moving_mean", "running_var": "moving_variance"}


def load_musicnn(path: Path, sample_rate: int, trainable: bool = False) -> tuple[str, dict[str, Any], MusiCNNEncoder]:
    """Return "musicnn", the arguments that build it again, and the encoder with the weights at `path`.

    `path` is a folder with the two files of a checkpoint, their common prefix, or
    the wheel itself. Raises InputError if it is none of them.
    """
    try:
        variables = read_variables(*_index_and_data(path))
        middle, units = len(variables["conv2d_5/bias"]), len(variables["dense/bias"])
        arguments = {"sample_rate": sample_rate, "middle_channels": middle, "units": units}
        encoder = MusiCNNEncoder(**arguments, trainable=trainable)
        encoder.load_state_dict(dict(_weights(variables)) | _not_from_files(encoder))
    except (BadCheckpoint, KeyError, RuntimeError) as error:
        what = f"no variable {error}" if isinstance(error, KeyError) else str(error).splitlines()[0]
        raise InputError(f"{path}: not the weights of musicnn: {what}; {HOW_TO_GET}") from None
    return "musicnn", arguments, encoder


def _index_and_data(path: Path) -> tuple[bytes, bytes]:
    """Return the contents of the two files of the checkpoint."""
    try:
        if path.suffix == ".whl":
            with zipfile.ZipFile(path) as wheel:
                return wheel.read(IN_WHEEL + INDEX), wheel.read(IN_WHEEL + DATA)
        prefix = f"{path}/" if path.is_dir() else str(path).removesuffix(INDEX)
        return Path(prefix + INDEX).read_bytes(), Path(prefix + DATA).read_bytes()
    except (OSError, zipfile.BadZipFile) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise InputError(f"{path}: cannot read the weights of musicnn: {reason}; {HOW_TO_GET}") from None


def _weights(variables: Variables) -> Iterator[tuple[str, Tensor]]:
    """Yield our name and the weights of each layer."""
    for number, layer in enumerate(CONVOLUTIONS + MIDDLE):
        kernel = torch.tensor(variables[_numbered("conv2d", number) + "/kernel"])  # (H, W, I, O)
        in_time = layer in MIDDLE  # the original's width is the channels of the layer before
        yield f"{layer}.convolution.weight", kernel[:, :, 0].permute(2, 1, 0) if in_time else kernel.permute(3, 2, 0, 1)
        yield f"{layer}.convolution.bias", torch.tensor(variables[_numbered("conv2d", number) + "/bias"])
    for number, layer in enumerate(NORMS):
        for ours, theirs in OF_NORM.items():
            yield f"{layer}.{ours}", torch.tensor(variables[_numbered("batch_normalization", number) + f"/{theirs}"])
    yield "dense.weight", torch.tensor(variables["dense/kernel"]).T
    yield "dense.bias", torch.tensor(variables["dense/bias"])


def _numbered(kind: str, number: int) -> str:
    """Return the name that TensorFlow gives to the layer of that number, from 0."""
    return f"{kind}_{number}" if number else kind


def _not_from_files(encoder: MusiCNNEncoder) -> dict[str, Tensor]:
    """Return what is computed, not learned: the mel filters, and how many batches a normalisation has seen."""
    own = encoder.state_dict()
    return {name: own[name] for name in own if name.startswith("log_mel.") or name.endswith("num_batches_tracked")}
