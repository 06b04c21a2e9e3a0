"""Effects: how far a listener rates an artist, and an album of theirs, above or below what is heard.

Each is drawn towards 0 the more, the fewer ratings speak for it.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ml_skeleton.music.inputs import UNKNOWN, Inputs, Keys

Vector = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Effects:
    """The known effects, by key in rising order, and what is expected of unknown ones."""

    artists: Keys  # (A,)
    artist_mean: Vector  # (A,)
    artist_variance: Vector  # (A,)
    albums: Keys  # (B,)
    album_mean: Vector  # (B,)
    album_variance: Vector  # (B,) if the artist's effect were known
    album_share: Vector  # (B,) of the ratings' deviation that went to the album, so that less is left to the artist's
    prior: Vector  # (2,) variance of an unknown artist's effect and of an unknown album's

    def predict(self, inputs: Inputs) -> tuple[Vector, Vector]:
        """Return the sum of the effects (N,) of songs and its variance (N,)."""
        artist, known_artist = _places(self.artists, inputs.artists)
        album, known_album = _places(self.albums, inputs.albums)
        mean = _taken(self.artist_mean, artist, known_artist, 0.0) + _taken(self.album_mean, album, known_album, 0.0)
        of_artist = _taken(self.artist_variance, artist, known_artist, self.prior[0])
        of_album = _taken(self.album_variance, album, known_album, self.prior[1])
        left = 1.0 - _taken(self.album_share, album, known_album, 0.0)
        return mean, of_album + left**2 * of_artist


def no_effects(artist: float, album: float) -> Effects:
    """Return effects of which none is known yet."""
    keys, values = np.empty(0, np.int64), np.empty(0)
    return Effects(keys, values, values, keys, values, values, values, np.array([artist, album]))


def shrunken_variances(
    artists: Keys, albums: Keys, weights: Vector, known: tuple[Keys, Keys], prior: tuple[float, float], noise: float
) -> tuple[Vector, Vector, Vector]:
    """Return the variances of the `known` artists' and albums' effects after the ratings, and the albums' shares.

    Exact for albums of one artist each; what is not known of the features is
    added elsewhere.
    """
    of_artist, of_album = prior
    place, there = _places(known[1], albums)
    counts = np.bincount(place[there], weights[there], minlength=len(known[1]))
    share = np.asarray(counts * of_album / (counts * of_album + noise), np.float64)
    album_variance = of_album * (1.0 - share)
    # what an album's ratings tell of its artist: as much as one rating with the album's own variance on top
    pairs, which = np.unique(np.stack([artists, albums]), axis=1, return_inverse=True)
    count = np.bincount(which.ravel(), weights)
    told = count / (count * np.where(pairs[1] == UNKNOWN, 0.0, of_album) + noise)
    place, there = _places(known[0], pairs[0])
    total = np.bincount(place[there], told[there], minlength=len(known[0]))
    return np.asarray(of_artist / (1.0 + of_artist * total), np.float64), album_variance, share


def _places(keys: Keys, asked: Keys) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.bool_]]:
    """Return where each key asked stands among the sorted keys, and whether it does."""
    if not len(keys):
        return np.zeros(len(asked), np.intp), np.zeros(len(asked), np.bool_)
    place = np.minimum(np.searchsorted(keys, asked), len(keys) - 1)
    return place, (keys[place] == asked) & (asked != UNKNOWN)


def _taken(values: Vector, place: npt.NDArray[np.intp], there: npt.NDArray[np.bool_], otherwise: float) -> Vector:
    return np.where(there, values[place], otherwise) if len(values) else np.full(len(place), otherwise)
