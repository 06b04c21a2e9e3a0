"""What the ballots of a listening test come to."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from ml_skeleton.artifacts.evaluations import Figure
from ml_skeleton.artifacts.listening import Listening
from ml_skeleton.music.resampling import SAMPLES, figure_of

from ml_skeleton_evaluate.verdict import shown

LEVEL = 0.95
FEWEST_DECIDED = 6  # rounds; fewer cannot leave a half out of an exact interval, whoever wins them all


@dataclass(frozen=True)
class Heard:
    """How two versions did; a round counts once both of its songs have stars."""

    versions: tuple[str, str]
    songs: tuple[int, int]  # with stars, of each version
    stars: tuple[float | None, float | None]  # their mean, of each version
    won: tuple[int, int]  # rounds in which the song of each version got more stars
    even: int  # rounds in which both got the same
    share: Figure  # of the decided rounds that the first version won, with its exact interval
    difference: Figure  # in stars, first less second, over rounds

    @property
    def verdict(self) -> str:
        """What it comes to, in a line."""
        first, second = self.versions
        if self.share.low is not None and self.share.low > 0.5:
            return f"{first} is liked better than {second}"
        if self.share.high is not None and self.share.high < 0.5:
            return f"{second} is liked better than {first}"
        missing = FEWEST_DECIDED - sum(self.won)
        more = f"; at least {missing} more rounds must differ before anything can be shown" if missing > 0 else ""
        return f"no difference shown between {first} and {second}{more}"

    @property
    def lines(self) -> list[str]:
        """What a person is told."""
        each = [
            f"{version} won {won} rounds, {songs} songs with stars"
            + (f", {stars:.2f} on average" if stars is not None else "")
            for version, won, songs, stars in zip(self.versions, self.won, self.songs, self.stars, strict=True)
        ]
        return [
            *each,
            f"{self.even} rounds were even; of the others {self.versions[0]} won the share {shown(self.share)}, by "
            f"{shown(self.difference, '+')} stars a round",
        ]

    def figures(self) -> dict[str, float | str | None]:
        """Return all of it as a line of metrics."""
        named: dict[str, float | str | None] = {"verdict": self.verdict, "even": self.even}
        for place, side in enumerate(("first", "second")):
            named |= {side: self.versions[place], f"{side}_won": self.won[place]}
            named |= {f"{side}_songs": self.songs[place], f"{side}_stars": self.stars[place]}
        for name, figure in (("share", self.share), ("difference", self.difference)):
            named |= {name: figure.value, f"{name}_low": figure.low, f"{name}_high": figure.high}
        return named


def count_ballots(listening: Listening, stars: Mapping[tuple[int, int], float], seed: int) -> Heard:
    """Return what stars, by list and place, come to.

    Rounds are won or lost whatever the difference; the interval of the share that is
    won is the exact one of Clopper and Pearson 1934.
    """
    of_version: dict[str, list[float]] = defaultdict(list)
    rounds: dict[int, dict[str, float]] = defaultdict(dict)
    for song in listening.songs:
        if (song.list, song.place) in stars:
            of_version[song.version].append(stars[song.list, song.place])
            rounds[song.round][song.version] = stars[song.list, song.place]
    first, second = listening.versions
    apart = np.array([pair[first] - pair[second] for pair in rounds.values() if len(pair) == 2], dtype=np.float64)
    won = int((apart > 0).sum()), int((apart < 0).sum())
    given = [of_version[version] for version in listening.versions]
    means = [float(np.mean(values)) if values else None for values in given]
    return Heard(
        versions=listening.versions,
        songs=(len(given[0]), len(given[1])),
        stars=(means[0], means[1]),
        won=won,
        even=len(apart) - sum(won),
        share=_share(*won),
        difference=_mean(apart, seed),
    )


def _share(won: int, lost: int) -> Figure:
    if not won + lost:
        return Figure(None)
    from scipy.stats import binomtest  # here, as it takes a second to import

    interval = binomtest(won, won + lost).proportion_ci(LEVEL, method="exact")
    return Figure(won / (won + lost), float(interval.low), float(interval.high))


def _mean(apart: "np.ndarray[tuple[int], np.dtype[np.float64]]", seed: int) -> Figure:
    if not len(apart):
        return Figure(None)
    drawn = np.random.default_rng(seed).choice(apart, (SAMPLES, len(apart)))
    return figure_of(float(apart.mean()), drawn.mean(axis=1))
