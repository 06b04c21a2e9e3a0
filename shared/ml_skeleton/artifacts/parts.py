"""Parts: the audio of a crops folder, one row per crop. Written by clem-extract.

`audio/part-*.parquet` are only ever added, never changed. Crops that were cut in
several ways (policies) stand side by side in them.
"""

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from itertools import accumulate
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from ml_skeleton.artifacts.files import complete_or_absent
from ml_skeleton.artifacts.parquet import MADE_BY, metadata_of, opened, provenance_in
from ml_skeleton.artifacts.provenance import Provenance, require

KIND = "crops-audio"
FORMAT = 1
FOLDER = "audio"
FULL_SCALE = 32768.0

ROWS_PER_GROUP = 8  # 15 MB at 60 s and 16 kHz: large reads, and a footer that stays small
ROWS_PER_PART = 256
SECONDS_PER_PART = 20.0  # what a power failure can cost

AUDIO_SCHEMA = pa.schema(
    [
        pa.field("audio_id", pa.string(), nullable=False),
        pa.field("policy", pa.string(), nullable=False),  # how it was cut: CropPolicy.name of clem-extract
        pa.field("crop", pa.int16(), nullable=False),  # 0 for the first window of the policy
        pa.field("start_s", pa.float64(), nullable=False),  # from the start of the song
        pa.field("seconds", pa.float64(), nullable=False),  # true length; a short song gives what it has
        pa.field("sample_rate", pa.int32(), nullable=False),  # Hz
        pa.field("samples", pa.binary(), nullable=False),  # little-endian int16 PCM, mono
        pa.field("mean", pa.float32(), nullable=False),  # of the samples, full scale being 1
        pa.field("std", pa.float32(), nullable=False),
        pa.field("peak", pa.float32(), nullable=False),
        pa.field("speech", pa.float32()),  # share of the crop that is speech, 0 to 1; null where not measured
        pa.field("codec", pa.string(), nullable=False),
        pa.field("sketch", pa.binary()),  # what sounds alike is found by, see duplicates.py; null where not made
    ]
)


@dataclass(frozen=True, slots=True)
class Crop:
    """One row of AUDIO_SCHEMA, the samples as an array of int16.

    It is measured by who makes it, the worker: with many of them, who writes would be the one that all wait for.
    """

    audio_id: str
    policy: str
    crop: int
    start_s: float
    sample_rate: int
    samples: npt.NDArray[np.int16]  # (T,)
    speech: float | None
    codec: str
    sketch: bytes | None = None
    mean: float = field(init=False)
    std: float = field(init=False)
    peak: float = field(init=False)

    def __post_init__(self) -> None:
        for name, value in zip(("mean", "std", "peak"), _level(self.samples), strict=True):
            object.__setattr__(self, name, value)


@dataclass(frozen=True, slots=True)
class RowGroup:
    """Crops that lie together in a part."""

    part: Path
    number: int
    rows: list[tuple[Any, ...]]  # the columns asked for


class CropWriter:
    """Appends crops to a folder, in parts that appear only when they are complete."""

    def __init__(self, folder: Path, tool: str) -> None:
        self.folder = folder / FOLDER
        self.schema = AUDIO_SCHEMA.with_metadata(metadata_of(Provenance(KIND, FORMAT, tool)))
        self._held: list[Crop] = []  # less than a row group
        self._part = ExitStack()  # what gives the open part its name
        self._writer: pq.ParquetWriter | None = None
        self._rows_in_part = 0
        self._part_since = 0.0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None or not issubclass(kind, Exception):  # after a signal what is whole is kept
            self.finish_part()
        else:
            self._part.__exit__(kind, error, trace)

    def add(self, crops: Iterable[Crop]) -> None:
        """Take the crops of one song; they are safe once `finish_part` has run, which it does every 20 s of adding."""
        for crop in crops:
            self._held.append(crop)
            if len(self._held) == ROWS_PER_GROUP:
                self._write_held()
        if self._writer and self._is_due():
            self.finish_part()

    def finish_part(self) -> None:
        """Put all that was added under its final name."""
        if not (self._held or self._writer):
            return
        writer = self._open_writer()
        with self._part:
            if self._held:
                self._write_held()
            writer.close()
        self._writer = None
        self._rows_in_part = 0

    def _is_due(self) -> bool:
        return self._rows_in_part >= ROWS_PER_PART or time.monotonic() - self._part_since > SECONDS_PER_PART

    def _write_held(self) -> None:
        batch = pa.RecordBatch.from_pylist([_row(crop) for crop in self._held], schema=self.schema)
        self._open_writer().write_batch(batch)
        self._rows_in_part += len(self._held)
        self._held = []

    def _open_writer(self) -> pq.ParquetWriter:
        if self._writer is None:
            name = f"part-{_next_part(self.folder):06d}.parquet"
            with ExitStack() as part:  # left again, with an error, if the file cannot be made
                partial = part.enter_context(complete_or_absent(self.folder / name))
                self._writer = pq.ParquetWriter(
                    partial, self.schema, compression="none", use_dictionary=False, write_statistics=False
                )
                self._part, self._part_since = part.pop_all(), time.monotonic()
        return self._writer


def parts_of(folder: Path) -> list[Path]:
    """Return the parts of a crops folder in the order they were written."""
    return sorted((folder / FOLDER).glob("part-*.parquet"))


def crop_measures(folder: Path, columns: Sequence[str]) -> pa.Table:
    """Return these columns of all crops in the order they were written; the samples are not touched.

    No rows for a folder that is new; null where an older part lacks a column.
    """
    tables = [AUDIO_SCHEMA.empty_table().select(columns)]
    for path in parts_of(folder):
        with opened_part(path) as part:
            tables.append(_columns(part, columns).replace_schema_metadata())
    return pa.concat_tables(tables, promote_options="default").select(columns)


def row_groups(folder: Path, columns: Sequence[str]) -> Iterator[RowGroup]:
    """Yield what can be read in one go, in the order it was written, with these columns of its rows."""
    for path in parts_of(folder):
        with opened_part(path) as part:
            table = _columns(part, columns)
            sizes = [part.metadata.row_group(number).num_rows for number in range(part.num_row_groups)]
        rows = list(zip(*(table.column(name).to_pylist() for name in columns), strict=True))
        ends = list(accumulate(sizes))
        for number, (size, end) in enumerate(zip(sizes, ends, strict=True)):
            yield RowGroup(path, number, rows[end - size : end])


def _columns(part: pq.ParquetFile, columns: Sequence[str]) -> pa.Table:
    """Return these columns of a part; without threads, as handing them so little costs three times what it takes."""
    return part.read(columns=list(columns), use_threads=False)


def crop_keys(folder: Path) -> dict[tuple[str, str], int]:
    """Return how many crops each (audio_id, policy) has in `folder`; empty for a folder that is new."""
    counted = (
        crop_measures(folder, ["audio_id", "policy"]).group_by(["audio_id", "policy"]).aggregate([([], "count_all")])
    )
    return {(row["audio_id"], row["policy"]): row["count_all"] for row in counted.to_pylist()}


def _level(samples: npt.NDArray[np.int16]) -> tuple[float, float, float]:
    """Return mean, deviation and peak, full scale being 1."""
    if not len(samples):
        return 0.0, 0.0, 0.0
    peak = max(int(samples.max()), -int(samples.min()))
    audio = samples.astype(np.float64)
    mean = audio.mean()
    audio -= mean
    std = np.sqrt(np.square(audio, out=audio).mean())
    return float(mean) / FULL_SCALE, float(std) / FULL_SCALE, peak / FULL_SCALE


def _row(crop: Crop) -> Mapping[str, Any]:
    return {
        "audio_id": crop.audio_id,
        "policy": crop.policy,
        "crop": crop.crop,
        "start_s": crop.start_s,
        "seconds": len(crop.samples) / crop.sample_rate,
        "sample_rate": crop.sample_rate,
        "samples": crop.samples.astype("<i2", copy=False).tobytes(),
        "mean": crop.mean,
        "std": crop.std,
        "peak": crop.peak,
        "speech": crop.speech,
        "codec": crop.codec,
        "sketch": crop.sketch,
    }


def opened_part(path: Path) -> pq.ParquetFile:
    """Open a part; raise InputError if it is none."""
    part = opened(path)
    require(provenance_in(part, path), path, KIND, FORMAT, MADE_BY)
    return part


def _next_part(folder: Path) -> int:
    return 1 + max((int(path.stem.removeprefix("part-")) for path in folder.glob("part-*.parquet")), default=-1)
