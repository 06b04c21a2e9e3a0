"""Piano: one player, broken chords on the left, a tune on the right."""

from functools import cache

from ml_skeleton_demo_library.piece import Samples
from ml_skeleton_demo_library.score import BEATS_PER_BAR, Layer, Score, hertz
from ml_skeleton_demo_library.sounds import struck


def play(score: Score) -> list[Layer]:
    """Return the left hand and the right hand."""
    piece = score.piece

    @cache
    def key(midi: int) -> Samples:
        ring = 1.5 + 200 / hertz(midi)  # the low strings ring longer
        return struck(hertz(midi), min(ring, 2.5), score.rate, 0.25 + 0.5 * piece.brightness, 1.5 * ring)

    left = score.layer("bed", level=1.0, pan=-0.2, room=0.35)
    steps = 2 if piece.density < 0.4 else 4  # eighths or sixteenths
    for bar, degree in enumerate(score.progression):
        chord = [score.degree(degree) - 12, *score.chord(degree)]
        order = (0, 1, 2, 3) if piece.timbre > 0.5 else (0, 2, 1, 2)
        for step in range(steps * BEATS_PER_BAR // 2):
            left.add(key(chord[order[step % 4]]), bar * BEATS_PER_BAR + 2 * step / steps, score.touch(0.4))
    right = score.layer("lead", level=0.9, pan=0.2, room=0.4)
    for note in score.melody(step=0.5 if piece.density > 0.3 else 1.0, low=8, span=10, rest=0.3):
        right.add(key(note.midi), note.beat, score.touch(0.35))
    return [left, right]
