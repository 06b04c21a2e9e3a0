"""How the Parquet files of a crops folder say what they are, and how that is read."""

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
    folder = path.parent
    try:
        metadata = pq.read_metadata(path).metadata or {}
    except FileNotFoundError:
        what = f"not a crops folder, it holds no {path.name}" if folder.is_dir() else "no such folder"
        raise InputError(f"{folder}: {what}; make it with: {MADE_BY} --out {folder}") from None
    except NotADirectoryError:
        raise InputError(f"{folder}: a file, expected a crops folder made by: {MADE_BY}") from None
    except (pa.ArrowInvalid, OSError) as error:
        raise InputError(
            f"{path}: damaged ({str(error).splitlines()[0]}); delete it and run clem-extract again"
        ) from None
    return parse_provenance(metadata.get(METADATA_KEY), path)
