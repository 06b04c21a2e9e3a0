"""What any artifact says about itself, and the way back from it to the player's database."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ml_skeleton.artifacts.provenance import Parent, Provenance, parse_provenance
from ml_skeleton.errors import InputError

PARTS = {"crops": "policy"}  # what the part of a parent is, where it is no version
FOLDERS_ARE_OF = ("best.json", "evaluation.json", "demo.json")
MISSING, CHANGED, SAME, UNCHECKED = "missing", "changed since", "unchanged", "there"


@dataclass(frozen=True)
class Described:
    """An artifact that was opened."""

    provenance: Provenance
    fingerprint: str  # of its content now; "" where only its makers can tell
    details: dict[str, Any]  # what a person may want to know of this kind, by name
    parents: tuple[Parent, ...]


def describe(path: Path, part: str | None = None) -> Described:
    """Open an artifact of any kind; raise InputError for anything else."""
    if not path.exists():
        raise InputError(f"{path}: no such artifact")
    if path.is_dir():
        return _folder(path, part)
    readers = {".pt": _checkpoint, ".json": _json, ".npz": _map, ".catalogue": _catalogue}
    if path.suffix in (".db", ".sqlite", ".duckdb"):
        return _store(path, part)
    if path.suffix in readers:
        return readers[path.suffix](path)
    raise InputError(f"{path}: no artifact of these tools; expected a crops folder, .pt, .db, .duckdb, .npz or .json")


def lineage(path: Path) -> str:
    """Return a text for a person: what the artifact is, and under it each parent back to the database."""
    described = describe(path)
    own = described.provenance
    lines = [f"{path}: {own.kind}, format {own.format}, by {own.tool} {own.version}, {own.created}"]
    lines += [f"  {name}: {_short(value)}" for name, value in {**own.settings, **described.details}.items()]
    return "\n".join([*lines, *_ancestors(described.parents, "  ")])


def lineage_json(path: Path) -> str:
    """Return the artifact's provenance and details as JSON."""
    described = describe(path)
    fields = json.loads(described.provenance.to_json())
    parents = [vars(parent) for parent in described.parents]
    return json.dumps({**fields, "parents": parents, "details": described.details}, indent=1, ensure_ascii=False)


def _ancestors(parents: tuple[Parent, ...], indent: str) -> Iterator[str]:
    for parent in parents:
        part = f", {PARTS.get(parent.kind, 'version')} {parent.part}" if parent.part else ""
        if parent.kind.endswith("database"):
            state = UNCHECKED if Path(parent.path).exists() else MISSING
            yield f"{indent}from {parent.kind} {parent.path} ({state})"
            continue
        try:
            described = describe(Path(parent.path), parent.part)
        except InputError:
            yield f"{indent}from {parent.kind} {parent.path}{part} ({MISSING})"
            continue
        state = SAME if described.fingerprint == parent.fingerprint else CHANGED
        yield f"{indent}from {parent.kind} {parent.path}{part} ({state})"
        yield from _ancestors(described.parents, indent + "  ")


def _folder(path: Path, part: str | None) -> Described:
    """Describe a crops folder, or the artifact that a folder was made for."""
    for name in FOLDERS_ARE_OF:
        if (path / name).exists():
            return _json(path / name)
    return _crops(path, part)


def _crops(path: Path, policy: str | None) -> Described:
    from ml_skeleton.artifacts.crops import Crops

    crops = Crops(path, policy)
    details = {"recordings": len(crops.audio_ids), "songs": len(crops.songs)}
    return Described(crops.provenance, crops.fingerprint, details, crops.provenance.parents)


def _checkpoint(path: Path) -> Described:
    from ml_skeleton.artifacts.checkpoints import read_header

    header = read_header(path, None)
    content = header.content
    wanted = ("model", "arguments", "versions", "features", "metrics")
    details = {name: content[name] for name in wanted if name in content}
    return Described(header.provenance, header.fingerprint, details, header.provenance.parents)


def _store(path: Path, part: str | None) -> Described:
    from ml_skeleton.artifacts.embeddings import open_store

    with open_store(path) as store:
        versions = store.versions()
        chosen = [version for version in versions if part in (None, version.name)]
        if not chosen:
            raise InputError(f"{path}: no version {part!r}")
        details = {
            f"version {version.name}": f"{len(store.audio_ids(version.name))} songs x {version.dimension}"
            + (f", rejected: {version.rejected}" if version.rejected else "")
            for version in versions
        }
        fingerprint = store.vectors(chosen[-1].name).fingerprint
        parents = tuple(dict.fromkeys(parent for version in chosen for parent in version.parents))
        return Described(store.provenance, fingerprint, details, parents)


def _catalogue(path: Path) -> Described:
    from ml_skeleton.artifacts.catalogues import read_catalogue

    found = read_catalogue(path)
    details = {"songs": found.songs.num_rows, "recordings": found.recordings.num_rows}
    return Described(found.provenance, "", details, found.provenance.parents)


def _map(path: Path) -> Described:
    from ml_skeleton.artifacts.maps import read_map

    provenance, drawn = read_map(path)
    details = {"songs": len(drawn.audio_ids), "artists": len(drawn.artists)}
    return Described(provenance, "", details, provenance.parents)


def _json(path: Path) -> Described:
    """Describe any of our JSON files: provenance under "ml_skeleton", lists told by their length."""
    try:
        fields: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        provenance = parse_provenance(json.dumps(fields.pop("ml_skeleton")), path)
    except (ValueError, KeyError, AttributeError):
        raise InputError(f"{path}: carries no provenance, so it was not written by these tools") from None
    details = {name: len(value) if isinstance(value, list) else value for name, value in fields.items()}
    return Described(provenance, "", details, provenance.parents)


def _short(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 100 else text[:99] + "…"
