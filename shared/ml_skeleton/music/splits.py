"""Splits without leaks: no artist and no album stands on both sides, and a fold holds whole albums.

A split by song flatters: songs of one album share their mastering, and often
their rating, so a model can know the album instead of the music.
"""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence

from ml_skeleton.artifacts.files import fingerprint_of
from ml_skeleton.music.recordings import Recording

TRAIN = "train"
UNUSED = "unused"
FEWEST_ARTISTS = 5  # with fewer, a side could not be filled; albums are kept apart instead


def split_by_artist(
    recordings: Sequence[Recording], shares: Mapping[str, float], seed: int, by_ratings: bool = True
) -> dict[str, str]:
    """Return the side of each recording by audio_id: "train", a name of `shares`, or "unused".

    `shares` gives the share of the rated recordings (of all, where none is rated or
    `by_ratings` is false) that each other side gets at about, filled with whole
    artists in an order that the seed fixes. A recording on an album that belongs to another side than its artist is
    "unused", as both sides would know something of it.
    """
    units = _units(recordings)
    side_of_unit = _fill_sides(_weights(recordings, units, by_ratings), shares, seed)
    votes: dict[str, Counter[str]] = defaultdict(Counter)
    for recording, unit in zip(recordings, units, strict=True):
        for key in recording.album_keys:
            votes[key][side_of_unit[unit]] += 1
    side_of_album = {key: max(sorted(sides), key=sides.__getitem__) for key, sides in votes.items()}
    sides = {}
    for recording, unit in zip(recordings, units, strict=True):
        found = {side_of_unit[unit], *(side_of_album[key] for key in recording.album_keys)}
        sides[recording.audio_id] = found.pop() if len(found) == 1 else UNUSED
    return sides


def album_folds(recordings: Sequence[Recording], folds: int, seed: int) -> list[int]:
    """Return the fold, 0 to folds - 1, of each recording; recordings that share an album share the fold."""
    return balanced_folds(joined_albums(recordings), folds, seed)


def balanced_folds(groups: Sequence[str], folds: int, seed: int) -> list[int]:
    """Return the fold, 0 to folds - 1, of each name of a group; a group is in one fold, and folds are of like size."""
    sizes = Counter(groups)
    load = [0] * folds
    fold_of: dict[str, int] = {}
    for name in sorted(sizes, key=lambda name: (-sizes[name], _order(name, seed))):
        fold_of[name] = load.index(min(load))
        load[fold_of[name]] += sizes[name]
    return [fold_of[name] for name in groups]


def artist_folds(recordings: Sequence[Recording], folds: int, seed: int) -> list[int]:
    """Return the fold of each recording, artists kept whole; one of no known artist goes with its album, or alone."""
    albums = joined_albums(recordings)
    names = [f"artist {r.artist}" if r.artist else album for r, album in zip(recordings, albums, strict=True)]
    return balanced_folds(names, folds, seed)


def song_folds(recordings: Sequence[Recording], folds: int, seed: int) -> list[int]:
    """Return the fold of each recording; those that sound the same share it, all others are dealt out by chance."""
    return balanced_folds([recording.group for recording in recordings], folds, seed)


def _units(recordings: Sequence[Recording]) -> list[str]:
    """What goes to a side as a whole: the artist; the album where there are few artists; the song where neither."""
    artists = {recording.artist for recording in recordings if recording.artist}
    if len(artists) < FEWEST_ARTISTS:
        return joined_albums(recordings)
    return [recording.artist or recording.audio_id for recording in recordings]


def joined_albums(recordings: Sequence[Recording]) -> list[str]:
    """Return a name of the group of each recording; albums that share a recording are one group."""
    leader: dict[str, str] = {}

    def find(key: str) -> str:
        while leader.setdefault(key, key) != key:
            leader[key] = key = leader[leader[key]]
        return key

    for recording in recordings:
        for key in recording.album_keys[1:]:
            leader[find(key)] = find(recording.album_keys[0])
    return [find(recording.album_keys[0]) if recording.album_keys else recording.audio_id for recording in recordings]


def _weights(recordings: Sequence[Recording], units: Sequence[str], by_ratings: bool) -> Counter[str]:
    """Return the number of rated recordings of each unit; of all recordings without `by_ratings` or a rating."""
    any_rated = by_ratings and any(recording.rating is not None for recording in recordings)
    weights: Counter[str] = Counter()
    for recording, unit in zip(recordings, units, strict=True):
        weights[unit] += 1 if recording.rating is not None or not any_rated else 0
    return weights


def _fill_sides(weights: Mapping[str, int], shares: Mapping[str, float], seed: int) -> dict[str, str]:
    """Give units to the sides in a shuffled order, and the rest to the training.

    A unit that would overfill a side by half of itself goes on to the next, and
    one that would be more than half of a side is left to the training, or the
    figures would be about one artist. A side that nothing fits takes the smallest
    unit.
    """
    room = {side: share * sum(weights.values()) for side, share in shares.items()}
    filled = dict.fromkeys(shares, 0)
    side_of = dict.fromkeys(weights, TRAIN)
    shuffled = sorted(filter(weights.__getitem__, weights), key=lambda unit: _order(unit, seed))
    for unit in shuffled:
        weight = weights[unit]
        fits = (side for side in shares if weight <= room[side] / 2 and filled[side] + weight / 2 <= room[side])
        side = next(fits, TRAIN)
        side_of[unit] = side
        filled[side] = filled.get(side, 0) + weight
    for side in shares:
        left = sorted((unit for unit in shuffled if side_of[unit] == TRAIN), key=weights.__getitem__)
        if not filled[side] and room[side] > 0 and len(left) > 1:
            side_of[left[0]] = side
            filled[side] = weights[left[0]]
    return side_of


def _order(name: str, seed: int) -> str:
    return fingerprint_of(str(seed), name)
