"""The styles: how each is played, and within which habits its artists stay."""

from collections.abc import Callable
from dataclasses import dataclass

from ml_skeleton_demo_library.score import Layer, Score
from ml_skeleton_demo_library.styles import (
    ambient,
    chiptune,
    drone,
    dub,
    folk,
    jazz,
    orchestral,
    piano,
    rock,
    techno,
)

Range = tuple[float, float]


@dataclass(frozen=True)
class Style:
    """A way to play, and the range of each habit; where in the range is up to the artist, the album and the song."""

    play: Callable[[Score], list[Layer]]
    tempo: Range  # beats per minute
    brightness: Range
    density: Range
    dynamics_db: Range
    room: Range


STYLES = {
    "Ambient": Style(ambient.play, (50, 80), (0.0, 0.8), (0.0, 0.8), (2, 10), (0.5, 1.0)),
    "Techno": Style(techno.play, (118, 145), (0.1, 0.9), (0.1, 1.0), (0, 5), (0.0, 0.5)),
    "Folk": Style(folk.play, (75, 130), (0.0, 1.0), (0.1, 1.0), (1, 8), (0.1, 0.6)),
    "Chiptune": Style(chiptune.play, (100, 170), (0.0, 1.0), (0.1, 1.0), (0, 4), (0.0, 0.3)),
    "Orchestral": Style(orchestral.play, (60, 120), (0.0, 0.9), (0.0, 0.9), (4, 14), (0.4, 1.0)),
    "Jazz": Style(jazz.play, (95, 190), (0.0, 0.9), (0.1, 1.0), (1, 8), (0.1, 0.5)),
    "Drone": Style(drone.play, (50, 70), (0.0, 1.0), (0.0, 0.9), (1, 8), (0.3, 1.0)),
    "Rock": Style(rock.play, (90, 165), (0.0, 0.9), (0.1, 1.0), (0, 6), (0.0, 0.4)),
    "Piano": Style(piano.play, (60, 130), (0.0, 1.0), (0.1, 1.0), (3, 12), (0.2, 0.8)),
    "Dub": Style(dub.play, (65, 90), (0.0, 0.9), (0.1, 0.9), (0, 6), (0.2, 0.9)),
}
