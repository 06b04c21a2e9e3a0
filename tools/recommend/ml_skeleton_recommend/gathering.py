"""Gathers a library from its store, or takes up what was gathered before: the catalogue beside the store."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from ml_skeleton import __version__
from ml_skeleton.artifacts.catalogues import (
    FORMAT,
    KIND,
    Catalogue,
    catalogue_of,
    read_catalogue,
    recordings_table,
    write_catalogue,
)
from ml_skeleton.artifacts.checkpoints import Header
from ml_skeleton.artifacts.embeddings import EmbeddingStore, open_store, state_of
from ml_skeleton.artifacts.files import fingerprint_of
from ml_skeleton.artifacts.provenance import Provenance
from ml_skeleton.artifacts.songs import Song, to_table
from ml_skeleton.errors import InputError, UserError
from ml_skeleton.music.candidates import cue_tracks, lengths_s, rated_or_alike, speech_of
from ml_skeleton.music.classifiers.saved import inputs_for, load_predictor, vectors_for
from ml_skeleton.music.inputs import Matrix
from ml_skeleton.music.neighbours import Neighbours, crowd_of
from ml_skeleton.music.recordings import Recording, recordings_of

from ml_skeleton_recommend.library import Floats, Library, codes_of

TOOL = "recommend"
DAY_S = 86_400.0


def read_library(classifier: Header, store: EmbeddingStore, model_class: str | None = None) -> Library:
    """Return the library of a store; raise InputError for embeddings of another encoder than the classifier's."""
    path, purpose = catalogue_of(store.path), _purpose(classifier, store)
    try:
        kept = read_catalogue(path) if model_class is None else None
    except InputError:  # none yet, or of an older format: it can always be made anew
        kept = None
    if kept and kept.provenance.settings["purpose"] == purpose:
        versions = tuple(store.version(str(parent.part)) for parent in kept.provenance.parents)

        def read_matrix() -> Matrix:
            with open_store(store.path) as again:
                return vectors_for(classifier, again).of(recordings_of(again.songs()))[1]

        return Library(classifier, versions, kept, read_matrix)
    vectors, songs = vectors_for(classifier, store), store.songs()
    recordings, matrix = vectors.of(recordings_of(songs))
    provenance = Provenance(KIND, FORMAT, TOOL, {"purpose": purpose}, parents=vectors.parents)
    made = _gathered(classifier, songs, recordings, matrix, provenance, model_class)
    if model_class is None:  # what a class of the listener's own says may change without a trace in the checkpoint
        _keep(path, made)
    return Library(classifier, vectors.versions, made, lambda: matrix, model_class)


def _purpose(classifier: Header, store: EmbeddingStore) -> str:
    """Return the fingerprint of all that the catalogue holds and of who makes it."""
    return fingerprint_of(state_of(store.path), json.dumps(classifier.content, sort_keys=True), __version__)


def _keep(path: Path, catalogue: Catalogue) -> None:
    try:
        write_catalogue(path, catalogue)
    except UserError:  # a folder that may only be read: the next list takes as long as this one
        return


def _gathered(
    classifier: Header,
    songs: Sequence[Song],
    recordings: Sequence[Recording],
    matrix: Matrix,
    provenance: Provenance,
    model_class: str | None,
) -> Catalogue:
    """Return the catalogue of recordings with vectors (N, D)."""
    inputs = inputs_for(classifier, recordings, matrix)
    predicted = load_predictor(classifier, model_class).predict(inputs)
    low, high = predicted.interval()
    unit = Neighbours(matrix, hub_correction=False).unit
    crowd = crowd_of(unit)
    columns = {
        **_known_of(recordings, songs),
        "expected": predicted.mean,
        "low": low,
        "high": high,
        "usual_cosine": crowd.mean,
        "cosine_deviation": crowd.deviation,
    }
    together = [song for recording in recordings for song in recording.songs]
    others = {song.song_id for song in songs} - {song.song_id for song in together}
    table = to_table([*together, *(song for song in songs if song.song_id in others)])
    return Catalogue(provenance, table, recordings_table(columns, unit))


def _known_of(recordings: Sequence[Recording], songs: Sequence[Song]) -> dict[str, Any]:
    """Return the columns of a catalogue that the player and the crops tell, by name."""
    copies = np.array([len(recording.songs) for recording in recordings], dtype=np.intp)
    first = np.cumsum(copies) - copies
    return {
        "audio_id": [recording.audio_id for recording in recordings],
        "first": first,
        "copies": copies,
        "shown": first + [recording.songs.index(recording.song) for recording in recordings],
        "available": [recording.available for recording in recordings],
        "rating": np.array([np.nan if r.rating is None else r.rating for r in recordings], dtype=np.float64),
        "known": rated_or_alike(recordings, songs),
        "artist": codes_of(recording.artist for recording in recordings),
        "album": codes_of(next(iter(recording.album_keys), "") for recording in recordings),
        "group": codes_of(recording.group for recording in recordings),
        "length_s": lengths_s(recordings),
        "days_unplayed": _days_unplayed(recordings),
        "cue": cue_tracks(recordings, songs),
        "speech": speech_of(recordings),
    }


def _days_unplayed(recordings: Sequence[Recording]) -> Floats:
    """Return the days (N,) since each was played last, counted from the newest date in the library; inf if never."""
    dates = [max(song.lastplayed or 0, song.added or 0) for r in recordings for song in r.songs]
    played = np.array([max(song.lastplayed or 0 for song in r.songs) for r in recordings], dtype=np.float64)
    return np.where(played > 0, (max(dates, default=0) - played) / DAY_S, np.inf)
