"""Situations: what is known of songs when they are predicted, as songs to learn from and songs to ask for.

new song     other songs of its album may be rated, as when an album is being rated
new album    no song of its album is rated, its artist may be known
new artist   nobody of its artist is rated, and no song of its albums: by ear alone
later        songs rated later, predicted from those rated before
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from ml_skeleton.artifacts.evaluations import LATER, NEW_ALBUM, NEW_ARTIST, NEW_SONG
from ml_skeleton.music.recordings import Recording
from ml_skeleton.music.splits import album_folds, artist_folds, song_folds

Rows = npt.NDArray[np.intp]

FEWEST_TESTED = 5
FEWEST_BEFORE = 5
DATES = ("rating_changed", "lastplayed", "added")  # of a song, the best witness of its rating first
LATEST = 0.2  # of the dated ratings are later, where no date is given


@dataclass(frozen=True)
class Split:
    """Rows of songs to learn from, and of songs to ask for."""

    known: Rows
    asked: Rows


@dataclass(frozen=True)
class Plan:
    """A situation, as splits that together ask for each tested song once."""

    name: str
    splits: tuple[Split, ...]

    @property
    def by_ear(self) -> bool:
        """Whether neither artist nor album may be used."""
        return self.name == NEW_ARTIST

    @property
    def tested(self) -> Rows:
        """The rows that are asked for, in order."""
        return np.sort(np.concatenate([split.asked for split in self.splits]))


def plans_for(
    recordings: Sequence[Recording], tested: Rows, folds: int, seed: int, since: int | None
) -> dict[str, Plan]:
    """Return the situations by name in which enough of the `tested` rows can be asked for.

    `since` is the Unix time that LATER begins with, by default when the last fifth of the ratings does.
    """
    rows = {
        NEW_SONG: _by_fold(song_folds(recordings, folds, seed), tested),
        NEW_ALBUM: _by_fold(album_folds(recordings, folds, seed), tested),
        NEW_ARTIST: _without_their_albums(recordings, _by_fold(artist_folds(recordings, folds, seed), tested)),
        LATER: _in_time(recordings, tested, since),
    }
    plans = {name: Plan(name, tuple(split for split in splits if len(split.known))) for name, splits in rows.items()}
    return {name: plan for name, plan in plans.items() if sum(len(s.asked) for s in plan.splits) >= FEWEST_TESTED}


def rated_at(recording: Recording) -> int | None:
    """Return the Unix time that stands for when the recording was rated, None if nothing does.

    The players keep no such time. What is known is when a run of clem-extract
    first found another rating; else when the song was last played, which is later than
    the rating where it was played again; else when it came into the library, which is earlier.
    """
    times = [max(getattr(song, name) or 0 for song in recording.songs) for name in DATES]
    return next(filter(None, times), None)


def _by_fold(folds: Iterable[int], tested: Rows) -> list[Split]:
    fold_of = np.array(list(folds))
    found = np.unique(fold_of[tested])
    return [Split(np.flatnonzero(fold_of != fold), tested[fold_of[tested] == fold]) for fold in found]


def _without_their_albums(recordings: Sequence[Recording], splits: Sequence[Split]) -> list[Split]:
    """Return the splits without known songs that share an album with one asked for, as guests on a compilation do."""
    cleaned = []
    for split in splits:
        albums = {key for row in split.asked for key in recordings[row].album_keys}
        apart = [row for row in split.known if albums.isdisjoint(recordings[row].album_keys)]
        cleaned.append(Split(np.array(apart, dtype=np.intp), split.asked))
    return cleaned


def _in_time(recordings: Sequence[Recording], tested: Rows, since: int | None) -> list[Split]:
    times = np.array([rated_at(recording) or 0 for recording in recordings])
    dated = np.sort(times[times > 0])
    if not len(dated):
        return []
    start = since if since is not None else dated[int(len(dated) * (1 - LATEST))]
    before = np.flatnonzero((times > 0) & (times < start))
    return [Split(before, tested[times[tested] >= start])] if len(before) >= FEWEST_BEFORE else []
