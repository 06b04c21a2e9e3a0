"""Catalogues: a store's songs and vectors as lists ask for them, kept beside it, as to gather them takes seconds.

Two Arrow streams in one file, one after the other: the player's songs, those of a
recording together, the most recently changed copy first; then the recordings that have
a vector, by audio_id. Both are read through a memory map, so a list costs what it looks at.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from ml_skeleton.artifacts.files import complete_or_absent
from ml_skeleton.artifacts.parquet import METADATA_KEY, metadata_of
from ml_skeleton.artifacts.provenance import Provenance, parse_provenance, require
from ml_skeleton.errors import InputError

KIND = "catalogue"
FORMAT = 1
MADE_BY = "recommend CLASSIFIER"
FLAG = pa.uint8()  # 0 or 1, a byte each, so that the column is an array as it is
COLUMNS = [  # of the recordings; none of them is null
    pa.field("audio_id", pa.string()),
    pa.field("first", pa.int32()),  # row of its newest copy among the songs
    pa.field("copies", pa.int32()),
    pa.field("shown", pa.int32()),  # row of the copy to show and to play
    pa.field("available", FLAG),  # any copy is there
    pa.field("rating", pa.float64()),  # 0 to 1; not a number where the listener gave none
    pa.field("known", FLAG),  # rated, or it sounds the same as a song that is
    pa.field("artist", pa.int32()),  # a number for each, -1 where it is not known
    pa.field("album", pa.int32()),  # as artist
    pa.field("group", pa.int32()),  # equal for recordings that sound the same
    pa.field("length_s", pa.float64()),  # not a number where the player does not know it
    pa.field("days_unplayed", pa.float64()),  # before the newest date in the library; infinite if never played
    pa.field("cue", FLAG),  # a track of a cue sheet
    pa.field("speech", pa.float64()),  # share of it, 0 to 1
    pa.field("expected", pa.float64()),  # rating, 0 to 1
    pa.field("low", pa.float64()),  # bounds of its interval
    pa.field("high", pa.float64()),
    pa.field("usual_cosine", pa.float64()),  # with the other recordings
    pa.field("cosine_deviation", pa.float64()),
]
UNIT = "unit"  # the vector, standardised over the library, of length 1


@dataclass(frozen=True)
class Catalogue:
    """The songs of the player, and the recordings among them that have a vector."""

    provenance: Provenance  # `settings.purpose` tells of what; its parents are the versions of embeddings
    songs: pa.Table  # SONGS_SCHEMA
    recordings: pa.Table  # COLUMNS and UNIT

    def column(self, name: str) -> npt.NDArray[Any]:
        """Return a column (N,) of the recordings, or with UNIT the matrix (N, D)."""
        column = self.recordings.column(name)
        vectors = name == UNIT
        # not by to_numpy and flatten, which import pandas and all of Arrow's functions
        parts = [np.from_dlpack(chunk.values if vectors else chunk) for chunk in column.chunks]
        values = parts[0] if len(parts) == 1 else np.concatenate(parts) if parts else np.empty(0, np.float32)
        if column.type == FLAG:
            return values.view(np.bool_)
        return values.reshape(len(column), column.type.list_size) if vectors else values


def catalogue_of(store: Path) -> Path:
    """Return where the catalogue of a store is kept."""
    return store.with_name(f".{store.name}.catalogue")


def recordings_table(columns: dict[str, Any], unit: npt.NDArray[np.float32]) -> pa.Table:
    """Return the recordings of a catalogue from its columns, each (N,), and vectors (N, D)."""
    flags = {field.name: np.asarray(columns[field.name], np.uint8) for field in COLUMNS if field.type == FLAG}
    arrays = [pa.array({**columns, **flags}[field.name], field.type) for field in COLUMNS]
    vectors = pa.FixedSizeListArray.from_arrays(pa.array(unit.reshape(-1)), unit.shape[1])
    schema = pa.schema([*COLUMNS, pa.field(UNIT, vectors.type)])
    return pa.Table.from_arrays([*arrays, vectors], schema=schema)


def write_catalogue(path: Path, catalogue: Catalogue) -> None:
    """Replace the catalogue at `path`."""
    songs = catalogue.songs.replace_schema_metadata(metadata_of(catalogue.provenance))
    with complete_or_absent(path) as partial, pa.OSFile(str(partial), "wb") as file:
        for table in (songs, catalogue.recordings):
            with pa.ipc.new_stream(file, table.schema) as stream:
                stream.write_table(table)


def read_catalogue(path: Path) -> Catalogue:
    """Return what `write_catalogue` wrote; raise InputError for anything else."""
    try:
        file = pa.memory_map(str(path))
        songs, recordings = (pa.ipc.open_stream(file).read_all() for _ in range(2))
    except FileNotFoundError:
        raise InputError(f"{path}: no catalogue here; make it with: {MADE_BY}") from None
    except (pa.ArrowInvalid, OSError):
        raise InputError(f"{path}: not a catalogue of these tools; delete it, then: {MADE_BY}") from None
    provenance = parse_provenance((songs.schema.metadata or {}).get(METADATA_KEY), path)
    require(provenance, path, KIND, FORMAT, MADE_BY)
    return Catalogue(provenance, songs.replace_schema_metadata(None), recordings)
