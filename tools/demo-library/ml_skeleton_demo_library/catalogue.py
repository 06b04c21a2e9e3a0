"""The catalogue: which artists made which albums with which songs, and how each song is to sound.

Everything here follows from the settings; nothing is synthesised or written yet.
"""

from dataclasses import dataclass, replace
from itertools import accumulate

import numpy as np
from ml_skeleton.artifacts.files import fingerprint_of

from ml_skeleton_demo_library.names import (
    ALBUM_FIRST,
    ALBUM_SECOND,
    ARTISTS,
    ODD_TITLES,
    TITLE_FIRST,
    TITLE_SECOND,
    file_name,
    shuffled_pairs,
)
from ml_skeleton_demo_library.piece import SPEECH, Piece
from ml_skeleton_demo_library.styles import STYLES, Range

SONGS_PER_ALBUM = 4.25
ALBUMS_PER_ARTIST = 2.35
FEWEST_ALBUMS = 5  # so that a tiny library has every container and can be split by album
MAX_SONGS = len(TITLE_FIRST) * len(TITLE_SECOND)

# Container, sample rate, channels of one album after the other. Weighted for size and time: stereo FLAC takes
# 85 kB a second, stereo Opus and MP3 take 20 ms of a core.
MEDIA = (
    ("flac", 44100, 2), ("ogg", 44100, 2), ("mp3", 44100, 2), ("opus", 48000, 2), ("wav", 22050, 1), ("ogg", 48000, 2),
    ("mp3", 22050, 2), ("flac", 22050, 2), ("ogg", 44100, 1), ("mp3", 32000, 2), ("ogg", 22050, 2), ("opus", 24000, 1),
    ("mp3", 24000, 2), ("ogg", 44100, 2), ("flac", 44100, 1), ("mp3", 44100, 1),
)  # fmt: skip


@dataclass(frozen=True)
class Settings:
    """What was asked for. The same settings give the same catalogue."""

    songs: int
    seconds: tuple[float, float]  # the shortest and the longest song
    seed: int
    styles: tuple[str, ...]
    odd_cases: bool


@dataclass(frozen=True)
class Song:
    """A song as the player lists it, and how it is to sound."""

    title: str
    artist: str
    album: str
    track: int
    year: int
    path: str  # inside the music folder
    piece: Piece

    @property
    def genre(self) -> str:
        """The style under its name."""
        return self.piece.style


@dataclass(frozen=True)
class Habits:
    """Where in the ranges of a style somebody stays; 0 to 1 each."""

    tempo: float
    brightness: float
    density: float
    dynamics: float
    room: float
    timbre: float

    def varied(self, spread: float, rng: np.random.Generator) -> "Habits":
        """Return habits near these; the timbre stays."""
        near = {
            name: float(np.clip(value + spread * rng.standard_normal(), 0, 1)) for name, value in vars(self).items()
        }
        return Habits(**near | {"timbre": self.timbre})


@dataclass(frozen=True)
class Album:
    """What the songs of an album have in common."""

    artist: str
    title: str
    year: int
    style: str
    container: str
    sample_rate: int
    channels: int
    habits: Habits
    tilt_db: float
    level_db: float


def generator(seed: int, *key: str | int) -> np.random.Generator:
    """Return the random generator that belongs to `key`, independent of every other key and of their order."""
    return np.random.default_rng(int(fingerprint_of(str(seed), *map(str, key)), 16))


def plan_songs(settings: Settings) -> list[Song]:
    """Return the songs, album by album."""
    albums = _plan_albums(settings)
    titles = shuffled_pairs(TITLE_FIRST, TITLE_SECOND, generator(settings.seed, "titles"))
    odd = _odd_titles(settings)
    songs: list[Song] = []
    for album, count in zip(albums, _album_sizes(settings, len(albums)), strict=True):
        for track in range(1, count + 1):
            title, stem = odd.get(len(songs), (titles[len(songs)], None))
            songs.append(_plan_song(settings, album, track, title, stem))
    return songs


def _plan_albums(settings: Settings) -> list[Album]:
    count = max(min(FEWEST_ALBUMS, settings.songs), round(settings.songs / SONGS_PER_ALBUM))
    artists = min(max(min(count, 3), round(count / ALBUMS_PER_ARTIST)), len(ARTISTS))
    rng = generator(settings.seed, "albums")
    names = [ARTISTS[index] for index in rng.permutation(len(ARTISTS))]
    titles = shuffled_pairs(ALBUM_FIRST, ALBUM_SECOND, rng)
    habits = [Habits(*rng.uniform(0.15, 0.85, 6)) for _ in range(artists)]
    albums = []
    for index in range(count):
        artist = index % artists
        container, sample_rate, channels = MEDIA[index % len(MEDIA)]
        albums.append(
            Album(
                artist=names[artist],
                title=titles[index % len(titles)],
                year=int(rng.integers(1995, 2025)),
                style=settings.styles[artist % len(settings.styles)],
                container=container,
                sample_rate=sample_rate,
                channels=channels,
                habits=habits[artist].varied(0.15, rng),
                tilt_db=float(np.clip(rng.standard_normal(), -2, 2)),
                level_db=float(rng.uniform(-21, -14)),
            )
        )
    return albums


def _album_sizes(settings: Settings, albums: int) -> list[int]:
    """Return how many songs each album has: between half and one and a half times the mean, all songs together."""
    weights = generator(settings.seed, "album sizes").uniform(0.5, 1.5, albums)
    spare = settings.songs - albums  # every album has one song at least
    ends = [round(spare * end / weights.sum()) for end in accumulate(weights)]
    return [1 + end - start for start, end in zip([0, *ends], ends, strict=False)]


def _odd_titles(settings: Settings) -> dict[int, tuple[str, str | None]]:
    """Return which songs, by their place in the library, have an odd title or file name."""
    if not settings.odd_cases:
        return {}
    places = generator(settings.seed, "odd titles").permutation(settings.songs)
    return {int(place): odd for place, odd in zip(places, ODD_TITLES, strict=False)}


def _plan_song(settings: Settings, album: Album, track: int, title: str, stem: str | None) -> Song:
    rng = generator(settings.seed, "song", album.artist, album.title, track)
    name = file_name(stem or f"{track:02d} {title}")
    shortest, longest = settings.seconds
    return Song(
        title=title,
        artist=album.artist,
        album=album.title,
        track=track,
        year=album.year,
        path=f"{file_name(album.artist)}/{file_name(album.title)}/{name}.{album.container}",
        # mostly short, now and then long: the mean is a seventh of the way up
        piece=compose(album, round(shortest + (longest - shortest) * rng.random() ** 6, 2), rng),
    )


def compose(album: Album, seconds: float, rng: np.random.Generator) -> Piece:
    """Return a piece in the manner of an album, `seconds` long."""
    style, habits = STYLES[album.style], album.habits.varied(0.2, rng)
    return Piece(
        style=album.style,
        seconds=seconds,
        sample_rate=album.sample_rate,
        channels=album.channels,
        tempo=_within(style.tempo, habits.tempo),
        root=int(rng.integers(48, 60)),
        minor=bool(rng.random() < 0.5),
        brightness=_within(style.brightness, habits.brightness),
        density=_within(style.density, habits.density),
        dynamics_db=_within(style.dynamics_db, habits.dynamics),
        timbre=habits.timbre,
        tilt_db=album.tilt_db,
        level_db=album.level_db + float(rng.normal(0, 0.7)),
        room=_within(style.room, habits.room),
        seed=int(rng.integers(2**31)),
    )


def _within(bounds: Range, share: float) -> float:
    low, high = bounds
    return low + (high - low) * share


def as_speech(piece: Piece, seconds: float) -> Piece:
    """Return a piece that a speaker of about that pitch and level reads for `seconds`."""
    return replace(piece, style=SPEECH, seconds=seconds, root=115, tilt_db=0.0)
