"""Candidates: which songs a playlist may hold, and why it may not hold the others; needs no torch."""

from collections.abc import Iterable, Sequence

import numpy as np
import numpy.typing as npt

from ml_skeleton.artifacts.songs import Song
from ml_skeleton.console import MOST_MINUTES
from ml_skeleton.music.recordings import Recording, recordings_of

Mask = npt.NDArray[np.bool_]

SECONDS_PER_MINUTE = 60.0


def unfit(
    recordings: Sequence[Recording], songs: Iterable[Song], max_speech: float, most_minutes: float = MOST_MINUTES
) -> dict[str, Mask]:
    """Return by reason which of the recordings (N,) no list should hold, whatever it is of.

    `songs` are all of the player's, also those that could not be heard: a playlist
    points to files, and the file of one track of a cue sheet is that of the others.
    """
    cue_files = {song.url for song in songs if song.start_s > 0}
    longest_s = most_minutes * SECONDS_PER_MINUTE
    found = {
        "as tracks of cue sheets": [recording.song.url in cue_files for recording in recordings],
        "as speech": [recording.speech > max_speech for recording in recordings],
        "as too long": [(recording.song.length_s or 0.0) > longest_s for recording in recordings],
    }
    return {reason: np.array(barred, dtype=np.bool_) for reason, barred in found.items()}


def rated_or_alike(recordings: Sequence[Recording], songs: Iterable[Song]) -> Mask:
    """Return which of the recordings (N,) are rated, or sound the same as one of the player's songs that is."""
    rated = {recording.group for recording in recordings_of(songs) if recording.rating is not None}
    return np.array([recording.group in rated for recording in recordings], dtype=np.bool_)
