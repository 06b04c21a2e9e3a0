"""The samples of crops, found and read without Parquet's reader where the parts are as clem-extract writes them.

The samples of a row group stand uncompressed in one page: a page header, then for
every row its size in bytes (4, little-endian) and the samples. So the place of each
crop in its part follows from the sizes, a window can be read without the rest of
its crop, and reading all of them costs what the disk or one copy costs. A part that
another program rewrote, compressed perhaps, is read through Arrow, whole crops only.
"""

from collections import defaultdict
from collections.abc import Collection, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, fields
from io import FileIO
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ml_skeleton.artifacts.crops import Crops
from ml_skeleton.artifacts.parts import AUDIO_SCHEMA, FULL_SCALE, opened_part
from ml_skeleton.errors import InputError

READERS = 4
SIZE_BYTES, SAMPLE_BYTES = 4, 2
LONGEST_PAGE_HEADER = 1024  # bytes; it is about 25
UNKNOWN = -1

Integers = npt.NDArray[np.int64]
Samples = npt.NDArray[np.int16]


@dataclass(frozen=True)
class CropIndex:
    """Crops in the order of their audio_id, whatever order they were written in; arrays of one entry per crop."""

    audio_ids: npt.NDArray[np.str_]
    crop: Integers  # 0 for the first of a recording
    samples: Integers  # how many
    mean: npt.NDArray[np.float32]  # in units of a sample
    scale: npt.NDArray[np.float32]  # (samples - mean) * scale is z-normalised; 0 for silence
    part: npt.NDArray[np.str_]  # path
    row_group: Integers
    row: Integers  # in the row group
    offset: Integers  # bytes from the beginning of the part to the first sample; UNKNOWN in a rewritten part

    def __len__(self) -> int:
        return len(self.audio_ids)

    def __getitem__(self, rows: Any) -> "CropIndex":
        return CropIndex(**{field.name: getattr(self, field.name)[rows] for field in fields(self)})

    def rows_of(self, audio_ids: Collection[str]) -> Integers:
        """Return the rows of the crops of these recordings."""
        return np.flatnonzero(np.isin(self.audio_ids, np.array(sorted(audio_ids), dtype=np.str_)))


def index_crops(crops: Crops) -> CropIndex:
    """Return all crops of the folder's policy; the samples are not read."""
    tables = [_index_part(path, crops.policy) for path in crops.parts()]
    columns = {name: np.concatenate([table[name] for table in tables]) for name in tables[0]}
    index = CropIndex(**columns)
    return index[np.lexsort((index.crop, index.audio_ids))]


def read_samples(index: CropIndex, out: Samples, places: Integers) -> None:
    """Copy the samples of every crop to `out`, from its place there on; raise InputError if a part is damaged.

    `out` is a flat array. The parts are read from beginning to end, several at a time.
    """
    rows_of: dict[str, list[int]] = defaultdict(list)
    for row in np.lexsort((index.row, index.row_group, index.part)).tolist():
        rows_of[str(index.part[row])].append(row)
    with ThreadPoolExecutor(READERS) as readers:
        for _ in readers.map(lambda part: _read_part(index, part, rows_of[part], out, places), rows_of):
            pass  # to meet the errors


def read_window(index: CropIndex, row: int, start: int, out: Samples) -> None:
    """Fill `out` with samples of one crop from `start` on; the crop must have that many, and its offset be known."""
    with _opened(str(index.part[row])) as part:
        part.seek(int(index.offset[row]) + SAMPLE_BYTES * start)
        _fill(part, out.view(np.uint8).data)


def _index_part(path: Path, policy: str) -> dict[str, Any]:
    with opened_part(path) as part:
        table = part.read(columns=["audio_id", "policy", "crop", "seconds", "sample_rate", "mean", "std"])
        groups = [part.metadata.row_group(number) for number in range(part.num_row_groups)]
    sizes = [group.num_rows for group in groups]
    # by way of lists, as a column's own to_numpy() imports pandas, which takes a second
    values = {name: np.array(table[name].to_pylist()) for name in ("crop", "seconds", "sample_rate", "mean", "std")}
    samples = np.rint(values["seconds"] * values["sample_rate"]).astype(np.int64)
    ends = np.cumsum(sizes)
    rows_of_groups = (slice(end - size, end) for size, end in zip(sizes, ends, strict=True))
    offsets = [_offsets(path, group, samples[rows]) for group, rows in zip(groups, rows_of_groups, strict=True)]
    std = values["std"].astype(np.float32)
    columns = {
        "audio_ids": np.array(table["audio_id"].to_pylist(), dtype=np.str_),
        "crop": values["crop"].astype(np.int64),
        "samples": samples,
        "mean": values["mean"].astype(np.float32) * np.float32(FULL_SCALE),
        "scale": np.divide(1, std * np.float32(FULL_SCALE), out=np.zeros_like(std), where=std > 0),
        "part": np.full(len(samples), str(path)),
        "row_group": np.repeat(np.arange(len(sizes)), sizes),
        "row": np.concatenate([np.arange(size) for size in sizes]),
        "offset": np.concatenate(offsets),
    }
    wanted = np.array(table["policy"].to_pylist()) == policy
    return {name: column[wanted] for name, column in columns.items()}


def _offsets(path: Path, group: Any, samples: Integers) -> Integers:
    """Return where the samples of each row of a group begin, UNKNOWN if they do not stand in one plain page."""
    column = group.column(AUDIO_SCHEMA.get_field_index("samples"))
    sizes = samples * SAMPLE_BYTES
    header = column.total_compressed_size - int((sizes + SIZE_BYTES).sum())
    plain = column.compression == "UNCOMPRESSED" and not column.has_dictionary_page
    if not plain or column.path_in_schema != "samples" or not 0 < header < LONGEST_PAGE_HEADER:
        return np.full(len(samples), UNKNOWN)
    first = column.data_page_offset + header + SIZE_BYTES
    offsets = first + np.concatenate([[0], np.cumsum(sizes[:-1] + SIZE_BYTES)])
    size = bytearray(SIZE_BYTES)
    with _opened(str(path)) as part:
        part.seek(first - SIZE_BYTES)
        _fill(part, memoryview(size))
    return offsets if int.from_bytes(size, "little") == sizes[0] else np.full(len(samples), UNKNOWN)


def _read_part(index: CropIndex, path: str, rows: list[int], out: Samples, places: Integers) -> None:
    with _opened(path) as part:
        for row in rows:
            target = out[places[row] : places[row] + index.samples[row]]
            if index.offset[row] == UNKNOWN:
                target[:] = _through_arrow(path, int(index.row_group[row]), int(index.row[row]))
                continue
            size = bytearray(SIZE_BYTES)
            part.seek(int(index.offset[row]) - SIZE_BYTES)
            _fill(part, memoryview(size))
            if int.from_bytes(size, "little") != target.nbytes:
                raise _damaged(path)
            _fill(part, target.view(np.uint8).data)


def _through_arrow(path: str, row_group: int, row: int) -> Samples:
    with opened_part(Path(path)) as part:
        value = part.read_row_group(row_group, columns=["samples"])["samples"][row]
    return np.frombuffer(value.as_buffer(), dtype="<i2")


@contextmanager
def _opened(path: str) -> Iterator[FileIO]:
    try:
        with FileIO(path) as part:
            yield part
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from None


def _fill(part: FileIO, out: memoryview) -> None:
    """Fill `out` with what follows in the file."""
    while len(out):
        count = part.readinto(out)
        if not count:
            raise _damaged(str(part.name))
        out = out[count:]


def _damaged(path: str) -> InputError:
    return InputError(f"{path}: ends in the middle of a crop; it is damaged: delete it, and extract again")
