"""Turns crops into vectors and adds them to an embedding store."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

import numpy as np
from ml_skeleton.artifacts.checkpoints import Header
from ml_skeleton.artifacts.crops import Crops, Waveform
from ml_skeleton.artifacts.embeddings import EmbeddingStore, Version, open_or_make_store
from ml_skeleton.artifacts.provenance import Parent, Provenance
from ml_skeleton.console import progress
from ml_skeleton.errors import InputError, UserError
from ml_skeleton.interrupts import stop_request

from ml_skeleton_embed.apply import Embed, Vector, load_encoder

TOOL = "embed"
SONGS_PER_TRANSACTION = 256


@dataclass(frozen=True)
class Embedded:
    """What one run came to."""

    version: str
    added: int
    kept: int


def crops_of(encoder: Header) -> Path:
    """Return the crops folder that the encoder was trained on."""
    parent = encoder.provenance.parent("crops")
    if parent is None:
        raise InputError(f"{encoder.path}: names no crops folder; name one with --crops")
    return Path(parent.path)


def embed_songs(
    encoder: Header, crops: Crops, store_path: Path, name: str | None, device: str, encoder_class: str | None
) -> Embedded:
    """Add a vector for every recording of `crops` that the version does not hold, and refresh the songs.

    Raises InputError where the crops are no input for the encoder, UserError where
    the version was made by another encoder or from crops cut in another way. torch
    is imported only when there is something to embed.
    """
    rate = encoder.content["arguments"]["sample_rate"]
    if rate != crops.sample_rate:
        raise InputError(f"{crops.folder}: crops of {crops.sample_rate} Hz, but the encoder hears {rate} Hz")
    version = _version(encoder, crops, name)
    with open_or_make_store(store_path, TOOL) as store:
        same_name = next((found for found in store.versions() if found.name == version.name), None)
        _refuse_another(store, version, same_name)
        have = store.audio_ids(version.name)
        wanted = [audio_id for audio_id in crops.audio_ids if audio_id not in have]
        embed = load_encoder(encoder, device, encoder_class) if wanted else None
        if same_name is None:
            store.add_version(version)
        store.replace_songs(crops.songs)
        if embed:
            _add(store, version.name, crops, wanted, embed, set(encoder.content["ratings_seen"]))
    return Embedded(version.name, len(wanted), len(have))


def _version(encoder: Header, crops: Crops, name: str | None) -> Version:
    return Version(
        name=name or f"{encoder.content['model'].rpartition(':')[2]}-{encoder.fingerprint[:8]}",
        encoder_fingerprint=encoder.fingerprint,
        dimension=encoder.content["embedding_dim"],
        settings={"policy": crops.policy, "window_s": encoder.content["window_s"]},
        parents=(encoder.as_parent(), Parent("crops", str(crops.folder.resolve()), crops.fingerprint)),
        created=Provenance("version", 1, TOOL).created,
    )


def _refuse_another(store: EmbeddingStore, version: Version, same_name: Version | None) -> None:
    if same_name is None:
        return
    if same_name.encoder_fingerprint != version.encoder_fingerprint:
        raise UserError(f"{store.path}: version {version.name!r} is of another encoder; name a new one with --version")
    if same_name.settings != version.settings:
        raise UserError(
            f"{store.path}: version {version.name!r} is of {same_name.settings}, not of {version.settings}; "
            "name a new one with --version"
        )


def _add(store: EmbeddingStore, version: str, crops: Crops, wanted: list[str], embed: Embed, seen: set[str]) -> None:
    """Embed the wanted recordings; after a signal, those that are done are written before the process leaves."""
    held: list[tuple[str, Vector]] = []
    with stop_request() as stop, progress("embedding", len(wanted), "songs") as shown:
        for audio_id, waveforms in groupby(_waveforms(crops, set(wanted)), key=lambda waveform: waveform.audio_id):
            held.append((audio_id, embed(waveforms)))
            shown.advance()
            if len(held) == SONGS_PER_TRANSACTION or stop:
                _write(store, version, held, seen)
                held = []
            stop.leave_if_asked()
    _write(store, version, held, seen)


def _write(store: EmbeddingStore, version: str, held: list[tuple[str, Vector]], seen: set[str]) -> None:
    if held:
        audio_ids = [audio_id for audio_id, _ in held]
        matrix = np.stack([vector for _, vector in held])
        store.add_vectors(version, audio_ids, matrix, [audio_id in seen for audio_id in audio_ids])


def _waveforms(crops: Crops, wanted: set[str]) -> Iterator[Waveform]:
    """Yield the wanted crops; those of one song follow each other, as they were written together."""
    for group in crops.groups:
        if wanted.intersection(group.audio_ids):
            yield from (waveform for waveform in crops.read(group) if waveform.audio_id in wanted)
