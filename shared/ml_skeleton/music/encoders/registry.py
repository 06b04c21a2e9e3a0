"""Encoders by name: the built-in ones, those that begin with the weights of others, and the user's own."""

import importlib
import inspect
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

import torch
from torch import Tensor, nn

from ml_skeleton.errors import UsageError, UserError
from ml_skeleton.music.encoders.beside import BesideStatistics, heard
from ml_skeleton.music.encoders.multitask import MultiTaskEncoder
from ml_skeleton.music.encoders.protocol import AudioEncoder
from ml_skeleton.music.objectives import MULTITASK

HERE = "ml_skeleton.music.encoders"
BUILT_IN = {  # imported when asked for, as some need packages that are extras
    "spectrogram": f"{HERE}.networks:SpectrogramEncoder",
    "simple": f"{HERE}.networks:SimpleAudioEncoder",
    "random": f"{HERE}.controls:RandomEncoder",
    "random-wide": f"{HERE}.musicnn:RandomWideEncoder",
    "statistics": f"{HERE}.statistics:StatisticsEncoder",
    "handcrafted": f"{HERE}.handcrafted:HandcraftedEncoder",
    "hf": f"{HERE}.hf:WaveformTransformer",
    "hf-clap": f"{HERE}.hf_clap:ClapTower",
    "musicnn": f"{HERE}.musicnn:MusiCNNEncoder",
}
PRETRAINED = {  # NAME:PATH reads weights; each function returns the built-in name, the arguments and the encoder
    "hf": f"{HERE}.hf_files:load_hf",
    "musicnn": f"{HERE}.musicnn_files:load_musicnn",
}
EXTRAS = {"transformers": "pretrained", "librosa": "handcrafted"}  # of the distribution ml-skeleton
STATISTICS = "+statistics"  # after the name of another encoder


@dataclass(frozen=True)
class NewEncoder:
    """An encoder that is to be trained, or written as it is, and what a checkpoint has to say of it.

    `build_encoder(model, arguments)` makes the same encoder again but for its
    weights, without any file that the weights first came from.
    """

    encoder: nn.Module
    model: str
    arguments: dict[str, Any]  # JSON values
    source: str | None  # where the weights or the user's class came from; None for a network of ours


def new_encoder(name: str, arguments: dict[str, Any], sample_rate: int, albums: int) -> NewEncoder:
    """Return the encoder that `--encoder` and `--encoder-args` ask for.

    `sample_rate` in Hz is that of the crops, `albums` the number of albums of the
    training songs. Raises UsageError for an unknown name or arguments that the
    encoder does not take, InputError for weights that cannot be read.
    """
    asked = arguments.get("sample_rate", sample_rate)
    if asked != sample_rate:
        raise UsageError(f"encoder {name}: sample_rate {asked}, but the crops are of {sample_rate} Hz; leave it out")
    if name.endswith(STATISTICS):
        inner = new_encoder(name.removesuffix(STATISTICS), arguments, sample_rate, albums)
        beside = BesideStatistics(cast(AudioEncoder, inner.encoder), sample_rate)
        return replace(inner, encoder=beside, model=f"{inner.model}{STATISTICS}")
    if _is_multitask(name):
        inner = new_encoder(_inner(name), arguments, sample_rate, albums)
        with_heads = MultiTaskEncoder(cast(AudioEncoder, inner.encoder), albums)
        return NewEncoder(with_heads, f"{MULTITASK}:{inner.model}", {**inner.arguments, "albums": albums}, inner.source)
    arguments = {"sample_rate": sample_rate, **arguments}
    kind, _, place = name.partition(":")
    if kind in PRETRAINED:
        if not place:
            raise UsageError(f"encoder {name}: names no weights; expected {kind}:PATH")
        path = Path(place).expanduser()
        model, arguments, encoder = _called(_import(PRETRAINED[kind]), name, {"path": path, **arguments})
        return NewEncoder(encoder, model, arguments, str(path.resolve()))
    source = None if name in BUILT_IN else inspect.getsourcefile(_import_class(name))
    return NewEncoder(build_encoder(name, arguments), name, arguments, source)


def build_encoder(name: str, arguments: dict[str, Any]) -> nn.Module:
    """Return a new encoder: a built-in by its name, or a class of the user's as package.module:Class.

    `multitask:` before a name keeps heads beside the encoder, for the number of
    albums in `arguments`; `+statistics` after it adds those. Raises UsageError for an unknown name or arguments that
    the class does not take.
    """
    if name.endswith(STATISTICS):
        learned = build_encoder(name.removesuffix(STATISTICS), arguments)
        return BesideStatistics(cast(AudioEncoder, learned), arguments["sample_rate"])
    if _is_multitask(name):
        rest = dict(arguments)
        albums = rest.pop("albums")
        return MultiTaskEncoder(cast(AudioEncoder, build_encoder(_inner(name), rest)), albums)
    encoder_class = _import_class(name)
    if not (
        isinstance(encoder_class, type)
        and issubclass(encoder_class, nn.Module)
        and issubclass(encoder_class, AudioEncoder)
    ):
        raise UsageError(f"encoder {name}: expected a torch module with forward(audio) and get_embedding_dim()")
    with _ours_in_one_line(name, f"cannot be made with the arguments {arguments}"):
        encoder = _called(encoder_class, name, arguments)
    if encoder.get_embedding_dim() < 1:
        raise UsageError(f"encoder {name}: vectors of {encoder.get_embedding_dim()} numbers; expected at least 1")
    return cast(nn.Module, encoder)


def check_hearing(encoder: nn.Module, model: str, audio: Tensor) -> None:
    """Raise UsageError unless the encoder, of that name in a checkpoint, makes a vector of its D of each window (B, T).

    So wrong arguments, and a class that does not do what it says, cost no epoch. What a class of the user's raises
    by itself is left as it is.
    """
    learning = encoder.training
    with torch.no_grad(), _ours_in_one_line(model, f"cannot hear windows of {audio.shape[1]} samples"):
        found: object = heard(encoder.eval(), audio, audio.new_zeros(len(audio)))
    encoder.train(learning)
    shape = list(found.shape) if isinstance(found, Tensor) else type(found).__name__
    expected = [len(audio), cast(AudioEncoder, encoder).get_embedding_dim()]
    if shape != expected:
        raise UsageError(
            f"encoder {model}: forward() gives {shape} for {len(audio)} windows; expected a tensor of {expected}, "
            "as get_embedding_dim() says"
        )


@contextmanager
def _ours_in_one_line(name: str, what: str) -> Iterator[None]:
    """Turn what torch says of an encoder of ours that was asked for what cannot be into a UsageError."""
    ours = _core(name) in BUILT_IN
    try:
        with warnings.catch_warnings():
            if ours:
                warnings.simplefilter("ignore")  # of a size of 0, which is refused right after
            yield
    except (ArithmeticError, RuntimeError, TypeError, ValueError) as error:
        if not ours:
            raise
        raise UsageError(f"encoder {name}: {what}: {str(error).splitlines()[0]}") from None


def check_encoder_may_be_imported(name: str, asked: str | None) -> None:
    """Raise UserError when a checkpoint names a class that is not built in and that the user did not name."""
    name = _core(name)
    if name not in BUILT_IN and name != asked:
        raise UserError(
            f"the checkpoint was made with the encoder class {name}, which is imported only "
            f"when you name it as well: --encoder-class {name}"
        )


def _is_multitask(name: str) -> bool:
    return name.partition(":")[0] == MULTITASK


def _core(name: str) -> str:
    """Return the name of the encoder without what stands beside it."""
    name = name.removesuffix(STATISTICS)
    return _inner(name) if _is_multitask(name) else name


def _inner(name: str) -> str:
    """Return the name of the encoder within a multitask one."""
    return name.partition(":")[2] or "spectrogram"


def _import_class(name: str) -> type[nn.Module]:
    address = BUILT_IN.get(name, name)
    if ":" not in address:
        known = ", ".join([*BUILT_IN, MULTITASK])
        raise UsageError(f"encoder {name}: unknown; expected one of {known}, or a class as package.module:Class")
    try:
        return cast(type[nn.Module], _import(address))
    except (ImportError, AttributeError) as error:
        raise UsageError(f"encoder {name}: cannot be imported: {error}") from None


def _import(address: str) -> Any:
    """Return what stands at package.module:name; raise UsageError where a package of an extra is missing."""
    module_name, _, attribute = address.partition(":")
    try:
        return getattr(importlib.import_module(module_name), attribute)
    except ModuleNotFoundError as error:
        if error.name not in EXTRAS or not module_name.startswith(HERE):
            raise
        extra = f"pip install 'ml-skeleton[{EXTRAS[error.name]}]'"
        raise UsageError(f"this encoder needs {error.name}, which is not installed; get it with: {extra}") from None


def _called(make: Any, name: str, arguments: dict[str, Any]) -> Any:
    """Return make(**arguments); raise UsageError where it does not take them."""
    try:
        inspect.signature(make).bind(**arguments)
    except TypeError as error:
        shown = {key: value for key, value in arguments.items() if key != "path"}
        raise UsageError(f"encoder {name}: does not take the arguments {shown}: {error}") from None
    return make(**arguments)
