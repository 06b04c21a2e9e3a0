"""Near-duplicates: recordings that sound the same, though their files differ. Written by clem-extract.

`duplicates.parquet` of a crops folder holds a row for each recording that has a
like; those of one group are other encodings, remasters or cuts of each other.
Its provenance names the policy of the crops that were compared, and how many
there were; crops are only ever added, so the others are those that came since.
"""

from collections.abc import Sequence
from dataclasses import astuple, dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from ml_skeleton.artifacts.files import complete_or_absent
from ml_skeleton.artifacts.parquet import MADE_BY, metadata_of, provenance_of, read_table
from ml_skeleton.artifacts.provenance import Provenance, require

KIND = "crops-duplicates"
FORMAT = 1
NAME = "duplicates.parquet"

DUPLICATES_SCHEMA = pa.schema(
    [
        pa.field("group", pa.int32(), nullable=False),  # from 0; numbered anew each time
        pa.field("audio_id", pa.string(), nullable=False),
        pa.field("similarity", pa.float32(), nullable=False),  # to one of its group: 1 the same, 0 a stranger
    ]
)


@dataclass(frozen=True, slots=True)
class Duplicate:
    """One row of DUPLICATES_SCHEMA."""

    group: int
    audio_id: str
    similarity: float


def write_duplicates(folder: Path, duplicates: Sequence[Duplicate], provenance: Provenance) -> None:
    """Replace duplicates.parquet."""
    columns = list(zip(*map(astuple, duplicates), strict=True)) or [()] * len(DUPLICATES_SCHEMA)
    arrays = [pa.array(column, field.type) for column, field in zip(columns, DUPLICATES_SCHEMA, strict=True)]
    schema = DUPLICATES_SCHEMA.with_metadata(metadata_of(provenance))
    with complete_or_absent(folder / NAME) as partial:
        pq.write_table(pa.Table.from_arrays(arrays, schema=schema), partial)


def read_duplicates(folder: Path) -> list[Duplicate]:
    """Return the recordings that have a like, by group; none for a folder in which none were looked for."""
    if duplicates_provenance(folder) is None:
        return []
    return [Duplicate(**row) for row in read_table(folder / NAME).to_pylist()]


def stand_ins(duplicates: Sequence[Duplicate]) -> dict[str, str]:
    """Return for each recording that has a like the one that stands for its group: the first by audio_id."""
    first: dict[int, str] = {}
    for duplicate in duplicates:
        first[duplicate.group] = min(first.get(duplicate.group, duplicate.audio_id), duplicate.audio_id)
    return {duplicate.audio_id: first[duplicate.group] for duplicate in duplicates}


def duplicates_provenance(folder: Path) -> Provenance | None:
    """Return what duplicates.parquet was made from; None if there is none."""
    path = folder / NAME
    if not path.exists():
        return None
    provenance = provenance_of(path)
    require(provenance, path, KIND, FORMAT, MADE_BY)
    return provenance
