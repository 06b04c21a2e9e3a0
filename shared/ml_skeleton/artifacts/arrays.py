"""The weights of a checkpoint as numpy arrays, read without torch, which takes seconds to import.

What torch.save writes is a ZIP archive of a pickle and of plain storages. The
pickle is read with nothing allowed in it but dicts, text, numbers and tensors.
"""

import pickle
import zipfile
from typing import Any

import numpy as np
import numpy.typing as npt

from ml_skeleton.artifacts.checkpoints import Header, damaged_weights, model_fingerprint, top_folder

Array = npt.NDArray[Any]

STORAGES = {"FloatStorage": np.dtype("<f4"), "DoubleStorage": np.dtype("<f8"), "LongStorage": np.dtype("<i8")}


def load_arrays(header: Header) -> dict[str, Array]:
    """Return the "weights" of a checkpoint; raise InputError if a bit of them is wrong."""
    try:
        with zipfile.ZipFile(header.path) as archive, archive.open(f"{top_folder(archive)}/data.pkl") as file:
            weights: dict[str, Array] = _Unpickler(file, archive).load()["weights"]
        parts = {name: (f"torch.{array.dtype.name}", array.tobytes()) for name, array in weights.items()}
        intact = model_fingerprint(header.content["model"], header.content["arguments"], parts) == header.fingerprint
    except (pickle.UnpicklingError, zipfile.BadZipFile, EOFError, ValueError, KeyError, TypeError, AttributeError):
        intact = False
    if not intact:
        raise damaged_weights(header)
    return weights


class _Unpickler(pickle.Unpickler):
    """Makes arrays where torch would make tensors, and nothing else of any class."""

    def __init__(self, file: Any, archive: zipfile.ZipFile) -> None:
        super().__init__(file)
        self._archive = archive

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) == ("torch._utils", "_rebuild_tensor_v2"):
            return _rebuilt
        if (module, name) == ("collections", "OrderedDict"):
            return dict
        if module == "torch" and name in STORAGES:
            return STORAGES[name]
        raise pickle.UnpicklingError(f"{module}.{name} is no part of a checkpoint")

    def persistent_load(self, pid: Any) -> Array:
        _, dtype, key, _, _ = pid
        return np.frombuffer(self._archive.read(f"{top_folder(self._archive)}/data/{key}"), dtype)


def _rebuilt(storage: Array, offset: int, shape: tuple[int, ...], stride: tuple[int, ...], *_: object) -> Array:
    """Return a piece of a storage, as torch._utils._rebuild_tensor_v2 does; strides are in numbers."""
    contiguous = tuple(int(np.prod(shape[axis + 1 :])) for axis in range(len(shape)))
    if 0 not in shape and any(s != c for s, c, size in zip(stride, contiguous, shape, strict=True) if size > 1):
        raise pickle.UnpicklingError("expected tensors in the order of their rows")
    return storage[offset : offset + int(np.prod(shape))].reshape(shape)
