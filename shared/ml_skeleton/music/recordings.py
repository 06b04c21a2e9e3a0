"""Recordings: songs joined by their audio, so that one recording counts once whatever the number of its copies."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from ml_skeleton.artifacts.songs import Song


@dataclass(frozen=True, slots=True)
class Recording:
    """All songs of the player that are one recording."""

    audio_id: str
    songs: tuple[Song, ...]  # the most recently changed copy first: by a new rating, then by its file

    @property
    def song(self) -> Song:
        """The copy to show and to play: the most recently changed one that is there."""
        return next((song for song in self.songs if song.available), self.songs[0])

    @property
    def rating(self) -> float | None:
        """Of the most recently changed copy that has one, 0 to 1; None if the listener rated none."""
        return next((song.rating for song in self.songs if song.rating is not None), None)

    @property
    def available(self) -> bool:
        """Whether any copy is there."""
        return any(song.available for song in self.songs)

    @property
    def speech(self) -> float:
        """Share of it that is speech, 0 to 1; 0 where it was not measured."""
        return self.songs[0].speech or 0.0

    @property
    def group(self) -> str:
        """Equal for recordings that sound the same, other encodings or remasters of each other."""
        return self.songs[0].alike or self.audio_id

    @property
    def artist(self) -> str:
        """Who plays it, folded for comparison; "" if unknown."""
        return (self.song.artist or self.song.albumartist).casefold().strip()

    @property
    def album_keys(self) -> tuple[str, ...]:
        """The albums it is on."""
        return self.songs[0].album_keys


def _age(song: Song) -> tuple[int, int, int]:
    """Return a key that puts the copy first whose rating changed last, or else whose file did."""
    return -(song.rating_changed or 0), -(song.mtime or 0), song.song_id


def recordings_of(songs: Iterable[Song]) -> list[Recording]:
    """Return the recordings of all songs whose audio is known, ordered by audio_id."""
    copies: dict[str, list[Song]] = defaultdict(list)
    for song in songs:
        if song.audio_id:
            copies[song.audio_id].append(song)
    newest_first = {audio_id: tuple(sorted(same, key=_age)) for audio_id, same in copies.items()}
    return [Recording(audio_id, newest_first[audio_id]) for audio_id in sorted(newest_first)]
