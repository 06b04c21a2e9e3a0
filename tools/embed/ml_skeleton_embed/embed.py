"""Turns crops into vectors and adds them to an embedding store."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from ml_skeleton.artifacts.checkpoints import Header
from ml_skeleton.artifacts.crops import Crops
from ml_skeleton.artifacts.embeddings import EmbeddingStore, Health, Version, open_or_make_store
from ml_skeleton.artifacts.provenance import Provenance
from ml_skeleton.console import progress, warn
from ml_skeleton.errors import InputError, UserError
from ml_skeleton.interrupts import stop_request
from ml_skeleton.music.health import measure_health

from ml_skeleton_embed.apply import Applied, Precision, load_encoder
from ml_skeleton_embed.places import Song, batches
from ml_skeleton_embed.reading import ahead, songs_of

TOOL = "embed"
SONGS_PER_TRANSACTION = 256


@dataclass(frozen=True)
class Options:
    """How an encoder is applied."""

    version: str | None = None  # None: named by the encoder
    device: str = "auto"
    precision: Precision = "float32"
    encoder_class: str | None = None
    prune: bool = False  # remove vectors, of all versions, whose recording is in no song any more


@dataclass(frozen=True)
class Embedded:
    """What one run came to."""

    version: str
    added: int
    kept: int
    strays: int  # vectors of the version that belong to no song of the library
    pruned: int
    health: Health | None

    def __str__(self) -> str:
        text = f"{self.added} songs embedded, {self.kept} already there, version {self.version}"
        if self.strays:
            text += f"; it also holds {self.strays} vectors of songs that are gone, which count nowhere (see --prune)"
        return text + (f"; {self.pruned} vectors of songs that are gone removed" if self.pruned else "")


def crops_of(encoder: Header) -> Path:
    """Return the crops folder that the encoder was trained on."""
    parent = encoder.provenance.parent("crops")
    if parent is None:
        raise InputError(f"{encoder.path}: names no crops folder; name one with --crops")
    return Path(parent.path)


def embed_songs(encoder: Header, crops: Crops, store_path: Path, options: Options) -> Embedded:
    """Add a vector for every song of `crops` that the version does not hold, and refresh songs and health.

    Raises InputError where the crops are no input for the encoder, UserError where
    the version was made by another encoder or in another way, or no vector is a
    number. torch is imported only when there is something to embed.
    """
    rate = encoder.content["arguments"]["sample_rate"]
    if rate != crops.sample_rate:
        raise InputError(f"{crops.folder}: crops of {crops.sample_rate} Hz, but the encoder hears {rate} Hz")
    _warn_of_other_crops(encoder, crops)
    version = _version(encoder, crops, options)
    there = {song.audio_id for song in crops.songs if song.audio_id} & set(crops.audio_ids)
    with open_or_make_store(store_path, TOOL) as store:
        same_name = next((found for found in store.versions() if found.name == version.name), None)
        _refuse_another(store, version, same_name)
        wanted = there - store.audio_ids(version.name)
        applied = load_encoder(encoder, options.device, options.encoder_class, options.precision) if wanted else None
        if same_name is None:
            store.add_version(version)
        store.replace_songs(crops.songs)
        pruned = store.drop_strays() if options.prune else 0
        seen = set(encoder.content["ratings_seen"])
        added = _add(store, version.name, crops, wanted, applied, seen) if applied else 0
        counted = store.count(version.name)
        known = same_name.health if same_name else None
        health = known if known and known.songs == counted.songs and not added else _measure(store, version.name)
    return Embedded(version.name, added, len(there) - len(wanted), counted.strays, pruned, health)


def _version(encoder: Header, crops: Crops, options: Options) -> Version:
    settings = {"policy": crops.policy, "window_s": encoder.content["window_s"]}
    if options.precision != "float32":  # left out as in the stores of earlier releases
        settings["precision"] = options.precision
    return Version(
        name=options.version or f"{encoder.content['model'].rpartition(':')[2]}-{encoder.fingerprint[:8]}",
        encoder_fingerprint=encoder.fingerprint,
        dimension=encoder.content["embedding_dim"],
        settings=settings,
        parents=(encoder.as_parent(), crops.as_parent()),
        created=Provenance("version", 1, TOOL).created,
        parts=encoder.content.get("embedding_parts", {}),  # an encoder of an earlier release does not say
    )


def _warn_of_other_crops(encoder: Header, crops: Crops) -> None:
    trained_on = encoder.provenance.parent("crops")
    if trained_on is not None and trained_on.part not in (None, crops.policy):
        warn(
            f"{encoder.path}: trained on crops of {trained_on.part}, and these are of {crops.policy}; "
            "--policy chooses others"
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


def _add(store: EmbeddingStore, version: str, crops: Crops, wanted: set[str], applied: Applied, seen: set[str]) -> int:
    """Embed the wanted recordings and return how many got a vector.

    After a signal those that are done are written before the process leaves.
    """
    held: list[Song] = []
    failed: list[str] = []
    coming = ahead(batches(songs_of(crops, wanted), applied.rows, applied.length))
    with stop_request() as stop, progress("embedding", len(wanted), "songs") as shown:
        for batch in coming:
            vectors = applied.hear(batch)
            for row, song, number in batch.places:
                song.windows[number] = vectors[row]
            done = {song.audio_id: song for _, song, _ in batch.places if song.is_done}
            held += done.values()
            shown.advance(len(done))
            if len(held) >= SONGS_PER_TRANSACTION or stop:
                failed += _write(store, version, held, seen)
                held = []
            stop.leave_if_asked()
    failed += _write(store, version, held, seen)
    if len(failed) == len(wanted) and not store.audio_ids(version):
        store.drop_version(version)  # or an empty one would be the newest
    _tell_failed(crops, failed, len(wanted))
    return len(wanted) - len(failed)


def _write(store: EmbeddingStore, version: str, songs: list[Song], seen: set[str]) -> list[str]:
    """Write the vectors that are numbers, and return the recordings whose vector is not."""
    vectors = {song.audio_id: song.vector() for song in songs}
    good = {audio_id: vector for audio_id, vector in vectors.items() if np.isfinite(vector).all()}
    if good:
        store.add_vectors(version, list(good), np.stack(list(good.values())), [audio_id in seen for audio_id in good])
    return sorted(vectors.keys() - good.keys())


def _tell_failed(crops: Crops, failed: list[str], wanted: int) -> None:
    if not failed:
        return
    example = next(song.label for song in crops.songs if song.audio_id == failed[0])
    text = f"the encoder gave no number for {len(failed)} of {wanted} songs, such as {example}"
    if len(failed) == wanted:
        raise UserError(f"{text}; train it again, perhaps with a lower --lr")
    warn(f"{text}; they have no vector")


def _measure(store: EmbeddingStore, version: str) -> Health | None:
    """Measure the version's health on the songs of the library, and store it."""
    vectors, living = store.vectors(version), {song.audio_id for song in store.songs()}
    rows = [row for row, audio_id in enumerate(vectors.audio_ids) if audio_id in living]
    health = measure_health(vectors.matrix[rows])
    store.set_health(version, health)
    return health
