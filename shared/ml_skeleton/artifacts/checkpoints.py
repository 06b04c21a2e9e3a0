"""Checkpoints: encoder.pt and classifier.pt, each a plain dict of tensors, numbers and text.

Loading never executes code from the file: torch reads weights only, and a class
that is no part of this project is imported only when the user names it. All but
the tensors stands a second time in the archive, as JSON under HEADER, so that
commands can refuse a file, or find nothing to do, without importing torch.
"""

import json
import pickle
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ml_skeleton.artifacts.files import complete_or_absent, fingerprint_of
from ml_skeleton.artifacts.provenance import Parent, Provenance, parse_provenance, require
from ml_skeleton.errors import InputError

FORMAT = 1
FORMATS = {"encoder": FORMAT, "classifier": 2, "training state": FORMAT}
MADE_BY = {"encoder": "train-encoder CROPS", "classifier": "train-classifier STORE", "training state": "train-encoder"}
HEADER = "ml_skeleton.json"
TENSORS = ("weights", "parts")  # what stands in the dict alone


@dataclass(frozen=True)
class Header:
    """What a checkpoint says of itself, its tensors aside."""

    path: Path
    provenance: Provenance
    content: dict[str, Any]

    @property
    def fingerprint(self) -> str:
        """Of the class, its arguments and its weights; the same for the same model in another file."""
        return str(self.content["fingerprint"])

    def as_parent(self) -> Parent:
        """Return the entry for the provenance of what is made from this checkpoint."""
        return Parent(self.provenance.kind, str(self.path.resolve()), self.fingerprint)


def save_checkpoint(path: Path, provenance: Provenance, content: Mapping[str, Any]) -> Header:
    """Write a checkpoint and return its header.

    `content` must hold "model", "arguments" and "weights"; besides "weights" and
    "parts", which may hold tensors, JSON values only.
    """
    header = {name: value for name, value in content.items() if name not in TENSORS}
    header["fingerprint"] = _model_fingerprint(content)
    header["ml_skeleton"] = provenance.to_json()
    with complete_or_absent(path) as partial:
        _save({**content, **header}, partial)
        with zipfile.ZipFile(partial, "a") as archive:
            archive.writestr(f"{top_folder(archive)}/{HEADER}", json.dumps(header))
    return Header(path, provenance, header)


def _save(content: Mapping[str, Any], path: Path) -> None:
    """Write with torch; raise OSError where the file does not take it, which torch's own error hides."""
    import torch

    try:
        with open(path, "wb") as file:
            torch.save(content, file)
    except RuntimeError as error:
        if isinstance(error.__context__, OSError):
            raise error.__context__ from None
        raise


def read_header(path: Path, kind: str | None) -> Header:
    """Return what the checkpoint at `path` says of itself; raise InputError unless it is a whole one of `kind`.

    With None for the kind, any checkpoint is taken.
    """
    what = kind or "checkpoint"
    made_by = f"{MADE_BY[kind]} --out {path}" if kind else "train-encoder or train-classifier"
    try:
        with zipfile.ZipFile(path) as archive:
            content = json.loads(archive.read(f"{top_folder(archive)}/{HEADER}"))
    except FileNotFoundError:
        raise InputError(f"{path}: no such file; make the {what} with: {made_by}") from None
    except (IsADirectoryError, PermissionError) as error:
        raise InputError(f"{path}: cannot read the {what}: {error.strerror}") from None
    except (zipfile.BadZipFile, KeyError, ValueError, IndexError):
        raise InputError(f"{path}: damaged, or no {what}; make it again with: {made_by}") from None
    provenance = parse_provenance(content.pop("ml_skeleton", None), path)
    if kind:
        require(provenance, path, kind, FORMATS[kind], made_by)
    return Header(path, provenance, content)


def load_tensors(header: Header) -> dict[str, Any]:
    """Return "weights", and "parts" if there are any, on the CPU; raise InputError if a bit of the weights is wrong."""
    import torch

    try:
        content = torch.load(header.path, map_location="cpu", weights_only=True)
        intact = _model_fingerprint(content) == header.fingerprint  # torch does not check the archive's own sums
    except (pickle.UnpicklingError, RuntimeError, EOFError, ValueError, KeyError):  # torch raises any of them
        intact = False
    if not intact:
        raise damaged_weights(header)
    return {name: content[name] for name in TENSORS if name in content}


def damaged_weights(header: Header) -> InputError:
    """Return the error for weights that are not those of the fingerprint."""
    made_by = MADE_BY[header.provenance.kind]
    return InputError(f"{header.path}: its weights are damaged; make it again with: {made_by} --force")


def top_folder(archive: zipfile.ZipFile) -> str:
    """Return the folder that torch puts all entries into; it refuses an archive with an entry outside."""
    return archive.namelist()[0].partition("/")[0]


def _model_fingerprint(content: Mapping[str, Any]) -> str:
    weights = {
        name: (str(tensor.dtype), tensor.detach().cpu().contiguous().numpy().tobytes())
        for name, tensor in content["weights"].items()
    }
    return model_fingerprint(str(content["model"]), content["arguments"], weights)


def model_fingerprint(model: str, arguments: Mapping[str, Any], weights: Mapping[str, tuple[str, bytes]]) -> str:
    """Return the fingerprint of a model, its arguments, and torch's name of the type and the bytes of each weight."""
    parts = [part for name, (dtype, content) in sorted(weights.items()) for part in (name, dtype, content)]
    return fingerprint_of(model, json.dumps(arguments, sort_keys=True), *parts)
