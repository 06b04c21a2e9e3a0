"""The versions of a store: listed, judged, dropped; needs no torch."""

import json
from dataclasses import asdict
from pathlib import Path

import numpy as np
from ml_skeleton.artifacts.embeddings import Health, Version, open_store
from ml_skeleton.console import note
from ml_skeleton.errors import UsageError, UserError
from ml_skeleton.music.health import what_collapsed

TITLES = (
    *("version", "dim", "songs", "strays", "created", "encoder"),
    *("eff. rank", "cosine", "raw", "least var.", "hub skew", "orphans", "health"),
)
LEFT = {"version", "created", "encoder", "health"}  # aligned; numbers stand to the right


def keep_house(store: Path, list_all: bool, drop: str | None, as_json: bool) -> str:
    """Return the versions of the store as text, or remove one and return the store's path."""
    if as_json and not list_all:
        raise UsageError("--json: belongs to --list")
    if list_all and drop is not None:
        raise UsageError("--list and --drop: give one of them")
    if drop is None:
        return list_versions(store, as_json)
    drop_version(store, drop)
    note(f"version {drop} removed")
    return str(store)


def list_versions(store_path: Path, as_json: bool) -> str:
    """Return a table of the store's versions, oldest first, or the same and each dimension's variance as JSON."""
    with open_store(store_path) as store:
        found = [(version, store.count(version.name)) for version in store.versions()]
    if as_json:
        return json.dumps(
            [{**asdict(version), **counted._asdict(), "collapsed": _judged(version)} for version, counted in found],
            indent=1,
            ensure_ascii=False,
        )
    rows = [
        (
            *(version.name, str(version.dimension), str(counted.songs), str(counted.strays), version.created),
            *(version.encoder_fingerprint[:8], *_figures(version.health), _verdict(version)),
        )
        for version, counted in found
    ]
    widths = [max(map(len, column)) for column in zip(TITLES, *rows, strict=True)]
    return "\n".join(_line(row, widths) for row in (TITLES, *rows))


def drop_version(store_path: Path, name: str) -> None:
    """Remove a version and its vectors; raise InputError if the store has none of that name."""
    with open_store(store_path) as store:
        store.version(name)
        store.drop_version(name)


def refuse_collapse(store_path: Path, version: str, health: Health | None) -> None:
    """Raise UserError if the version has collapsed."""
    reason = what_collapsed(health) if health else None
    if reason:
        raise UserError(
            f"{store_path}: version {version!r} has collapsed, its vectors do not tell songs apart ({reason}); "
            f"train the encoder again, with a lower --lr or another --loss, and remove this one with "
            f"embed {store_path} --drop {version}, or keep it with --allow-collapse"
        )


def _judged(version: Version) -> str | None:
    return what_collapsed(version.health) if version.health else None


def _verdict(version: Version) -> str:
    health = "not measured" if version.health is None else "collapsed" if _judged(version) else "good"
    return f"{health}, rejected" if version.rejected else health


def _figures(health: Health | None) -> tuple[str, ...]:
    if health is None:
        return ("",) * 6
    return (
        f"{health.effective_rank:.1f}",
        f"{health.mean_cosine:.3f}",
        f"{health.mean_cosine_raw:.3f}",
        f"{np.min(health.variance):.2g}",
        f"{health.hub_skew:.2f}",
        f"{health.orphans:.1%}",
    )


def _line(cells: tuple[str, ...], widths: list[int]) -> str:
    aligned = (
        cell.ljust(width) if title in LEFT else cell.rjust(width)
        for cell, width, title in zip(cells, widths, TITLES, strict=True)
    )
    return "  ".join(aligned).rstrip()
