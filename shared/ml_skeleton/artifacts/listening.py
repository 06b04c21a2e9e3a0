"""Listening tests: which song of a blind list is whose, and the ballots. Written by evaluate listen.

`key.json` is not for the listener's eyes. `ballots.csv` has a row for each song, to
be filled in by hand; a player's ratings do as well.
"""

import csv
import io
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from ml_skeleton.artifacts.files import write_text
from ml_skeleton.artifacts.provenance import Provenance, parse_provenance, require
from ml_skeleton.errors import InputError

KIND = "listening"
FORMAT = 1
MADE_BY = "evaluate listen V1 V2"
KEY, BALLOTS = "key.json", "ballots.csv"
BALLOT_COLUMNS = ("list", "place", "artist", "title", "stars")
MOST_STARS = 5.0


@dataclass(frozen=True)
class ListedSong:
    """A song of a blind list, and what the listener is not told."""

    list: int  # from 1
    place: int  # from 1
    artist: str
    title: str
    audio_id: str
    urls: tuple[str, ...]  # of all its copies, as the player wrote them
    version: str  # whose pick it is
    round: int  # in each, both versions have one pick


@dataclass(frozen=True)
class Listening:
    """A listening test."""

    provenance: Provenance
    versions: tuple[str, str]
    songs: Sequence[ListedSong]


def write_key(folder: Path, listening: Listening) -> Path:
    """Write key.json to `folder` and return its path."""
    fields = {
        "ml_skeleton": json.loads(listening.provenance.to_json()),
        "versions": listening.versions,
        "songs": [asdict(song) for song in listening.songs],
    }
    path = folder / KEY
    write_text(path, json.dumps(fields, indent=1, ensure_ascii=False) + "\n")
    return path


def read_key(folder: Path) -> Listening:
    """Return what `write_key` wrote; raise InputError for anything else."""
    path = folder / KEY
    try:
        fields = json.loads(path.read_text(encoding="utf-8"))
        provenance = parse_provenance(json.dumps(fields["ml_skeleton"]), path)
        require(provenance, path, KIND, FORMAT, MADE_BY)
        first, second = fields["versions"]
        songs = [ListedSong(**{**song, "urls": tuple(song["urls"])}) for song in fields["songs"]]
    except (FileNotFoundError, NotADirectoryError):
        raise InputError(f"{folder}: no listening test here; make one with: {MADE_BY} --out {folder}") from None
    except (ValueError, KeyError, TypeError):
        raise InputError(f"{path}: damaged, or no key of a listening test; make one with: {MADE_BY} --force") from None
    return Listening(provenance, (first, second), songs)


def write_ballots(folder: Path, songs: Sequence[ListedSong]) -> Path:
    """Write ballots.csv to `folder`, its stars still to be filled in, and return its path."""
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow(BALLOT_COLUMNS)
    rows.writerows([song.list, song.place, song.artist, song.title, ""] for song in songs)
    path = folder / BALLOTS
    write_text(path, text.getvalue())
    return path


def read_ballots(path: Path) -> dict[tuple[int, int], float]:
    """Return the stars that were filled in, 0 to 5, by list and place; raise InputError for what is no ballot.

    Spreadsheets may put semicolons between the columns, and a comma into 3,5.
    """
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except FileNotFoundError:
        raise InputError(f"{path}: no such ballots; {MADE_BY} writes some to fill in") from None
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: cannot read the ballots: {error}") from None
    between = ";" if lines and ";" in lines[0] else ","
    rows = csv.DictReader(lines, delimiter=between)
    if not set(BALLOT_COLUMNS) <= set(rows.fieldnames or ()):
        raise InputError(f"{path}: no ballots; expected the columns {', '.join(BALLOT_COLUMNS)} in the first line")
    return dict(_ballot(path, number, row) for number, row in enumerate(rows, 2) if (row["stars"] or "").strip())


def _ballot(path: Path, number: int, row: dict[str, str]) -> tuple[tuple[int, int], float]:
    try:
        stars = float(row["stars"].replace(",", "."))
        place = int(row["list"]), int(row["place"])
    except (ValueError, TypeError):
        stars, place = -1.0, (0, 0)
    if not 0 <= stars <= MOST_STARS:
        raise InputError(f"{path}: line {number}: found {row['stars']!r}, expected list, place and 0 to 5 stars")
    return place, stars
