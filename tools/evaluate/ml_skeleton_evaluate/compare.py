"""Compares versions on the same songs, folds and samples of albums."""

from collections.abc import Callable, Iterable, Sequence

import numpy as np
from ml_skeleton.artifacts.evaluations import HEADLINE, Comparison, Figure
from ml_skeleton.music.neighbours import Matrix, Neighbours
from ml_skeleton.music.rated import FitSettings, SharedVectors
from ml_skeleton.music.recordings import Recording
from ml_skeleton.music.resampling import Scored, difference
from ml_skeleton.music.scores import FIGURES

from ml_skeleton_evaluate.gather import Gathered
from ml_skeleton_evaluate.ranking import best_unrated
from ml_skeleton_evaluate.verdict import shown

NEAREST = 10
MOST_ASKED = 4000  # songs whose neighbours are compared
PLAYLIST = 100  # songs; of fewer unrated ones a third, as two lists of everything would agree in all

ScoresOf = Callable[[str, str], Scored]  # of a situation and a method


def compare_with_first(
    gathered: Gathered, names: Sequence[str], situations: Iterable[str], scores_of: ScoresOf, settings: FitSettings
) -> list[Comparison]:
    """Return how each other version differs from the first one."""
    if len(names) < 2:
        return []
    lists = [best_unrated(gathered, place, settings) for place in range(len(names))]
    comparisons = []
    for place, name in list(enumerate(names))[1:]:
        differences = {
            situation: {
                figure: difference(scores_of(situation, name), scores_of(situation, names[0]), figure)
                for figure in FIGURES
            }
            for situation in situations
        }
        size = min(PLAYLIST, max(len(lists[0]) // 3, 1))
        comparisons.append(
            Comparison(
                first=names[0],
                second=name,
                differences=differences,
                neighbours=shared_neighbours(gathered.heard[0], gathered.heard[place]),
                playlist=_overlap(lists[0][:size], lists[place][:size]),
                playlist_songs=min(size, len(lists[0])),
                verdict=_verdict(names[0], name, differences[HEADLINE]["spearman"]),
            )
        )
    return comparisons


def shared_neighbours(one: SharedVectors, other: SharedVectors) -> float:
    """Return the share of each song's ten nearest that both versions name, 0 to 1, over songs that both hold."""
    shared = sorted(set(one.audio_ids) & set(other.audio_ids))
    if len(shared) < 2:
        return 1.0
    asked = np.linspace(0, len(shared) - 1, min(len(shared), MOST_ASKED)).round().astype(np.intp)
    nearest = [Neighbours(_rows(side, shared)).nearest_to_songs(asked, NEAREST).rows for side in (one, other)]
    return float(np.mean([len(np.intersect1d(a, b)) / len(a) for a, b in zip(*nearest, strict=True)]))


def _rows(heard: SharedVectors, audio_ids: Sequence[str]) -> Matrix:
    row_of = {audio_id: row for row, audio_id in enumerate(heard.audio_ids)}
    return heard.matrix[[row_of[audio_id] for audio_id in audio_ids]]


def _overlap(one: Sequence[Recording], other: Sequence[Recording]) -> float:
    ours, theirs = ({recording.audio_id for recording in side} for side in (one, other))
    return len(ours & theirs) / max(len(ours), 1)


def _verdict(first: str, second: str, gain: Figure) -> str:
    by = f"rank correlation on new albums {shown(gain, '+')} over {first}"
    if gain.low is not None and gain.low > 0:
        return f"{second} is better: {by}"
    if gain.high is not None and gain.high < 0:
        return f"{second} is worse: {by}"
    return f"no difference shown between {second} and {first}: {by}"
