"""Finding the song that a person names: by file, URL, ROWID, or artist and title."""

import re
from collections import defaultdict
from collections.abc import Iterable
from difflib import get_close_matches
from pathlib import Path

from ml_skeleton.artifacts.songs import Song
from ml_skeleton.errors import UsageError

from ml_skeleton_recommend.library import Library

MOST_NAMED = 5
DASHES = re.compile(r"\s+[-–—]\s+")  # between artist and title


def find_seeds(library: Library, names: Iterable[str]) -> list[int]:
    """Return the row of each song named; raise UsageError for one that is unknown, ambiguous or was not embedded."""
    row_of = {recording.audio_id: row for row, recording in enumerate(library.recordings)}
    rows = []
    for name in names:
        found = one_recording(name, matching(name, library.songs))
        if found.audio_id not in row_of:
            raise UsageError(
                f"song {name!r}: {found.label} has no embedding; run clem-extract and embed, or name another"
            )
        rows.append(row_of[found.audio_id])
    return rows


def matching(name: str, songs: list[Song]) -> list[Song]:
    """Return the songs that `name` may mean; raise UsageError if there is none."""
    if name.isdecimal():
        found = [song for song in songs if song.song_id == int(name)]
    elif name.startswith("file:") or "/" in name:
        paths = {name, str(Path(name).absolute()), str(Path(name).resolve())}
        found = [song for song in songs if song.url == name or song.path in paths]
    else:
        found = []
    return found or by_text(name, songs)


def by_text(name: str, songs: list[Song]) -> list[Song]:
    """Return the songs whose artist and title, or title alone, is `name`; else those that contain all of its words."""
    wanted = folded(name)
    labels = [folded(song.label) for song in songs]
    exact = [s for s, label in zip(songs, labels, strict=True) if wanted in (label, folded(s.title))]
    if exact:
        return exact
    words = wanted.split()
    partly = [s for s, label in zip(songs, labels, strict=True) if words and all(word in label for word in words)]
    if partly:
        return partly
    by_label = {label: song.label for song, label in zip(songs, labels, strict=True)}
    by_label |= {folded(song.title): song.label for song in songs if song.title}
    near = list(dict.fromkeys(by_label[label] for label in get_close_matches(wanted, by_label, n=3, cutoff=0.5)))
    hint = (
        f"; did you mean {' or '.join(map(repr, near))}?"
        if near
        else "; name it by path, URL, ROWID or 'artist - title'"
    )
    raise UsageError(f"song {name!r}: none of {len(songs)} songs is called that{hint}")


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
