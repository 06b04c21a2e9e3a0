"""Gathers what is measured: the versions in question, the controls, and the library around the rated songs."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import numpy.typing as npt
from ml_skeleton.artifacts.embeddings import EmbeddingStore
from ml_skeleton.artifacts.files import fingerprint_of
from ml_skeleton.artifacts.songs import Song
from ml_skeleton.console import counted, warn
from ml_skeleton.errors import InputError
from ml_skeleton.music.inputs import METADATA
from ml_skeleton.music.rated import RatedSongs, SharedVectors, Targeting, rated_songs, vectors_of
from ml_skeleton.music.recordings import Recording, recordings_of

from ml_skeleton_evaluate.contest import METADATA as TAGS
from ml_skeleton_evaluate.contest import Contestant

BESIDE = "+"  # between the names of versions that are used side by side


@dataclass(frozen=True)
class Gathered:
    """All that is measured, the rated songs of every contestant in the same order."""

    versions: list[RatedSongs]
    contestants: list[Contestant]  # the versions first, then the tags alone and the controls
    heard: list[SharedVectors]  # of each version, all of the library
    songs: list[Song]  # every song of the player
    max_speech: float

    @cached_property
    def library(self) -> list[Recording]:
        """All recordings."""
        return recordings_of(self.songs)

    @property
    def recordings(self) -> list[Recording]:
        """The rated recordings, and after them those with a weak label."""
        return self.versions[0].recordings

    @property
    def tested(self) -> npt.NDArray[np.intp]:
        """The rows of the rated songs whose rating no version's encoder has seen."""
        examples = [songs.examples for songs in self.versions]
        seen = np.any([one.seen for one in examples], axis=0)
        return np.flatnonzero(~seen & ~examples[0].weak)

    def purpose(self, *settings: object) -> str:
        """Return the fingerprint of all that decides the figures."""
        learned = [songs.purpose() for songs in self.versions]
        others = [contestant.examples.inputs.matrix.tobytes() for contestant in self.contestants]
        whole = [heard.matrix.tobytes() for heard in self.heard]
        songs = [repr(recording.song) for recording in self.library]
        return fingerprint_of(*learned, *others, *whole, *songs, *map(repr, (self.max_speech, *settings)))


def gather(store: EmbeddingStore, names: Sequence[str] | None, max_speech: float, targeting: Targeting) -> Gathered:
    """Return the versions of these names, the newest for None, rejected or not, and what they are measured beside.

    A name may hold several versions that are used side by side, with + between
    them. Of the rated songs those count that all versions hold. Controls are
    versions of the store that are named as embed names an untrained encoder's.
    """
    every = {version.name: version for version in store.versions()}
    names = names or [store.newest(rejected_too=True).name]
    chosen = [name if name in every else name.split(BESIDE) for name in names]
    versions = [rated_songs(store, name, max_speech, targeting) for name in chosen]
    shared = set.intersection(*({r.audio_id for r in songs.recordings} for songs in versions))
    versions = [songs.only(shared) for songs in versions]
    if not versions[0].rated:
        raise InputError(f"{store.path}: versions {', '.join(names)} have no rated song in common")
    tags = rated_songs(store, chosen[0], max_speech, replace(targeting, features=(METADATA,))).only(shared)
    measured = {version.name for songs in versions for version in songs.versions}
    controls = [name for name, version in every.items() if version.is_control and name not in measured]
    found = [_control(store, name, max_speech, targeting, shared) for name in controls]
    contestants = [Contestant(_name(songs), songs.examples, True) for songs in versions]
    contestants += [Contestant(TAGS, tags.examples, False)]
    contestants += [Contestant(_name(songs), songs.examples, False) for songs in found if songs]
    heard = [vectors_of(store, [version.name for version in songs.versions]) for songs in versions]
    return Gathered(versions, contestants, heard, store.songs(), max_speech)


def _control(
    store: EmbeddingStore, name: str, max_speech: float, targeting: Targeting, shared: set[str]
) -> RatedSongs | None:
    lacks = len(shared - store.audio_ids(name))
    if lacks:
        warn(f"control {name} has no vector of {counted(lacks, 'song')} and is left out; embed it again")
        return None
    return rated_songs(store, name, max_speech, targeting).only(shared)


def _name(songs: RatedSongs) -> str:
    return BESIDE.join(version.name for version in songs.versions)
