"""Chiptune: pulse waves and noise, as of a home computer: fast broken chords, a square bass, a bold tune."""

from functools import cache

from ml_skeleton_demo_library.piece import Samples
from ml_skeleton_demo_library.score import BEATS_PER_BAR, Layer, Score, hertz
from ml_skeleton_demo_library.sounds import decay, noise, pulse_partials, shaped, tone


def play(score: Score) -> list[Layer]:
    """Return noise drums, bass with arpeggio, and a tune."""
    return [_drums(score), _bass_and_arpeggio(score), _tune(score)]


def _drums(score: Score) -> Layer:
    rate = score.rate
    drums = score.layer("beat", level=0.35, room=0.0)
    hiss, thud = (
        noise(round(0.1 * rate), rate, 3000, rate / 2, score.rng),
        noise(round(0.12 * rate), rate, 60, 500, score.rng),
    )
    for half in range(2 * score.beats):
        if half % 4 == 2:
            drums.add(hiss * decay(len(hiss), rate, 0.15), half / 2)
        elif half % 4 == 0:
            drums.add(thud * decay(len(thud), rate, 0.15), half / 2, 1.3)
        elif score.chance(score.piece.density):
            drums.add(hiss[: len(hiss) // 3], half / 2, 0.3)
    return drums


def _bass_and_arpeggio(score: Score) -> Layer:
    piece, rate = score.piece, score.rate
    colours = pulse_partials(6 + round(50 * piece.brightness), 0.25 + 0.25 * round(piece.timbre))
    square = pulse_partials(20, 0.5)

    @cache
    def blip(midi: int) -> Samples:
        return shaped(tone(colours, hertz(midi), score.beat_s / 4.4, rate), rate, 0.001, 0.005)

    @cache
    def bass(midi: int) -> Samples:
        return shaped(tone(square, hertz(midi), score.beat_s / 2.2, rate), rate, 0.001, 0.01)

    bed = score.layer("bed", level=0.8, room=0.0)
    speed = 4 if piece.density > 0.3 else 2  # notes per beat
    for bar, degree in enumerate(score.progression):
        chord = [*score.chord(degree), score.degree(degree) + 12]
        for step in range(speed * BEATS_PER_BAR):
            bed.add(blip(chord[step % 4] + 12), bar * BEATS_PER_BAR + step / speed, 0.5)
        for half in range(2 * BEATS_PER_BAR):
            bed.add(bass(chord[0] - 12 * (half % 2)), bar * BEATS_PER_BAR + half / 2, 0.7)
    return bed


def _tune(score: Score) -> Layer:
    piece, rate = score.piece, score.rate
    tune = score.layer("lead", level=0.9, pan=0.1, room=0.1)
    colours = pulse_partials(4 + round(40 * piece.brightness), 0.125 + 0.25 * piece.timbre)
    for note in score.melody(step=0.5, low=9, span=9, rest=0.15):
        sound = tone(colours, hertz(note.midi), 0.95 * note.beats * score.beat_s, rate, vibrato=0.006)
        tune.add(shaped(sound * decay(len(sound), rate, 1.2), rate, 0.002, 0.01), note.beat)
    return tune
