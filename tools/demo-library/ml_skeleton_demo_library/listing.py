"""The listing: every file of the library and every row the player is to have, the odd cases among them."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import Enum
from functools import cached_property

import numpy as np

from ml_skeleton_demo_library.catalogue import Settings, Song, as_speech, generator, plan_songs

CUE_TRACKS = 4
CUE_FRAMES_PER_S = 75  # a cue sheet counts in these
CUE_RATE = 22_050  # Hz: a whole number of samples per cue frame
SAMPLER_SONGS = 3
DAMAGED = "Various Damage"  # folder of the files that went wrong
VARIOUS = "Various Artists"


class State(Enum):
    """What became of the file of a row."""

    WHOLE = "whole"
    COPY = "copy"  # the same bytes are also another row
    TRUNCATED = "truncated"  # two thirds are missing
    EMPTIED = "emptied"  # no byte is left; the row is from before that
    BROKEN = "broken"  # random bytes
    DELETED = "deleted"  # the file is gone and the player knows
    MISSING = "missing"  # the file is gone and the player does not know


@dataclass(frozen=True)
class Recording:
    """An audio file: one song, or the tracks of a cue sheet end to end."""

    path: str  # inside the music folder
    songs: tuple[Song, ...]

    @property
    def cue_path(self) -> str | None:
        """The cue sheet beside the file, if it holds more than one track."""
        return self.path.rpartition(".")[0] + ".cue" if len(self.songs) > 1 else None


@dataclass(frozen=True)
class Entry:
    """A row of the player."""

    song: Song  # its path is the row's own
    recording: str  # path of the recording that the song was heard in
    part: int = 0  # which song of that recording
    state: State = State.WHOLE
    albumartist: str = ""

    @property
    def compilation(self) -> bool:
        """Whether the album holds songs of several artists."""
        return self.albumartist == VARIOUS


@dataclass(frozen=True)
class Listing:
    """What is to be written."""

    recordings: list[Recording]
    entries: list[Entry]

    def recording(self, path: str) -> Recording:
        """Return the recording at `path`."""
        return self._by_path[path]

    @cached_property
    def _by_path(self) -> dict[str, Recording]:
        return {recording.path: recording for recording in self.recordings}

    def files(self) -> list[str]:
        """Return the path of every file, inside the music folder."""
        gone = (State.DELETED, State.MISSING)
        paths = [entry.song.path for entry in self.entries if entry.state not in gone]
        return list(dict.fromkeys(paths + [cue for recording in self.recordings if (cue := recording.cue_path)]))


def plan_listing(settings: Settings) -> Listing:
    """Return the listing of a library with these settings."""
    songs = plan_songs(settings)
    recordings = [Recording(song.path, (song,)) for song in songs]
    if settings.odd_cases:
        recordings += [_cue_album(settings, songs), _reading(settings, songs), _two_seconds(settings, songs)]
    entries = [
        Entry(song, recording.path, part, albumartist=song.artist if recording.cue_path else "")
        for recording in recordings
        for part, song in enumerate(recording.songs)
    ]
    if settings.odd_cases:
        rng = generator(settings.seed, "odd cases")
        entries += [*_sampler(songs, rng), *_damaged(songs, rng)]
    return Listing(recordings, entries)


def _cue_album(settings: Settings, songs: list[Song]) -> Recording:
    """A live album as one file; its tracks are what the artist plays on other albums, played anew."""
    artist = songs[0].artist
    path = f"{artist.replace('/', '_')}/Live Set/Live Set.flac"
    tracks = []
    for track in range(1, CUE_TRACKS + 1):
        model = songs[(track - 1) % len(songs)]
        rng = generator(settings.seed, "live", track)
        low, high = settings.seconds
        frames = round((low + 0.15 * (high - low) * rng.random()) * CUE_FRAMES_PER_S)
        piece = replace(
            songs[0].piece,
            seconds=frames / CUE_FRAMES_PER_S,
            sample_rate=CUE_RATE,
            channels=2,
            tempo=model.piece.tempo if model.artist == artist else songs[0].piece.tempo * (0.9 + 0.05 * track),
            root=int(rng.integers(48, 60)),
            density=float(rng.uniform(0.2, 1)),
            seed=int(rng.integers(2**31)),
        )
        title = f"{('Opening', 'Second Number', 'Request', 'Encore')[track - 1]} (Live)"
        tracks.append(replace(songs[0], title=title, album="Live Set", track=track, path=path, piece=piece))
    return Recording(path, tuple(tracks))


def _reading(settings: Settings, songs: list[Song]) -> Recording:
    """A minute of a speaker."""
    path = "Ada Plainvoice/Readings/01 Chapter One.ogg"
    piece = as_speech(replace(songs[0].piece, sample_rate=CUE_RATE, channels=1), round(settings.seconds[1] * 2 / 3, 2))
    song = Song("Chapter One", "Ada Plainvoice", "Readings", 1, 2011, path, piece)
    return Recording(path, (song,))


def _two_seconds(settings: Settings, songs: list[Song]) -> Recording:
    """A song that is over before it has begun."""
    model = songs[0]
    folder, _, name = model.path.rpartition("/")
    song = replace(
        model,
        title="Blink",
        track=99,
        path=f"{folder}/99 Blink.{name.rpartition('.')[2]}",
        piece=replace(model.piece, seconds=min(2.0, settings.seconds[0]), seed=model.piece.seed + 1),
    )
    return Recording(song.path, (song,))


def _sampler(songs: list[Song], rng: np.random.Generator) -> Iterator[Entry]:
    """Songs that are also on a compilation, as byte for byte the same files under another number."""
    for track, index in enumerate(rng.permutation(len(songs))[:SAMPLER_SONGS], start=1):
        song = songs[index]
        name = f"{track:02d} {song.path.rpartition('/')[2].removeprefix(f'{song.track:02d} ')}"
        copy = replace(song, album="Festival Sampler", track=track, path=f"{VARIOUS}/Festival Sampler/{name}")
        yield Entry(copy, song.path, state=State.COPY, albumartist=VARIOUS)


def _damaged(songs: list[Song], rng: np.random.Generator) -> Iterator[Entry]:
    """One row for everything that can go wrong with a file after, or before, the player has seen it."""
    oggs = [song for song in songs if song.path.endswith(".ogg")] or songs
    broken = replace(
        songs[0], title="Not Music", artist="", album=DAMAGED, track=-1, year=-1, path=f"{DAMAGED}/Not Music.mp3"
    )
    yield Entry(broken, songs[0].path, state=State.BROKEN)
    for state, title, models in (
        (State.TRUNCATED, "Cut Short", oggs),
        (State.EMPTIED, "Emptied", songs),
        (State.DELETED, "Deleted", songs),
        (State.MISSING, "Moved Away", songs),
    ):
        song = models[rng.integers(len(models))]
        ending = song.path.rpartition(".")[2]
        yield Entry(replace(song, title=title, path=f"{DAMAGED}/{title}.{ending}"), song.path, state=state)
