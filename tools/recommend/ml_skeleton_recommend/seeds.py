"""Finding the song that a person names: by file, URL, ROWID, or artist and title."""

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from pathlib import Path

import pyarrow as pa
from ml_skeleton.artifacts.songs import Song, from_table, label_of
from ml_skeleton.errors import UsageError

from ml_skeleton_recommend.library import Library, column_of

MOST_NAMED = 5
DASHES = re.compile(r"\s+[-–—]\s+")  # between artist and title


def find_seeds(library: Library, names: Iterable[str]) -> list[int]:
    """Return the row of each song named; raise UsageError for one that is unknown, ambiguous or was not embedded."""
    rows = []
    for name in names:
        found = one_recording(name, matching(name, library.songs))
        row = library.row_of.get(found.audio_id or "")
        if row is None:
            raise UsageError(
                f"song {name!r}: {found.label} has no embedding; run clem-extract and embed, or name another"
            )
        rows.append(row)
    return rows


def matching(name: str, songs: pa.Table) -> list[Song]:
    """Return the songs, a table of SONGS_SCHEMA, that `name` may mean; raise UsageError if there is none."""
    if name.isdecimal():
        found = [row for row, song_id in enumerate(column_of(songs, "song_id")) if song_id == int(name)]
    elif name.startswith("file:") or "/" in name:
        paths = {name, str(Path(name).absolute()), str(Path(name).resolve())}
        files = zip(column_of(songs, "url"), column_of(songs, "path"), strict=True)
        found = [row for row, (url, path) in enumerate(files) if url == name or path in paths]
    else:
        found = []
    return songs_at(songs, found) or by_text(name, songs)


def by_text(name: str, songs: pa.Table) -> list[Song]:
    """Return the songs whose artist and title, or title alone, is `name`; else those that contain all of its words."""
    wanted, titles = folded(name), column_of(songs, "title")
    every = list(map(label_of, column_of(songs, "artist"), titles, column_of(songs, "path")))
    labels, titles = [folded(label) for label in every], [folded(title) for title in titles]
    words = wanted.split()
    exact = [row for row, label in enumerate(labels) if wanted in (label, titles[row])]
    found = exact or [row for row, label in enumerate(labels) if words and all(word in label for word in words)]
    if found:
        return songs_at(songs, found)
    by_name = {**dict(zip(labels, every, strict=True)), **dict(zip(titles, every, strict=True))}
    by_name.pop("", None)
    near = list(dict.fromkeys(by_name[one] for one in get_close_matches(wanted, by_name, n=3, cutoff=0.5)))
    hint = (
        f"; did you mean {' or '.join(map(repr, near))}?"
        if near
        else "; name it by path, URL, ROWID or 'artist - title'"
    )
    raise UsageError(f"song {name!r}: none of {len(every)} songs is called that{hint}")


def songs_at(songs: pa.Table, rows: Sequence[int]) -> list[Song]:
    """Return some rows of a table of SONGS_SCHEMA, by song_id."""
    return sorted((song for row in rows for song in from_table(songs.slice(row, 1))), key=lambda song: song.song_id)


def one_recording(name: str, found: list[Song]) -> Song:
    """Return the one song found, copies of a recording being one; raise UsageError if there are several."""
    recordings: dict[str, Song] = {}
    for song in found:
        recordings.setdefault(song.audio_id or song.url, song)
    if len(recordings) == 1:
        return next(iter(recordings.values()))
    labels: dict[str, list[Song]] = defaultdict(list)
    for song in recordings.values():
        labels[song.label].append(song)
    shown = [f"{song.label!r} ({song.song_id})" for same in labels.values() for song in same][:MOST_NAMED]
    more = f" and {len(recordings) - MOST_NAMED} more" if len(recordings) > MOST_NAMED else ""
    raise UsageError(f"song {name!r}: may be {', '.join(shown)}{more}; name one by its number")


def folded(text: str) -> str:
    """Return the text for comparison: without case, with one kind of dash and of blank."""
    return " ".join(DASHES.sub(" - ", text).casefold().split())
