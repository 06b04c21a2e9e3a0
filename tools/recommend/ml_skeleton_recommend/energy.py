"""Energy: how loud a song is, as the crops tell; what the arc of a list goes by.

The level of the crops in decibels (their deviation is the root of the mean square).
The store does not hold it, so the crops that its vectors were made of are asked;
their samples are not read.
"""

from collections import defaultdict
from pathlib import Path

import numpy as np
from ml_skeleton.artifacts.parts import row_groups
from ml_skeleton.errors import InputError

from ml_skeleton_recommend.library import Floats, Library, Rows

SILENCE = 1e-5  # 100 dB below full scale


def energy_of(library: Library, rows: Rows) -> Floats:
    """Return the level (M,) of songs in dB, the usual one where none is known; raise InputError without crops."""
    parent = next((p for version in library.versions for p in version.parents if p.kind == "crops"), None)
    if parent is None or not Path(parent.path).is_dir():
        where = parent.path if parent else library.path
        raise InputError(f"{where}: no crops there to tell how loud songs are; use --order score")
    levels: dict[str, list[float]] = defaultdict(list)
    for group in row_groups(Path(parent.path), ["audio_id", "policy", "std"]):
        for audio_id, policy, deviation in group.rows:
            if policy == parent.part:
                levels[audio_id].append(deviation)
    heard = [levels.get(library.recordings[row].audio_id) for row in rows.tolist()]
    loudness = np.array([20 * np.log10(max(sum(found) / len(found), SILENCE)) if found else np.nan for found in heard])
    usual = np.nanmedian(loudness) if not np.isnan(loudness).all() else 0.0
    return np.where(np.isnan(loudness), usual, loudness)
