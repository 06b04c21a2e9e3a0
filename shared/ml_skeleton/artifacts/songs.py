"""Songs: one row per song of the player's library, as it was when it was read.

The same columns stand in songs.parquet of a crops folder and in the songs table
of an embedding store. One recording can be several songs (copies, or the same
recording on several albums); `audio_id` joins them.
"""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from operator import attrgetter
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa

from ml_skeleton.artifacts.parquet import read_table

NO_ALBUM: tuple[str, ...] = ()
MOST_ALBUMS = 16  # of one recording; what is on more is a jingle or silence, and would tie unrelated albums together

SONGS_SCHEMA = pa.schema(
    [
        pa.field("song_id", pa.int64(), nullable=False),  # the player's ROWID
        pa.field("source", pa.string(), nullable=False),  # "clementine" or "strawberry"
        pa.field("url", pa.string(), nullable=False),  # as the player wrote it; what playlists hold
        pa.field("path", pa.string(), nullable=False),  # where this machine finds the file; U+FFFD where not UTF-8
        pa.field("title", pa.string(), nullable=False),  # "" where the tag is missing, like all text here
        pa.field("artist", pa.string(), nullable=False),
        pa.field("albumartist", pa.string(), nullable=False),  # the player's effective one
        pa.field("album", pa.string(), nullable=False),
        pa.field("album_keys", pa.list_(pa.string()), nullable=False),  # "albumartist|||album" of its copies
        pa.field("genre", pa.string(), nullable=False),
        pa.field("year", pa.int32()),
        pa.field("length_s", pa.float64()),  # null where the player does not know it
        pa.field("start_s", pa.float64(), nullable=False),  # from the start of the file; 0 but for cue tracks
        pa.field("rating", pa.float64()),  # 0 to 1 in tenths, half a star each; null where the listener gave none
        pa.field("playcount", pa.int64(), nullable=False),
        pa.field("skipcount", pa.int64(), nullable=False),
        pa.field("lastplayed", pa.int64()),  # Unix time; null if never
        pa.field("added", pa.int64()),  # Unix time
        pa.field("mtime", pa.int64()),  # Unix time of the file when it was read; null if it was not found
        pa.field("filesize", pa.int64()),  # bytes; null if the file was not found
        pa.field("available", pa.bool_(), nullable=False),  # the player knows it and the file is there
        pa.field("audio_id", pa.string()),  # fingerprint of the audio; null where nothing could be read
        pa.field("speech", pa.float64()),  # share of its crops that is speech, 0 to 1; null where not measured
        pa.field("playlists", pa.list_(pa.string())),  # of the listener that it stands in; null where not read
        pa.field("alike", pa.string()),  # audio_id for all recordings that sound the same; null where none does
        pa.field("rating_changed", pa.int64()),  # Unix time of the run that found another rating than before; else null
        pa.field(
            "score", pa.float64()
        ),  # the player's own guess from plays and skips, 0 to 100; null where it has none
    ]
)


@dataclass(frozen=True, slots=True)
class Song:
    """One row of SONGS_SCHEMA; see there for units and what null means."""

    song_id: int
    source: str
    url: str
    path: str
    title: str
    artist: str
    albumartist: str
    album: str
    album_keys: tuple[str, ...]
    genre: str
    year: int | None
    length_s: float | None
    start_s: float
    rating: float | None
    playcount: int
    skipcount: int
    lastplayed: int | None
    added: int | None
    mtime: int | None
    filesize: int | None
    available: bool
    audio_id: str | None
    speech: float | None = None
    playlists: tuple[str, ...] | None = None
    alike: str | None = None
    rating_changed: int | None = None
    score: float | None = None

    @property
    def label(self) -> str:
        """Artist and title for a person, or the file's name where there is no title."""
        return label_of(self.artist, self.title, self.path)


def label_of(artist: str, title: str, path: str) -> str:
    """Return artist and title for a person, or the file's name where there is no title."""
    title = title or Path(path).name
    return f"{artist} – {title}" if artist else title


class KnownFile(NamedTuple):
    """What a run remembers of a song: which file it read, and the rating then; columns of SONGS_SCHEMA."""

    url: str
    start_s: float
    mtime: int | None
    filesize: int | None
    audio_id: str | None
    length_s: float | None  # as the decoder found it, where the player does not know
    rating: float | None
    rating_changed: int | None


SONG_COLUMNS = tuple(field.name for field in fields(Song))
LIST_COLUMNS = tuple(field.name for field in SONGS_SCHEMA if pa.types.is_list(field.type))  # tuples in a Song


def album_key(albumartist: str, album: str) -> tuple[str, ...]:
    """Return the key of an album as a tuple of one, or of none for a song without album."""
    return (f"{albumartist}|||{album}",) if album else NO_ALBUM


def joined_by_audio(
    songs: Sequence[Song], speech: Mapping[str, float | None], alike: Mapping[str, str] | None = None
) -> list[Song]:
    """Return the songs, each with the albums of all copies of its recording, and with what is known of its audio.

    `speech` and `alike` go by audio_id. Of more than MOST_ALBUMS albums the song's own and the first others are kept.
    A song without audio_id keeps the album of its tags.
    """
    copies = Counter(song.audio_id for song in songs)
    albums: dict[str, set[str]] = defaultdict(set)  # of recordings that are more than one song
    for song in songs:
        if song.audio_id and copies[song.audio_id] > 1:
            albums[song.audio_id].update(album_key(song.albumartist, song.album))
    keys = {audio_id: tuple(sorted(names)[:MOST_ALBUMS]) for audio_id, names in albums.items()}
    joined = []
    for song in songs:
        if song.audio_id:
            own = album_key(song.albumartist, song.album)
            shared = keys.get(song.audio_id, own)
            all_keys = shared if set(own) <= set(shared) else (*own, *shared[:-1])
            stand_in = (alike or {}).get(song.audio_id)
            song = replace(song, album_keys=all_keys, speech=speech.get(song.audio_id), alike=stand_in)
        joined.append(song)
    return joined


def to_table(songs: Sequence[Song]) -> pa.Table:
    """Return the songs as a table of SONGS_SCHEMA."""
    columns = (list(map(attrgetter(name), songs)) for name in SONG_COLUMNS)  # by rows, it would take 30 MB more
    arrays = [pa.array(column, field.type) for column, field in zip(columns, SONGS_SCHEMA, strict=True)]
    return pa.Table.from_arrays(arrays, schema=SONGS_SCHEMA)


def from_table(table: pa.Table) -> list[Song]:
    """Return the rows of a table of SONGS_SCHEMA; null where an older table lacks a nullable column."""
    columns = _columns(table, SONG_COLUMNS)
    for name in LIST_COLUMNS:
        columns[name] = [None if names is None else tuple(names) for names in columns[name]]
    return [Song(*row) for row in zip(*columns.values(), strict=True)]


def read_known_files(path: Path) -> list[KnownFile]:
    """Return what songs.parquet at `path` says of the songs' files: a tenth of the memory of all its columns."""
    table = read_table(path, KnownFile._fields)
    return [KnownFile(*row) for row in zip(*_columns(table, KnownFile._fields).values(), strict=True)]


def _columns(table: pa.Table, names: Sequence[str]) -> dict[str, list[Any]]:
    """Return the values of these columns; null where an older table lacks a column."""
    there = set(table.column_names)
    return {name: table.column(name).to_pylist() if name in there else [None] * table.num_rows for name in names}
