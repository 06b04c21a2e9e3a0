"""Crops: a folder with the audio that models hear, cut out of the songs. Written by clem-extract.

    songs.parquet           the player's songs, rewritten whole each run; its metadata is the folder's provenance
    audio/part-*.parquet    one row per crop; parts are only ever added
    failures.parquet        what could not be read and why (ledger.py)
    speech.parquet          shares of speech that were measured after the crops were cut (speech.py)
    duplicates.parquet      which recordings sound the same (duplicates.py)

Every file carries the format number in its metadata. Adding a nullable column
keeps the number; anything else raises it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow.parquet as pq

from ml_skeleton.artifacts.files import complete_or_absent, fingerprint_of
from ml_skeleton.artifacts.ledger import Failure, read_failures, write_failures
from ml_skeleton.artifacts.parquet import MADE_BY, metadata_of, provenance_of, read_table
from ml_skeleton.artifacts.parts import (
    AUDIO_SCHEMA,
    FULL_SCALE,
    Crop,
    CropWriter,
    crop_keys,
    crop_measures,
    opened_part,
    parts_of,
    row_groups,
)
from ml_skeleton.artifacts.provenance import Parent, Provenance, require
from ml_skeleton.artifacts.songs import Song, from_table, to_table
from ml_skeleton.artifacts.speech import speech_of
from ml_skeleton.errors import InputError

# what a crops folder holds beside its songs is found here too
__all__ = [
    "AUDIO_SCHEMA", "FORMAT", "KIND", "MADE_BY", "SNAPSHOT",
    "Crop", "CropGroup", "CropWriter", "Crops", "Failure", "Waveform",
    "crop_keys", "crop_measures", "read_failures", "sweep", "write_failures", "write_songs",
]  # fmt: skip

KIND = "crops"
FORMAT = 1
SNAPSHOT = "songs.parquet"


@dataclass(frozen=True, slots=True)
class CropGroup:
    """Crops that are read in one go."""

    part: Path
    row_group: int
    audio_ids: tuple[str, ...]
    sample_rate: int  # Hz


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


class Crops:
    """The crops of one policy in a folder, open for reading.

    A policy says how crops were cut; a folder can hold several. Without a name
    it is the one that clem-extract last worked for.
    """

    def __init__(self, folder: Path, policy: str | None = None) -> None:
        self.folder = folder
        self.snapshot = folder / SNAPSHOT
        self.provenance = provenance_of(self.snapshot)
        require(self.provenance, folder, KIND, FORMAT, MADE_BY)
        self.policy: str = policy or self.provenance.settings["policy"]

    @cached_property
    def songs(self) -> list[Song]:
        """The player's songs when the folder was written."""
        songs = from_table(read_table(self.snapshot))
        if self.policy == self.provenance.settings["policy"]:
            return songs
        speech = speech_of(self.folder, self.policy)  # the snapshot tells that of its own policy
        return [replace(song, speech=speech.get(song.audio_id or "")) for song in songs]

    @cached_property
    def groups(self) -> list[CropGroup]:
        """What can be read in one go, in the order it was written; raises InputError if there is none."""
        groups = []
        for group in row_groups(self.folder, ["audio_id", "policy", "sample_rate"]):
            wanted = [row for row in group.rows if row[1] == self.policy]
            if wanted:
                groups.append(CropGroup(group.part, group.number, tuple(row[0] for row in wanted), wanted[0][2]))
        if not groups:
            raise InputError(f"{self.folder}: holds no crops of {self.policy}; {self._others()}")
        return groups

    def _others(self) -> str:
        """Return what to do about a policy that is not there."""
        there = sorted({policy for _, policy in crop_keys(self.folder)})
        return f"name one of {', '.join(there)} (--policy)" if there else f"cut it again with: {MADE_BY}"

    @cached_property
    def audio_ids(self) -> list[str]:
        """The recordings that have crops, sorted."""
        return sorted({audio_id for group in self.groups for audio_id in group.audio_ids})

    @cached_property
    def sample_rate(self) -> int:
        """Hz; the same for all crops of a policy."""
        return self.groups[0].sample_rate

    @cached_property
    def fingerprint(self) -> str:
        """Of what a model can learn here: which recordings, cut how, on which albums, rated how."""
        labels = sorted(
            f"{song.audio_id} {song.rating} {song.artist} {song.album_keys}" for song in self.songs if song.audio_id
        )
        return fingerprint_of(self.policy, *self.audio_ids, *labels)

    def as_parent(self) -> Parent:
        """Return the entry for the provenance of what is made from these crops."""
        return Parent(KIND, str(self.folder.resolve()), self.fingerprint, self.policy)

    def parts(self) -> list[Path]:
        """Return the audio files in the order they were written."""
        return parts_of(self.folder)

    def read(self, group: CropGroup) -> list[Waveform]:
        """Return the crops of one group, those of other policies left out."""
        with opened_part(group.part) as part:
            table = part.read_row_group(group.row_group, columns=["audio_id", "policy", "samples", "mean", "std"])
        return [
            Waveform(row[0], np.frombuffer(row[2], dtype="<i2"), row[3], row[4])
            for row in zip(*(column.to_pylist() for column in table.columns), strict=True)
            if row[1] == self.policy
        ]


def sweep(folder: Path) -> None:
    """Remove what a killed run has left half-written; only for a run that holds the folder's lock."""
    for stale in [*folder.glob(".*.partial"), *(folder / "audio").glob(".*.partial")]:
        stale.unlink(missing_ok=True)


def write_songs(folder: Path, songs: Sequence[Song], provenance: Provenance) -> None:
    """Replace songs.parquet, and with it what the folder says about itself."""
    with complete_or_absent(folder / SNAPSHOT) as partial:
        pq.write_table(to_table(songs).replace_schema_metadata(metadata_of(provenance)), partial)
