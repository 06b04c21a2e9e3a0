"""Folk: a fingerpicked guitar, a second one with the tune, now and then a foot on the floor."""

from functools import cache

from ml_skeleton_demo_library.piece import Samples
from ml_skeleton_demo_library.score import BEATS_PER_BAR, Layer, Score, hertz
from ml_skeleton_demo_library.sounds import kick, plucked


def play(score: Score) -> list[Layer]:
    """Return picking, a tune, and a stomp where the piece is busy."""
    piece = score.piece

    @cache
    def string(midi: int) -> Samples:
        return plucked(hertz(midi), 2.0, score.rate, piece.brightness, score.rng)

    picking = score.layer("bed", level=1.0, pan=-0.25, room=0.25)
    order = (0, 2, 3, 1, 2, 3, 1, 2) if piece.timbre > 0.5 else (0, 1, 2, 3, 2, 1, 2, 3)
    for bar, degree in enumerate(score.progression):
        chord = [score.degree(degree) - 12, *score.chord(degree)]
        for eighth, finger in enumerate(order):
            if eighth % 4 == 0 or score.chance(0.45 + 0.55 * piece.density):
                picking.add(string(chord[finger]), bar * BEATS_PER_BAR + eighth / 2, score.touch(0.4))
    tune = score.layer("lead", level=0.6, pan=0.35, room=0.35)
    for note in score.melody(step=0.5, low=7, span=8, rest=0.35):
        tune.add(string(note.midi), note.beat, score.touch(0.3))
    if piece.density < 0.55:
        return [picking, tune]
    stomp = score.layer("beat", level=0.3, room=0.3)
    for beat in range(0, score.beats, 2):
        stomp.add(kick(score.rate, 0.2), beat, score.touch())
    return [picking, tune, stomp]
