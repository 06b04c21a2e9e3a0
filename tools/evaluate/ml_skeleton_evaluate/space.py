"""The space of a version: whether songs that belong together are near, and whether every song can be reached."""

from collections.abc import Sequence

import numpy as np
from ml_skeleton.music.health import measure_health
from ml_skeleton.music.limits import SPACE_KINDS
from ml_skeleton.music.rated import SharedVectors
from ml_skeleton.music.recordings import Recording
from ml_skeleton.music.retrieval import ALBUM, ALBUM_ARTIST_FILTER, ARTIST_ALBUM_FILTER, measure_retrieval

NAMES = dict(zip((ALBUM, ALBUM_ARTIST_FILTER, ARTIST_ALBUM_FILTER), SPACE_KINDS, strict=True))


def measure_space(heard: SharedVectors, library: Sequence[Recording]) -> dict[str, float | None]:
    """Return retrieval, hubness and collapse over the songs of the library; None where too few songs tell."""
    known = {recording.audio_id: recording for recording in library}
    rows = np.array([row for row, audio_id in enumerate(heard.audio_ids) if audio_id in known], dtype=np.intp)
    matrix, recordings = heard.matrix[rows], [known[heard.audio_ids[row]] for row in rows]
    figures: dict[str, float | None] = {}
    for kind, found in measure_retrieval(matrix, recordings).items():
        figures |= {f"{NAMES[kind]}_map": found.map, f"{NAMES[kind]}_1nn": found.nearest}
    health = measure_health(matrix)
    return figures | {
        "unreachable": health.orphans if health else None,
        "hub_skew": health.hub_skew if health else None,
        "effective_rank": health.effective_rank if health else None,
        "mean_cosine": health.mean_cosine if health else None,
    }
