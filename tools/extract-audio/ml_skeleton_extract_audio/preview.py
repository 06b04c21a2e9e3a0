"""Writes what a model will hear as small FLAC files, so that a person can listen to it."""

from collections.abc import Iterator
from pathlib import Path

import soundfile
from ml_skeleton.artifacts.crops import Crops, Waveform
from ml_skeleton.artifacts.files import complete_or_absent
from ml_skeleton.artifacts.songs import Song
from ml_skeleton.console import progress

LONGEST_NAME = 180  # bytes; a file system takes 255, and an audio_id and an ending follow
UNSAFE = set('/\\:*?"<>|')  # to one file system or another
ID_DIGITS = 8


def write_previews(crops: Crops, folder: Path, limit: int | None) -> int:
    """Write the crops of all songs, or of `limit` ones, that have no preview yet, and return how many were written."""
    songs = {song.audio_id: song for song in reversed(crops.songs) if song.audio_id}
    there = {path.name for path in folder.glob("*.flac")} if folder.is_dir() else set()
    written = 0
    with progress("previews", len(crops.audio_ids) if limit is None else limit, "crops") as shown:
        for waveform, number in _numbered(crops):
            song = songs.get(waveform.audio_id)
            name = preview_name(song, waveform.audio_id, number)
            if name in there:
                continue
            if written == limit:
                break
            with complete_or_absent(folder / name) as partial:
                soundfile.write(partial, waveform.samples, crops.sample_rate, format="FLAC", subtype="PCM_16")
            written += 1
            shown.advance()
    return written


def preview_name(song: Song | None, audio_id: str, number: int) -> str:
    """Return "artist – title", made safe for any file system, with what tells it from another of that name."""
    text = song.label if song else ""  # a crop whose song has left the library
    label = "".join(" " if letter in UNSAFE or not letter.isprintable() else letter for letter in text)
    label = " ".join(label.split()).strip(". ").encode()[:LONGEST_NAME].decode(errors="ignore") or "song"
    crop = f" {number + 1}" if number else ""
    return f"{label} [{audio_id[:ID_DIGITS]}]{crop}.flac"


def _numbered(crops: Crops) -> Iterator[tuple[Waveform, int]]:
    """Yield each crop with its number among those of its recording, which lie in a row."""
    last, number = "", 0
    for group in crops.groups:
        for waveform in crops.read(group):
            number = number + 1 if waveform.audio_id == last else 0
            last = waveform.audio_id
            yield waveform, number
