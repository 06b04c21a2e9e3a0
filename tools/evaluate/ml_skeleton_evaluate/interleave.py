"""Interleaving: two rankings as one list, which the songs of both enter in turn.

This is the team draft of Radlinski, Kurup and Joachims (CIKM 2008): in each round a
coin decides which ranking picks first; each picks its best song that is not in the
list yet. So both have as many songs in it, as near to the top as each other, and who
hears the list cannot tell whose a song is.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from ml_skeleton.music.recordings import Recording


@dataclass(frozen=True)
class Pick:
    """A song of the list."""

    recording: Recording
    team: int  # 0 or 1, whose ranking picked it
    round: int


def team_draft(rankings: tuple[Sequence[Recording], Sequence[Recording]], rounds: int, seed: int) -> list[Pick]:
    """Return the picks of at most so many rounds, two in each; fewer where a ranking runs out of songs.

    Of recordings that sound the same only one is picked.
    """
    coin = np.random.default_rng(seed)
    left = tuple(iter(ranking) for ranking in rankings)
    taken: set[str] = set()
    picks: list[Pick] = []
    for number in range(rounds):
        first = int(coin.integers(2))
        pair = []
        for team in (first, 1 - first):
            recording = next((one for one in left[team] if one.group not in taken), None)
            if recording is None:
                return picks
            taken.add(recording.group)
            pair.append(Pick(recording, team, number))
        picks += pair
    return picks
