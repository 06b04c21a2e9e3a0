"""Candidates: which songs a playlist may hold, and why it may not hold the others; needs no torch."""

from collections.abc import Iterable, Sequence

import numpy as np
import numpy.typing as npt

from ml_skeleton.artifacts.songs import Song
from ml_skeleton.console import MOST_MINUTES
from ml_skeleton.music.recordings import Recording, recordings_of

Mask = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float64]

SECONDS_PER_MINUTE = 60.0


def unfit(
    cue: Mask, speech: Floats, lengths_s: Floats, max_speech: float, most_minutes: float = MOST_MINUTES
) -> dict[str, Mask]:
    """Return by reason which recordings (N,) no list should hold, whatever it is of; an unknown length is none."""
    return {
        "as tracks of cue sheets": cue,
        "as speech": speech > max_speech,
        "as too long": lengths_s > most_minutes * SECONDS_PER_MINUTE,
    }


def cue_tracks(recordings: Sequence[Recording], songs: Iterable[Song]) -> Mask:
    """Return which of the recordings (N,) are tracks of cue sheets; `songs` are all of the player's.

    A playlist points to files, and the file of one track is that of the others,
    also of those that could not be heard.
    """
    cue_files = {song.url for song in songs if song.start_s > 0}
    return np.array([recording.song.url in cue_files for recording in recordings], dtype=np.bool_)


def lengths_s(recordings: Sequence[Recording]) -> Floats:
    """Return the seconds (N,) of recordings, not a number where the player does not know them."""
    return np.array([recording.song.length_s or np.nan for recording in recordings], dtype=np.float64)


def speech_of(recordings: Sequence[Recording]) -> Floats:
    """Return the share of speech (N,) in recordings, 0 to 1."""
    return np.array([recording.speech for recording in recordings], dtype=np.float64)


def rated_or_alike(recordings: Sequence[Recording], songs: Iterable[Song]) -> Mask:
    """Return which of the recordings (N,) are rated, or sound the same as one of the player's songs that is."""
    rated = {recording.group for recording in recordings_of(songs) if recording.rating is not None}
    return np.array([recording.group in rated for recording in recordings], dtype=np.bool_)
