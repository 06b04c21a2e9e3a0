"""Ambient: slow wide pads, a few bells far away, no beat."""

from functools import cache

from ml_skeleton_demo_library.piece import Samples
from ml_skeleton_demo_library.score import BEATS_PER_BAR, Layer, Score, hertz
from ml_skeleton_demo_library.sounds import bell, partials, shaped, tone


def play(score: Score) -> list[Layer]:
    """Return a pad and a bell layer."""
    piece = score.piece
    bar_s = BEATS_PER_BAR * score.beat_s
    colours = partials(16, 0.15 + 0.6 * piece.brightness)

    @cache
    def pad(midi: int) -> Samples:
        note = tone(colours, hertz(midi), 1.6 * bar_s, score.rate, cents=(-7, 0, 8))
        return shaped(note, score.rate, 0.5 * bar_s, 0.8 * bar_s)

    pads = score.layer("bed", level=1.0, room=0.7)
    for bar, degree in enumerate(score.progression):
        for midi in [*score.chord(degree, 4), score.degree(degree) - 12]:
            pads.add(pad(midi), bar * BEATS_PER_BAR, score.touch(0.4))
    bells = score.layer("lead", level=0.35, pan=0.3, room=1.0)
    for note in score.melody(step=1.0, low=11, span=9, rest=0.55):
        sound = bell(hertz(note.midi), 2.5, score.rate, 2 + 1.5 * round(piece.timbre), 0.4 + 1.6 * piece.brightness)
        bells.add(sound, note.beat, score.touch(0.6))
    return [pads, bells]
