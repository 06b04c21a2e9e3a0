"""Catalogues: read back as they were written, and told from other files."""

import numpy as np
import pyarrow as pa
import pytest
from ml_skeleton.artifacts.catalogues import COLUMNS, FLAG, UNIT, Catalogue, read_catalogue, recordings_table
from ml_skeleton.artifacts.catalogues import write_catalogue as write
from ml_skeleton.artifacts.provenance import Parent, Provenance
from ml_skeleton.artifacts.songs import to_table
from ml_skeleton.errors import InputError


def catalogue(songs, count=2):
    """Return a catalogue of songs with recordings of made-up figures."""
    columns = {field.name: np.arange(count) for field in COLUMNS}
    columns["audio_id"] = [f"{row:032x}" for row in range(count)]
    columns |= {field.name: np.arange(count) % 2 == 1 for field in COLUMNS if field.type == FLAG}
    unit = np.arange(3 * count, dtype=np.float32).reshape(count, 3)
    provenance = Provenance("catalogue", 1, "recommend", parents=(Parent("embeddings", "/e.db", "f" * 32, "v1"),))
    return Catalogue(provenance, to_table(songs), recordings_table(columns, unit))


@pytest.mark.parametrize("count", [2, 0])
def test_a_catalogue_is_read_as_it_was_written(make_song, tmp_path, count):
    made = catalogue([make_song(1), make_song(2)], count)

    write(tmp_path / "c.catalogue", made)

    found = read_catalogue(tmp_path / "c.catalogue")
    assert (found.provenance, found.songs, found.recordings) == (made.provenance, made.songs, made.recordings)
    assert found.column(UNIT).shape == (count, 3)


def test_its_columns_are_arrays(make_song):
    made = catalogue([make_song(1)])

    assert made.column("cue").tolist() == [False, True]
    assert made.column("first").tolist() == [0, 1]
    assert made.column(UNIT).tolist() == [[0.0, 1.0, 2.0], [3.0, 4.0, 5.0]]


def test_what_is_no_catalogue_is_refused(make_song, tmp_path):
    path = tmp_path / "c.catalogue"
    with pytest.raises(InputError, match="no catalogue here"):
        read_catalogue(path)
    path.write_bytes(b"not Arrow at all")
    with pytest.raises(InputError, match="not a catalogue of these tools"):
        read_catalogue(path)
    write(path, catalogue([make_song(1)]))
    path.write_bytes(path.read_bytes()[:-400])
    with pytest.raises(InputError, match="not a catalogue of these tools"):
        read_catalogue(path)
    with pa.OSFile(str(path), "wb") as file:
        for table in (pa.table({"a": [1]}), pa.table({"b": [1]})):
            with pa.ipc.new_stream(file, table.schema) as stream:
                stream.write_table(table)
    with pytest.raises(InputError, match="carries no provenance"):
        read_catalogue(path)
