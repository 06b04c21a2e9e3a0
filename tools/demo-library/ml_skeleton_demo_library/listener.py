"""The listener: a rule that turns what is heard into stars, and habits of playing and skipping that follow it.

The rule is fixed so that a figure on the demo library means the same everywhere.
It goes by the sound only, plus what no sound can tell: a fondness for the album
and the mood of the day.
"""

import math
from dataclasses import dataclass

from ml_skeleton_demo_library.catalogue import Song, generator
from ml_skeleton_demo_library.hearing import Heard
from ml_skeleton_demo_library.piece import SPEECH

CENTRE = 3.2  # stars
ALBUM_STARS = 0.25  # standard deviation of the fondness for an album
MOOD_STARS = 0.35  # and of the mood of the day
UNRATED = 0.4  # share of the songs
FIRST_PLAYED = 1_600_000_000  # Unix time
PLAYED_WITHIN_S = 100_000_000

# Mean and standard deviation of each measure over the default library, and stars per standard deviation.
BRIGHTNESS = (10.35, 0.8, -0.7)
PULSE = (1.8, 0.95, 0.35)
DYNAMICS_DB = (8.6, 3.6, 0.3)


@dataclass(frozen=True)
class Opinion:
    """What the listener thinks of a song, and what the player knows of it."""

    stars: float  # 0 to 5 in halves: what the listener would give
    audio_stars: float  # the part of it that is heard
    album_stars: float  # the part that is fondness for the album
    rated: bool  # whether the listener has told the player
    playcount: int
    skipcount: int
    lastplayed: int  # Unix time; -1 never

    @property
    def score(self) -> float:
        """The player's own measure, 0 to 100, from how often a song was played to its end."""
        if self.lastplayed < 0:
            return 0.0
        return 50.0 + 50.0 * self.playcount / (self.playcount + self.skipcount + 1)


def stars_for(heard: Heard) -> float:
    """Return the stars, unrounded and unbounded, that the sound alone is worth."""
    measures = ((heard.brightness, BRIGHTNESS), (heard.pulse, PULSE), (heard.dynamics_db, DYNAMICS_DB))
    return CENTRE + sum(weight * max(-2.5, min(2.5, (value - mean) / sd)) for value, (mean, sd, weight) in measures)


def form_opinion(seed: int, recorded: Song, row_path: str, heard: Heard) -> Opinion:
    """Return the opinion on a song as it was `recorded`, in the row at `row_path`.

    A copy on another album is worth as many stars as the original, yet may be
    rated when that is not, and is played on its own account. A reading has been
    given no star at all.
    """
    if recorded.genre == SPEECH:
        return Opinion(0.0, stars_for(heard), 0.0, rated=True, playcount=0, skipcount=1, lastplayed=FIRST_PLAYED)
    album = ALBUM_STARS * generator(seed, "fondness", recorded.artist, recorded.album).standard_normal()
    mood = MOOD_STARS * generator(seed, "mood", recorded.path, recorded.track).standard_normal()
    audio = stars_for(heard)
    stars = max(0.5, min(5.0, round(2 * (audio + album + mood)) / 2))
    rng = generator(seed, "row", row_path, recorded.track)
    liking = (stars - CENTRE) / 1.5
    rated = bool(rng.random() >= UNRATED)
    plays = int(rng.exponential(math.exp(1.2 + 0.5 * liking)))
    skips = int(rng.exponential(math.exp(0.2 - 0.5 * liking)))
    lastplayed = FIRST_PLAYED + int(rng.random() * PLAYED_WITHIN_S) if plays + skips else -1
    return Opinion(stars, audio, float(album), rated, plays, skips, lastplayed)
