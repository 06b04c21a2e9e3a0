"""truth.csv: what the listener thinks of every song, also of those that the database shows as unrated."""

import csv
import io
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from ml_skeleton.artifacts.files import write_text

from ml_skeleton_demo_library.hearing import Heard
from ml_skeleton_demo_library.listener import Opinion
from ml_skeleton_demo_library.listing import Entry, State

COLUMNS = (
    "path", "cue_track", "artist", "album", "title", "style", "seconds", "state", "true_rating", "rating_in_clementine",
    "audio_stars", "album_stars", "brightness", "pulse", "dynamics_db", "rms_db", "clementine_rowid",
)  # fmt: skip


@dataclass(frozen=True)
class Truth:
    """A row of the database beside what lies behind it."""

    entry: Entry
    heard: Heard
    opinion: Opinion
    shown: float | None  # stars in the database; None unrated
    row_id: int


def write_truth(path: Path, truths: Iterable[Truth]) -> None:
    """Replace `path` by one line per row: ratings from 0 to 1, empty where there is none, stars from 0 to 5."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows(_line(truth) for truth in truths)
    write_text(path, text.getvalue())


def _line(truth: Truth) -> list[object]:
    song, heard, opinion = truth.entry.song, truth.heard, truth.opinion
    heard_whole = truth.entry.state in (State.WHOLE, State.COPY, State.DELETED, State.MISSING)
    return [
        song.path,
        song.track if truth.entry.albumartist == song.artist else 0,
        song.artist,
        song.album,
        song.title,
        song.genre,
        song.piece.seconds,
        truth.entry.state.value,
        opinion.stars / 5 if heard_whole else "",
        "" if truth.shown is None else truth.shown / 5,
        *(round(value, 4) for value in (opinion.audio_stars, opinion.album_stars)),
        *(round(value, 4) for value in vars(heard).values()),
        truth.row_id,
    ]
