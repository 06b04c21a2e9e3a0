"""What is known about the training songs, on the device, so that a batch takes rows of it without a loop."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import torch
from ml_skeleton.artifacts.songs import Song
from ml_skeleton.music.losses import Labels
from ml_skeleton.music.recordings import Recording
from torch import Tensor

FEWEST_SHARING = 2  # songs of a group; one that nobody shares draws nothing together
LARGEST_SHARE = 0.2  # of the songs; a playlist or genre of more is the library, not a taste


@dataclass(frozen=True)
class Groups:
    """Which groups (albums, artists, playlists, genres) each song belongs to."""

    index: Tensor  # (N, K) int64: the song's groups, then `count` as often as it takes to fill the row
    count: int

    def of(self, rows: Tensor) -> Tensor:
        """Return 1 for each group of the songs `rows` (B,) int64, else 0: (B, count) float32."""
        marked = torch.zeros(len(rows), self.count + 1, device=rows.device)
        return marked.scatter_(1, self.index[rows], 1.0)[:, : self.count]


class SongLabels:
    """The labels of all training songs; `labels[rows]` are those of a batch.

    `rows` (B,) int64 on the same device counts within the recordings that it was
    made of; a song may stand in it several times, once for each of its windows.
    """

    def __init__(self, recordings: Sequence[Recording], albums: Sequence[str], device: torch.device) -> None:
        ratings = [recording.rating for recording in recordings]
        years = [recording.song.year for recording in recordings]
        largest = max(FEWEST_SHARING, int(LARGEST_SHARE * len(recordings)))
        self.rating, self.year = _numbers(ratings, device), _numbers(years, device)
        self.albums = _groups([recording.album_keys for recording in recordings], albums, device)
        self.artists, self.playlists, self.genres = (
            _groups(names, _shared(names, most), device)
            for names, most in (
                ([[recording.artist] for recording in recordings], len(recordings)),
                (_of_copies(recordings, lambda song: song.playlists or ()), largest),
                (_of_copies(recordings, lambda song: [song.genre.casefold().strip()]), len(recordings)),
            )
        )

    def __getitem__(self, rows: Tensor) -> Labels:
        return Labels(
            rating=self.rating[rows],
            albums=self.albums.of(rows),
            artists=self.artists.of(rows),
            playlists=self.playlists.of(rows),
            genres=self.genres.of(rows),
            year=self.year[rows],
            song=rows,
        )


def _of_copies(recordings: Sequence[Recording], names: Callable[[Song], Iterable[str]]) -> list[set[str]]:
    """Return for each recording what any of its copies is in."""
    return [{name for song in recording.songs for name in names(song)} for recording in recordings]


def _shared(names: Sequence[Iterable[str]], most: int) -> list[str]:
    """Return the names, but "", that at least two and at most `most` songs have, sorted."""
    count = Counter(name for names_of_song in names for name in names_of_song)
    return sorted(name for name, songs in count.items() if name and FEWEST_SHARING <= songs <= most)


def _groups(names: Sequence[Iterable[str]], known: Sequence[str], device: torch.device) -> Groups:
    """Return which of the known names each song has."""
    number = {name: index for index, name in enumerate(known)}
    rows = [[number[name] for name in names_of_song if name in number] for names_of_song in names]
    width = max(map(len, rows), default=0)
    filled = [[*row, *[len(known)] * (width - len(row))] for row in rows]
    index = torch.tensor(filled, dtype=torch.int64, device=device).reshape(len(rows), width)
    return Groups(index, len(known))


def _numbers(values: Iterable[float | None], device: torch.device) -> Tensor:
    """Return the values as float32, NaN for None."""
    return torch.tensor([float("nan") if v is None else v for v in values], dtype=torch.float32, device=device)
