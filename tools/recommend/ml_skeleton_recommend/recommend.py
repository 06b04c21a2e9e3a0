"""Ranks the songs that the listener has not rated by the stars that a classifier expects."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from ml_skeleton.artifacts.checkpoints import Header
from ml_skeleton.artifacts.embeddings import EmbeddingStore
from ml_skeleton.artifacts.files import fingerprint_of
from ml_skeleton.artifacts.playlists import FORMAT, KIND, Entry, Playlist, is_written, write_playlist
from ml_skeleton.artifacts.provenance import Parent, Provenance
from ml_skeleton.console import MOST_SPEECH
from ml_skeleton.errors import InputError
from ml_skeleton.music.classifiers.saved import inputs_for, load_predictor, vectors_for
from ml_skeleton.music.rated import SharedVectors
from ml_skeleton.music.recordings import Recording, recordings_of
from ml_skeleton.music.scores import STARS

TOOL = "recommend"
NAME = "best"
TITLE = "Best songs not rated yet"


@dataclass(frozen=True)
class Candidates:
    """The songs that can be recommended, and what they are ranked by."""

    classifier: Header
    vectors: SharedVectors
    parents: tuple[Parent, ...]
    recordings: list[Recording]  # unrated, there to play, and with a vector
    cue_tracks: int  # left out: a playlist points to files, not into them
    spoken: int  # left out as speech
    alike: int  # left out as they sound the same as a rated song or another candidate

    def purpose(self, top: int) -> str:
        """Return the fingerprint of all that decides the playlist."""
        shown = [repr(recording.song) for recording in self.recordings]
        return fingerprint_of(*(parent.fingerprint for parent in self.parents), str(top), *shown)

    def is_written(self, out: Path, top: int) -> bool:
        """Return whether `out` holds this very playlist."""
        return is_written(out, NAME, self.purpose(top))


def store_of(classifier: Header) -> Path:
    """Return the embedding database that the classifier was trained on."""
    parent = classifier.provenance.parent("embeddings")
    if parent is None:
        raise InputError(f"{classifier.path}: names no embedding database; name one with --store")
    return Path(parent.path)


def find_candidates(classifier: Header, store: EmbeddingStore, max_speech: float = MOST_SPEECH) -> Candidates:
    """Return the recordings of which no copy is rated and one is there to play; needs no torch.

    Those of which more than `max_speech` is speech, 0 to 1, are left out, and
    those that sound the same as a rated one. Of those that sound the same as each
    other `recommend` takes one.

    Raises InputError for embeddings of another encoder than the classifier's, and
    when there is no candidate.
    """
    vectors, songs = vectors_for(classifier, store), store.songs()
    embedded, cue_files = set(vectors.audio_ids), {song.url for song in songs if song.start_s > 0}
    recordings = recordings_of(songs)
    unrated = [r for r in recordings if r.rating is None and r.available and r.audio_id in embedded]
    music = [recording for recording in unrated if recording.speech <= max_speech]
    whole_files = [recording for recording in music if recording.song.url not in cue_files]
    heard = {recording.group for recording in recordings if recording.rating is not None}
    new = [recording for recording in whole_files if recording.group not in heard]
    alike = len(whole_files) - len({recording.group for recording in new})
    spoken, cue_tracks = len(unrated) - len(music), len(music) - len(whole_files)
    if not new:
        raise InputError(
            f"{store.path}: no unrated song to recommend "
            f"({spoken} left out as speech, {cue_tracks} as cue tracks, {alike} as they sound like another)"
        )
    parents = (classifier.as_parent(), *vectors.parents)
    return Candidates(classifier, vectors, parents, new, cue_tracks, spoken, alike)


def recommend(candidates: Candidates, out: Path, top: int, model_class: str | None = None) -> list[Entry]:
    """Write the `top` candidates with the most expected stars to `out` as a playlist, and return it.

    The same candidates give the same bytes; ties go by the fingerprint of the
    audio. A classifier of the user's class is imported only if `model_class` names it.
    """
    classifier, recordings = candidates.classifier, candidates.recordings
    predicted = load_predictor(classifier, model_class).predict(inputs_for(classifier, recordings, candidates.vectors))
    expected = (STARS * np.stack([predicted.mean, *predicted.interval()])).T.tolist()
    stars = {recording.audio_id: row for recording, row in zip(recordings, expected, strict=True)}
    ranked = sorted(recordings, key=lambda recording: (-stars[recording.audio_id][0], recording.audio_id))
    chosen = first_of_each_group(ranked)[:top]
    entries = [Entry(recording.song, *stars[recording.audio_id]) for recording in chosen]
    settings = {"kind": NAME, "top": top, "purpose": candidates.purpose(top)}
    made_at = classifier.provenance.created  # not now: the same inputs give the same bytes
    provenance = Provenance(KIND, FORMAT, TOOL, settings, parents=candidates.parents, created=made_at)
    write_playlist(out, Playlist(NAME, TITLE, entries, provenance))
    return entries


def first_of_each_group(ranked: list[Recording]) -> list[Recording]:
    """Return the recordings without those that sound the same as one before them."""
    first: dict[str, Recording] = {}
    for recording in ranked:
        first.setdefault(recording.group, recording)
    return list(first.values())
