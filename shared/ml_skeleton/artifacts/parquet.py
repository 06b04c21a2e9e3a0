"""How the Parquet files of a crops folder say what they are, and how that is read."""

from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from ml_skeleton.artifacts.provenance import Provenance, parse_provenance
from ml_skeleton.errors import InputError

METADATA_KEY = b"ml_skeleton"
MADE_BY = "clem-extract --db clementine.db"


def metadata_of(provenance: Provenance) -> dict[bytes, bytes]:
    """Return the metadata of a schema whose file carries `provenance`."""
    return {METADATA_KEY: provenance.to_json().encode()}


def provenance_of(path: Path) -> Provenance:
    """Return what the file at `path` says about itself; raise InputError if it is missing, damaged or foreign."""
    with opened(path) as file:
        return provenance_in(file, path)


def provenance_in(file: pq.ParquetFile, path: Path) -> Provenance:
    """Return what an open file says about itself; raise InputError if it is foreign."""
    return parse_provenance((file.metadata.metadata or {}).get(METADATA_KEY), path)


def opened(path: Path) -> pq.ParquetFile:
    """Open the file at `path`; raise InputError if it is missing or damaged.

    Memory-mapped, as uncompressed samples are then read without a copy in between.
    """
    folder = path.parent
    try:
        return pq.ParquetFile(path, memory_map=True)
    except FileNotFoundError:
        what = f"not a crops folder, it holds no {path.name}" if folder.is_dir() else "no such folder"
        raise InputError(f"{folder}: {what}; make it with: {MADE_BY} --out {folder}") from None
    except NotADirectoryError:
        raise InputError(f"{folder}: a file, expected a crops folder made by: {MADE_BY}") from None
    except (pa.ArrowInvalid, OSError) as error:
        raise InputError(
            f"{path}: damaged ({str(error).splitlines()[0]}); delete it and run clem-extract again"
        ) from None


def read_table(path: Path, columns: Sequence[str] | None = None) -> pa.Table:
    """Return the columns that the file at `path` has, or those of `columns` that it has.

    PyArrow's own function of that name imports pandas, where it is installed: 50 MB and half a second.
    """
    with opened(path) as file:
        there = [name for name in file.schema_arrow.names if columns is None or name in columns]
        return file.read(columns=there, use_threads=False)
