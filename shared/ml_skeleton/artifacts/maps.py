"""Maps: where the songs of a library lie beside each other, kept as making one takes minutes. Written by recommend.

A NumPy archive (.npz) without pickles. Rows follow `audio_ids`; the artists are
those with the most songs, in the order of `artists`.
"""

import zipfile
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ml_skeleton.artifacts.files import complete_or_absent
from ml_skeleton.artifacts.provenance import Provenance, parse_provenance, require
from ml_skeleton.errors import InputError

KIND = "map"
FORMAT = 1
MADE_BY = "recommend CLASSIFIER --html"
NAME = "map.npz"
PROVENANCE = "ml_skeleton"


@dataclass(frozen=True)
class SongMap:
    """A library of N recordings as a picture, each with its K nearest, and A artists as a network."""

    audio_ids: npt.NDArray[np.bytes_]  # (N,)
    places: npt.NDArray[np.float32]  # (N, 2)
    neighbours: npt.NDArray[np.int32]  # (N, K) rows, nearest first
    proximity: npt.NDArray[np.float32]  # (N, K) mutual proximity, 0 to 1
    artists: npt.NDArray[np.str_]  # (A,) folded names
    artist_places: npt.NDArray[np.float32]  # (A, 3)
    artist_links: npt.NDArray[np.int32]  # (L, 2) artists near each other, the nearest pair first


def write_map(path: Path, made: SongMap, provenance: Provenance) -> None:
    """Replace the map at `path`."""
    arrays: dict[str, Any] = {field.name: getattr(made, field.name) for field in fields(SongMap)}
    arrays[PROVENANCE] = np.array(provenance.to_json())
    with complete_or_absent(path) as partial, open(partial, "wb") as file:
        np.savez(file, **arrays)


def read_map(path: Path) -> tuple[Provenance, SongMap]:
    """Return what `write_map` wrote; raise InputError for anything else."""
    try:
        with np.load(path, allow_pickle=False) as archive:
            provenance = parse_provenance(str(archive[PROVENANCE]), path)
            require(provenance, path, KIND, FORMAT, MADE_BY)
            arrays: dict[str, Any] = {field.name: archive[field.name] for field in fields(SongMap)}
    except FileNotFoundError:
        raise InputError(f"{path}: no map here; make it with: {MADE_BY}") from None
    except (ValueError, KeyError, OSError, EOFError, zipfile.BadZipFile):
        raise InputError(f"{path}: not a map of these tools; delete it and make it with: {MADE_BY}") from None
    return provenance, SongMap(**arrays)
