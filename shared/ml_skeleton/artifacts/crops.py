"""Crops: a folder with the audio that models hear, cut out of the songs. Written by clem-extract.

    songs.parquet           the player's songs, rewritten whole each run; its metadata is the folder's provenance
    audio/part-*.parquet    one row per crop; parts are only ever added
    failures.parquet        what could not be read and why (ledger.py)
    duplicates.parquet      which recordings sound the same (duplicates.py)

Every file carries the format number in its metadata. Adding a nullable column
keeps the number; anything else raises it.
"""

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from ml_skeleton.artifacts.files import complete_or_absent, fingerprint_of
from ml_skeleton.artifacts.ledger import Failure, read_failures, write_failures
from ml_skeleton.artifacts.parquet import MADE_BY, metadata_of, provenance_of
from ml_skeleton.artifacts.provenance import Provenance, require
from ml_skeleton.artifacts.songs import SONGS_SCHEMA, Song, from_table, to_table
from ml_skeleton.errors import InputError

# what a crops folder holds beside its audio is found here too
__all__ = [
    "AUDIO_SCHEMA", "FORMAT", "KIND", "MADE_BY", "SNAPSHOT",
    "Crop", "CropGroup", "CropWriter", "Crops", "Failure", "Waveform",
    "crop_keys", "crop_measures", "read_failures", "sweep", "write_failures", "write_songs",
]  # fmt: skip

KIND = "crops"
FORMAT = 1
SNAPSHOT = "songs.parquet"
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
    """One row of AUDIO_SCHEMA, the samples as an array of int16."""

    audio_id: str
    policy: str
    crop: int
    start_s: float
    sample_rate: int
    samples: npt.NDArray[np.int16]  # (T,)
    speech: float | None
    codec: str
    sketch: bytes | None = None


@dataclass(frozen=True, slots=True)
class CropGroup:
    """Crops that are read in one go."""

    part: Path
    row_group: int
    audio_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Waveform:
    """A crop as a model wants it: `normalised()` is z-normalised audio."""

    audio_id: str
    samples: npt.NDArray[np.int16]  # (T,)
    mean: float
    std: float

    def normalised(self) -> npt.NDArray[np.float32]:
        """Return float32 samples (T,) of mean 0 and deviation 1; silence stays 0."""
        scale = 1.0 / (self.std * FULL_SCALE) if self.std > 0 else 0.0
        return (self.samples.astype(np.float32) - np.float32(self.mean * FULL_SCALE)) * np.float32(scale)


class CropWriter:
    """Appends crops to a folder, in parts that appear only when they are complete."""

    def __init__(self, folder: Path, tool: str) -> None:
        self.folder = folder / "audio"
        self.schema = AUDIO_SCHEMA.with_metadata(metadata_of(Provenance("crops-audio", FORMAT, tool)))
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


class Crops:
    """A crops folder, open for reading."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.snapshot = folder / SNAPSHOT
        self.provenance = provenance_of(self.snapshot)
        require(self.provenance, folder, KIND, FORMAT, MADE_BY)
        self.policy: str = self.provenance.settings["policy"]

    @cached_property
    def songs(self) -> list[Song]:
        """The player's songs when the folder was written."""
        return from_table(pq.read_table(self.snapshot, schema=SONGS_SCHEMA))

    @cached_property
    def groups(self) -> list[CropGroup]:
        """What can be read in one go, in the order it was written, of the folder's current policy."""
        groups = [group for part in self.parts() for group in _groups_of(part, self.policy)]
        if not groups:
            raise InputError(f"{self.folder}: holds no audio of {self.policy}; cut it again with: {MADE_BY}")
        return groups

    @cached_property
    def audio_ids(self) -> list[str]:
        """The recordings that have crops, sorted."""
        return sorted({audio_id for group in self.groups for audio_id in group.audio_ids})

    @cached_property
    def sample_rate(self) -> int:
        """Hz; the same for all crops of a policy."""
        return int(self.provenance.settings["rate"])

    @cached_property
    def fingerprint(self) -> str:
        """Of what a model can learn here: which recordings, cut how, on which albums, rated how."""
        labels = sorted(
            f"{song.audio_id} {song.rating} {song.artist} {song.album_keys}" for song in self.songs if song.audio_id
        )
        return fingerprint_of(self.policy, *self.audio_ids, *labels)

    def parts(self) -> list[Path]:
        """Return the audio files in the order they were written."""
        return sorted((self.folder / "audio").glob("part-*.parquet"))

    def read(self, group: CropGroup) -> list[Waveform]:
        """Return the crops of one group, those of other policies left out."""
        with _opened(group.part) as part:
            table = part.read_row_group(group.row_group, columns=["audio_id", "policy", "samples", "mean", "std"])
        return [
            Waveform(row[0], np.frombuffer(row[2], dtype="<i2"), row[3], row[4])
            for row in zip(*(column.to_pylist() for column in table.columns), strict=True)
            if row[1] == self.policy
        ]


def crop_measures(folder: Path, columns: Sequence[str]) -> pa.Table:
    """Return these columns of all crops in the order they were written; the samples are not touched.

    No rows for a folder that is new; null where an older part lacks a column.
    """
    tables = [AUDIO_SCHEMA.empty_table().select(columns)]
    for path in sorted((folder / "audio").glob("part-*.parquet")):
        with _opened(path) as part:
            tables.append(part.read(columns=list(columns)).replace_schema_metadata())
    return pa.concat_tables(tables, promote_options="default").select(columns)


def crop_keys(folder: Path) -> dict[tuple[str, str], int]:
    """Return how many crops each (audio_id, policy) has in `folder`; empty for a folder that is new."""
    counted = (
        crop_measures(folder, ["audio_id", "policy"]).group_by(["audio_id", "policy"]).aggregate([([], "count_all")])
    )
    return {(row["audio_id"], row["policy"]): row["count_all"] for row in counted.to_pylist()}


def sweep(folder: Path) -> None:
    """Remove what a killed run has left half-written; only for a run that holds the folder's lock."""
    for stale in [*folder.glob(".*.partial"), *(folder / "audio").glob(".*.partial")]:
        stale.unlink(missing_ok=True)


def write_songs(folder: Path, songs: Sequence[Song], provenance: Provenance) -> None:
    """Replace songs.parquet, and with it what the folder says about itself."""
    with complete_or_absent(folder / SNAPSHOT) as partial:
        pq.write_table(to_table(songs).replace_schema_metadata(metadata_of(provenance)), partial)


def _row(crop: Crop) -> Mapping[str, Any]:
    audio = crop.samples.astype(np.float32) / np.float32(FULL_SCALE)
    return {
        "audio_id": crop.audio_id,
        "policy": crop.policy,
        "crop": crop.crop,
        "start_s": crop.start_s,
        "seconds": len(crop.samples) / crop.sample_rate,
        "sample_rate": crop.sample_rate,
        "samples": crop.samples.astype("<i2", copy=False).tobytes(),
        "mean": float(audio.mean(dtype=np.float64)) if len(audio) else 0.0,
        "std": float(audio.std(dtype=np.float64)) if len(audio) else 0.0,
        "peak": float(np.abs(audio).max(initial=0.0)),
        "speech": crop.speech,
        "codec": crop.codec,
        "sketch": crop.sketch,
    }


def _groups_of(path: Path, policy: str) -> Iterator[CropGroup]:
    with _opened(path) as part:
        keys = part.read(columns=["audio_id", "policy"])
        sizes = [part.metadata.row_group(number).num_rows for number in range(part.num_row_groups)]
    rows = list(zip(*(column.to_pylist() for column in keys.columns), strict=True))
    first = 0
    for number, size in enumerate(sizes):
        wanted = tuple(audio_id for audio_id, found in rows[first : first + size] if found == policy)
        first += size
        if wanted:
            yield CropGroup(path, number, wanted)


def _opened(path: Path) -> pq.ParquetFile:
    """Open a part; memory-mapped, as uncompressed samples are then read without a copy in between."""
    require(provenance_of(path), path, "crops-audio", FORMAT, MADE_BY)
    return pq.ParquetFile(path, memory_map=True)


def _next_part(folder: Path) -> int:
    return 1 + max((int(path.stem.removeprefix("part-")) for path in folder.glob("part-*.parquet")), default=-1)
