"""Provenance: what every artifact says about itself, whatever its format.

An artifact carries its kind, its format number, the tool and version that wrote
it, the settings, the seed, the parents it was made from, and the time. Each
format stores the same JSON text in its own place (Parquet metadata, a key of a
checkpoint, a table of a database).
"""

import json
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ml_skeleton import __version__
from ml_skeleton.errors import InputError


@dataclass(frozen=True)
class Parent:
    """An artifact that another one was made from."""

    kind: str
    path: str  # absolute
    fingerprint: str  # of its content when it was read
    part: str | None = None  # the version or policy, where the artifact holds several


@dataclass(frozen=True)
class Provenance:
    """Where an artifact comes from."""

    kind: str
    format: int
    tool: str
    settings: dict[str, Any] = field(default_factory=dict)  # JSON values only
    seed: int | None = None
    parents: tuple[Parent, ...] = ()
    version: str = __version__
    created: str = field(default_factory=lambda: datetime.now(UTC).isoformat(timespec="seconds"))

    def to_json(self) -> str:
        """Return one line of JSON."""
        return json.dumps(asdict(self))  # in the order of the code, which is that for a reader

    def parent(self, kind: str) -> Parent | None:
        """Return the parent of that kind, or None if there is none."""
        return next((parent for parent in self.parents if parent.kind == kind), None)


def parse_provenance(text: str | bytes | None, path: Path) -> Provenance:
    """Return what `to_json` wrote; raise InputError naming `path` if it is anything else."""
    try:
        fields = json.loads(text or b"")
        parents = tuple(Parent(**parent) for parent in fields.pop("parents"))
        return Provenance(**fields, parents=parents)
    except (ValueError, TypeError, KeyError, AttributeError):
        raise InputError(f"{path}: carries no provenance, so it was not written by these tools") from None


def require(provenance: Provenance, path: Path, kind: str, format: int, made_by: str) -> None:
    """Raise InputError unless the artifact at `path` is of this kind and format number."""
    if provenance.kind != kind:
        raise InputError(f"{path}: found {provenance.kind}, expected {kind}; make it with: {made_by}")
    if provenance.format != format:
        raise InputError(
            f"{path}: {kind} format {provenance.format}, this version reads format {format}; rebuild it with: {made_by}"
        )
