"""What an embedding store says of a version of its vectors: what made it, and how healthy it is."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from ml_skeleton.artifacts.provenance import Parent

CONTROLS = ("random-wide", "random", "handcrafted")  # encoders that have learned nothing, see docs/encoders.md
VERSION_COLUMNS = (
    "name", "encoder_fingerprint", "dimension", "settings", "parents", "created", "health", "rejected", "parts",
)  # fmt: skip


@dataclass(frozen=True)
class Health:
    """Whether the vectors of a version tell songs apart; see ml_skeleton.music.health for how it is measured."""

    songs: int  # of the library that have a vector
    mean_cosine_raw: float  # of two songs, -1 to 1
    mean_cosine: float  # of two songs, once each dimension is standardised
    effective_rank: float  # dimensions that vary on their own, 1 to the dimension of the vectors
    variance: tuple[float, ...]  # of each dimension, raw
    hub_songs: int  # that the next two are of: all, or a sample
    hub_skew: float  # skewness of how many top tens a song is in; 0 if no song is in more than others
    orphans: float  # share of songs in nobody's top ten, 0 to 1


@dataclass(frozen=True)
class Version:
    """One set of vectors: what made it."""

    name: str
    encoder_fingerprint: str
    dimension: int
    settings: dict[str, Any]  # JSON values: how the encoder was applied
    parents: tuple[Parent, ...]  # the encoder and the crops
    created: str
    health: Health | None = None  # None until it is measured, or where songs are too few
    rejected: str | None = None  # why `evaluate gate` would not let it pass; None if it did, or was not asked
    parts: dict[str, int] = field(default_factory=dict)  # name and width of what a vector is made of; {} if not said

    @property
    def is_control(self) -> bool:
        """Whether the name is that of an encoder that has learned nothing, as embed gives it: random-1234abcd."""
        return any(self.name == control or self.name.startswith(f"{control}-") for control in CONTROLS)


def version_row(version: Version) -> tuple[str | int | None, ...]:
    """Return the version as VERSION_COLUMNS."""
    parents = json.dumps([vars(parent) for parent in version.parents])
    settings = json.dumps(version.settings, sort_keys=True)
    made = (version.name, version.encoder_fingerprint, version.dimension, settings, parents, version.created)
    return *made, health_json(version.health), version.rejected, json.dumps(version.parts)


def version_of(row: Mapping[str, Any]) -> Version:
    """Return the version that `version_row` described; one of an older store lacks what came later."""
    health = json.loads(row.get("health") or "null")
    return Version(
        name=row["name"],
        encoder_fingerprint=row["encoder_fingerprint"],
        dimension=row["dimension"],
        settings=json.loads(row["settings"]),
        parents=tuple(Parent(**parent) for parent in json.loads(row["parents"])),
        created=row["created"],
        health=Health(**{**health, "variance": tuple(health["variance"])}) if health else None,
        rejected=row.get("rejected"),
        parts=json.loads(row.get("parts") or "{}"),
    )


def health_json(health: Health | None) -> str | None:
    """Return what the store holds of a version's health."""
    return json.dumps(asdict(health)) if health else None
