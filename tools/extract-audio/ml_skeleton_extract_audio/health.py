"""The health of a library, as far as its crops folder tells: a table for a person."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from ml_skeleton.artifacts.crops import Crops, crop_measures, read_failures
from ml_skeleton.artifacts.duplicates import Duplicate, read_duplicates
from ml_skeleton.artifacts.songs import Song

SILENT_STD = 1e-4  # -80 dB of full scale
OUTLIER_DB = 12.0  # further than this from the library's median
CLIPPED_PEAK = 0.999
SPEECH_SHARE = 0.5
EXAMPLES = 3

Line = tuple[str, int, str]  # what, how many, such as


@dataclass(frozen=True)
class Measures:
    """What is known of the crops of one recording."""

    codec: str
    loudness_db: float  # of full scale; the loudest crop counts
    peak: float


def health_table(folder: Path) -> str:
    """Return the table for a crops folder; raise InputError if it is none."""
    crops = Crops(folder)
    measures = _measures(folder, crops.policy)
    songs = {song.audio_id: song for song in reversed(crops.songs) if song.audio_id in measures}
    sections = [
        ("songs", _outcomes(crops)),
        ("codecs", _codecs(measures)),
        ("not read, or with a warning", _failures(folder)),
        ("sound", [*_loudness(songs, measures), *_speech(songs)]),
        ("copies", [*_conflicts(crops.songs), *_likes(songs, read_duplicates(folder))]),
    ]
    return "\n".join([str(folder), *(line for title, lines in sections for line in _section(title, lines))])


def conflicting_ratings(songs: Iterable[Song]) -> list[list[Song]]:
    """Return the recordings whose copies are rated differently, as their rated copies."""
    rated: dict[str, list[Song]] = defaultdict(list)
    for song in songs:
        if song.audio_id and song.rating is not None:
            rated[song.audio_id].append(song)
    return [copies for copies in rated.values() if len({copy.rating for copy in copies}) > 1]


def conflict_example(copies: Sequence[Song]) -> str:
    """Return "Artist – Title (4 and 2.5 stars)"."""
    stars = sorted({5 * copy.rating for copy in copies if copy.rating is not None}, reverse=True)
    return f"{copies[0].label} ({' and '.join(f'{count:g}' for count in stars)} stars)"


def _measures(folder: Path, policy: str) -> dict[str, Measures]:
    table = crop_measures(folder, ["audio_id", "policy", "codec", "std", "peak"])
    found: dict[str, Measures] = {}
    for audio_id, of_policy, codec, std, peak in zip(*(column.to_pylist() for column in table.columns), strict=True):
        if of_policy == policy:
            before = found.get(audio_id, Measures(codec, -np.inf, 0.0))
            loudness_db = 20 * float(np.log10(std)) if std > SILENT_STD else -np.inf
            found[audio_id] = Measures(codec, max(before.loudness_db, loudness_db), max(before.peak, peak))
    return found


def _outcomes(crops: Crops) -> list[Line]:
    counts: dict[str, int] = crops.provenance.settings.get("counts", {})
    return [(outcome, count, "") for outcome, count in counts.items()]


def _codecs(measures: dict[str, Measures]) -> list[Line]:
    return [(codec, count, "") for codec, count in Counter(m.codec for m in measures.values()).most_common()]


def _failures(folder: Path) -> list[Line]:
    by_reason: dict[str, list[str]] = defaultdict(list)
    for failure in read_failures(folder):
        by_reason[failure.reason].append(Path(failure.path).name)
    return [
        (reason, len(names), _such_as(names))
        for reason, names in sorted(by_reason.items(), key=lambda item: -len(item[1]))
    ]


def _loudness(songs: dict[str, Song], measures: dict[str, Measures]) -> list[Line]:
    heard = {audio_id: m for audio_id, m in measures.items() if np.isfinite(m.loudness_db)}
    median_db = float(np.median([m.loudness_db for m in heard.values()])) if heard else 0.0
    kinds = {
        "silent": measures.keys() - heard.keys(),
        f"over {OUTLIER_DB:g} dB louder than most": {
            i for i, m in heard.items() if m.loudness_db > median_db + OUTLIER_DB
        },
        f"over {OUTLIER_DB:g} dB quieter than most": {
            i for i, m in heard.items() if m.loudness_db < median_db - OUTLIER_DB
        },
        "at full scale": {i for i, m in heard.items() if m.peak >= CLIPPED_PEAK},
    }
    return [
        (what, len(ids), _such_as(songs[i].label for i in sorted(ids) if i in songs)) for what, ids in kinds.items()
    ]


def _speech(songs: dict[str, Song]) -> list[Line]:
    spoken = [song.label for song in songs.values() if song.speech is not None and song.speech >= SPEECH_SHARE]
    unmeasured = sum(song.speech is None for song in songs.values())
    return [
        ("speech for half of the time or more", len(spoken), _such_as(spoken)),
        ("speech not measured", unmeasured, ""),
    ]


def _conflicts(songs: Sequence[Song]) -> list[Line]:
    conflicts = conflicting_ratings(songs)
    return [("copies rated differently", len(conflicts), _such_as(map(conflict_example, conflicts)))]


def _likes(songs: dict[str, Song], duplicates: Sequence[Duplicate]) -> list[Line]:
    groups: dict[int, list[str]] = defaultdict(list)
    for duplicate in duplicates:
        if duplicate.audio_id in songs:
            groups[duplicate.group].append(songs[duplicate.audio_id].label)
    examples = [" = ".join(labels) for labels in groups.values() if len(labels) > 1]
    return [("recordings in several encodings", len(examples), _such_as(examples))]


def _such_as(names: Iterable[str]) -> str:
    return "; ".join(list(names)[:EXAMPLES])


def _section(title: str, lines: Sequence[Line]) -> list[str]:
    shown = [
        f"  {count:>7}  {what}" + (f": {examples}" if examples else "") for what, count, examples in lines if count
    ]
    return [title, *(shown or ["        -"])]
