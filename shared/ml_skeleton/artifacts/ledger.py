"""The ledger of a crops folder: what could not be read and why, so that a bad file costs one attempt.

`failures.parquet` holds a row for every song that gave no crops, and for every
one that gave them with a warning. It is replaced whole.
"""

from collections.abc import Sequence
from dataclasses import astuple, dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from ml_skeleton.artifacts.files import complete_or_absent
from ml_skeleton.artifacts.parquet import MADE_BY, metadata_of, provenance_of, read_table
from ml_skeleton.artifacts.provenance import Provenance, require

KIND = "crops-failures"
FORMAT = 1
NAME = "failures.parquet"

FAILURES_SCHEMA = pa.schema(
    [
        pa.field("url", pa.string(), nullable=False),  # as the player wrote it
        pa.field("path", pa.string(), nullable=False),
        pa.field("start_s", pa.float64(), nullable=False),
        pa.field("mtime", pa.int64(), nullable=False),
        pa.field("filesize", pa.int64(), nullable=False),
        pa.field("reason", pa.string(), nullable=False),
        pa.field("fatal", pa.bool_(), nullable=False),  # false: the song was read, with a warning
        pa.field("transient", pa.bool_()),  # nothing is known against the file itself: the next run tries again
    ]
)


@dataclass(frozen=True, slots=True)
class Failure:
    """One row of FAILURES_SCHEMA."""

    url: str
    path: str
    start_s: float
    mtime: int
    filesize: int
    reason: str
    fatal: bool = True
    transient: bool = False


def write_failures(folder: Path, failures: Sequence[Failure], tool: str) -> None:
    """Replace failures.parquet."""
    columns = list(zip(*map(astuple, failures), strict=True)) or [()] * len(FAILURES_SCHEMA)
    arrays = [pa.array(column, field.type) for column, field in zip(columns, FAILURES_SCHEMA, strict=True)]
    schema = FAILURES_SCHEMA.with_metadata(metadata_of(Provenance(KIND, FORMAT, tool)))
    with complete_or_absent(folder / NAME) as partial:
        pq.write_table(pa.Table.from_arrays(arrays, schema=schema), partial)


def read_failures(folder: Path) -> list[Failure]:
    """Return the ledger; empty for a folder that has none yet."""
    path = folder / NAME
    if not path.exists():
        return []
    require(provenance_of(path), path, KIND, FORMAT, MADE_BY)
    rows = read_table(path).to_pylist()
    return [Failure(**{**row, "transient": bool(row.get("transient"))}) for row in rows]
