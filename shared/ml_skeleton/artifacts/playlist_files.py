"""Playlists on disk: NAME.xspf and its siblings, and the history of what a folder's lists have held.

The history, `.history.jsonl`, has one line for each list that was written anew:
`written` (Unix time), `name` and the `audio_id` of its songs. It lets a later run
hold back what an earlier one recommended. A year is kept.
"""

import json
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

from ml_skeleton.artifacts.files import complete_or_absent, write_text
from ml_skeleton.artifacts.playlist_forms import AS_THE_PLAYER, FORMS, Places
from ml_skeleton.artifacts.playlists import Playlist, read_playlist
from ml_skeleton.errors import InputError, UserError

USUAL_FORMS = ("xspf", "m3u8", "csv", "json")
HISTORY = ".history.jsonl"
DAY_S = 86_400
KEPT_DAYS = 366


def write_playlist(
    folder: Path, playlist: Playlist, forms: Sequence[str] = USUAL_FORMS, places: Places = AS_THE_PLAYER
) -> list[Path]:
    """Write NAME.xspf and so on to `folder` and return their paths; the same list gives the same bytes."""
    if (folder / "songs.parquet").exists():
        raise UserError(f"{folder}: a crops folder, expected one for playlists; name another with --out")
    paths = []
    for form in in_order(forms):
        path = folder / f"{playlist.name}.{form}"
        with complete_or_absent(path) as partial:
            partial.write_bytes(FORMS[form](playlist, places))
        paths.append(path)
    return paths


def is_written(
    folder: Path, playlist: Playlist, forms: Sequence[str] = USUAL_FORMS, places: Places = AS_THE_PLAYER
) -> bool:
    """Return whether `folder` holds this very playlist in all of these forms, byte for byte."""
    paths = {form: folder / f"{playlist.name}.{form}" for form in forms}
    if not all(path.is_file() for path in paths.values()):
        return False
    return all(path.read_bytes() == FORMS[form](playlist, places) for form, path in paths.items())


def remove_playlist(folder: Path, name: str) -> bool:
    """Remove the files of a list if these tools wrote it; return whether they did."""
    try:
        read_playlist(folder / f"{name}.json")
    except InputError:
        return False
    for form in reversed(in_order(FORMS)):  # JSON first: what is left is then no playlist of ours
        (folder / f"{name}.{form}").unlink(missing_ok=True)
    return True


def in_order(forms: Collection[str]) -> list[str]:
    """Return the forms in the order they are written, JSON last: what it says of the others is then true."""
    return [form for form in FORMS if form in forms]


def listed_between(folder: Path, name: str, since: float, until: float) -> set[str]:
    """Return the audio_id of the songs in lists of that name written to `folder` between two Unix times."""
    lines = [line for line in _lines(folder) if line["name"] == name and since <= line["written"] <= until]
    return {audio_id for line in lines for audio_id in line["audio_ids"]}


def add_to_history(folder: Path, playlists: Sequence[Playlist], now: float) -> None:
    """Note in the folder's history what the lists hold, and forget what is older than a year."""
    kept = [line for line in _lines(folder) if line["written"] >= now - KEPT_DAYS * DAY_S]
    for playlist in playlists:
        audio_ids = [entry.song.audio_id for entry in playlist.entries]
        kept.append({"written": int(now), "name": playlist.name, "audio_ids": audio_ids})
    write_text(folder / HISTORY, "".join(json.dumps(line) + "\n" for line in kept))


def _lines(folder: Path) -> list[dict[str, Any]]:
    try:
        text = (folder / HISTORY).read_text(encoding="utf-8")
        return [json.loads(line) for line in text.splitlines()]
    except FileNotFoundError:
        return []
    except ValueError:
        raise InputError(f"{folder / HISTORY}: damaged; delete it, and the lists begin without a memory") from None
