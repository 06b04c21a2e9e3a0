"""How much of each crop is speech. Written by clem-extract.

Most crops carry their share in their own row (parts.py). Those that were cut by
`clem-extract --speech keep` have none there; a later run that asks for it puts
it into `speech.parquet` of the crops folder, since parts are never changed.
"""

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

from ml_skeleton.artifacts.files import complete_or_absent
from ml_skeleton.artifacts.parquet import MADE_BY, metadata_of, provenance_of, read_table
from ml_skeleton.artifacts.parts import crop_measures
from ml_skeleton.artifacts.provenance import Provenance, require

KIND = "crops-speech"
FORMAT = 1
NAME = "speech.parquet"

SPEECH_SCHEMA = pa.schema(
    [
        pa.field("audio_id", pa.string(), nullable=False),
        pa.field("policy", pa.string(), nullable=False),
        pa.field("crop", pa.int16(), nullable=False),
        pa.field("speech", pa.float32(), nullable=False),  # share of the crop that is speech, 0 to 1
    ]
)


@dataclass(frozen=True, slots=True)
class CropSpeech:
    """One row of SPEECH_SCHEMA."""

    audio_id: str
    policy: str
    crop: int
    speech: float


class SpeechShare(NamedTuple):
    """How much of one crop is speech."""

    share: float | None  # 0 to 1; None where it was not measured
    seconds: float  # length of the crop


def write_speech(folder: Path, rows: Sequence[CropSpeech], tool: str) -> None:
    """Replace speech.parquet."""
    columns = list(zip(*map(astuple, rows), strict=True)) or [()] * len(SPEECH_SCHEMA)
    arrays = [pa.array(column, field.type) for column, field in zip(columns, SPEECH_SCHEMA, strict=True)]
    schema = SPEECH_SCHEMA.with_metadata(metadata_of(Provenance(KIND, FORMAT, tool)))
    with complete_or_absent(folder / NAME) as partial:
        pq.write_table(pa.Table.from_arrays(arrays, schema=schema), partial)


def read_speech(folder: Path) -> list[CropSpeech]:
    """Return what was measured later; nothing for a folder in which nothing was."""
    path = folder / NAME
    if not path.exists():
        return []
    require(provenance_of(path), path, KIND, FORMAT, MADE_BY)
    return [CropSpeech(**row) for row in read_table(path).to_pylist()]


def shares_of(folder: Path, policy: str) -> Mapping[str, list[SpeechShare]]:
    """Return the recordings that have crops of `policy`, each with the shares of its crops."""
    later = {(row.audio_id, row.policy, row.crop): row.speech for row in read_speech(folder)}
    table = crop_measures(folder, ["audio_id", "policy", "crop", "speech", "seconds"])
    shares: dict[str, list[SpeechShare]] = defaultdict(list)
    for audio_id, found, crop, share, seconds in zip(*(column.to_pylist() for column in table.columns), strict=True):
        if found == policy:
            known = later.get((audio_id, policy, crop)) if share is None else share
            shares[audio_id].append(SpeechShare(known, seconds))
    return shares


def speech_of(folder: Path, policy: str) -> dict[str, float | None]:
    """Return the recordings that have crops of `policy`, each with its share of speech, None where not measured."""
    return {audio_id: mean_speech(shares) for audio_id, shares in shares_of(folder, policy).items()}


def mean_speech(shares: Sequence[SpeechShare]) -> float | None:
    """Return the mean weighted by seconds; None if any crop was not measured."""
    measured = [(crop.share, crop.seconds) for crop in shares if crop.share is not None]
    total_s = math.fsum(seconds for _, seconds in measured)
    if len(measured) < len(shares) or total_s <= 0:
        return None
    mean = math.fsum(share * seconds for share, seconds in measured) / total_s
    return round(mean, 4)  # the same from memory and from the file, which holds float32
