"""Techno: four bass drums to the bar, hats between them, a sequenced bass and chord stabs."""

from functools import cache

from ml_skeleton_demo_library.piece import Samples
from ml_skeleton_demo_library.score import BEATS_PER_BAR, Layer, Score, hertz
from ml_skeleton_demo_library.sounds import cymbal, decay, kick, noise, partials, shaped, tone


def play(score: Score) -> list[Layer]:
    """Return drums, a bass line and stabs."""
    return [_drums(score), _bass(score), _stabs(score)]


def _drums(score: Score) -> Layer:
    piece, rate, rng = score.piece, score.rate, score.rng
    drums = score.layer("beat", level=1.0, room=0.05)
    bass_drum = kick(rate, piece.timbre)
    closed, opened = (cymbal(rate, seconds, piece.brightness, rng) for seconds in (0.05, 0.18))
    frames = round(0.15 * rate)
    clap = noise(frames, rate, 800, 4000, rng) * decay(frames, rate, 0.2)
    hats = 0.12 + 0.4 * piece.brightness
    for beat in range(score.beats):
        drums.add(bass_drum, beat)
        drums.add(opened, beat + 0.5, hats * score.touch())
        if beat % 2:
            drums.add(clap, beat, 0.5)
        for sixteenth in (0.25, 0.75):
            if score.chance(piece.density):
                drums.add(closed, beat + sixteenth, hats * score.touch(0.5))
    return drums


def _bass(score: Score) -> Layer:
    piece = score.piece
    colours = partials(24, 0.2 + 0.7 * piece.brightness)

    @cache
    def bass(midi: int) -> Samples:
        note = tone(colours, hertz(midi), 0.3 * score.beat_s, score.rate)
        return shaped(note * decay(len(note), score.rate, 0.5), score.rate, 0.003, 0.02)

    line = score.layer("bed", level=0.7, room=0.05)
    steps = [step % 4 == 2 or score.chance(0.2 + 0.6 * piece.density) for step in range(4 * BEATS_PER_BAR)]
    octaves = [12 * score.chance(0.2) for _ in steps]
    for bar in range(score.bars):
        root = score.degree(score.progression[bar] if piece.timbre > 0.5 else 0) - 12
        for step, (on, octave) in enumerate(zip(steps, octaves, strict=True)):
            if on and step % 4:  # the bass drum has the beat to itself
                line.add(bass(root + octave), bar * BEATS_PER_BAR + step / 4, score.touch())
    return line


def _stabs(score: Score) -> Layer:
    piece, rate = score.piece, score.rate
    colours = partials(20, 0.4 + 0.6 * piece.brightness)

    @cache
    def stab(midi: int) -> Samples:
        note = tone(colours, hertz(midi + 12), 0.5 * score.beat_s, rate, cents=(-9, 9))
        return shaped(note * decay(len(note), rate, 0.6), rate, 0.004, 0.05)

    stabs = score.layer("lead", level=0.4, pan=-0.2, room=0.5)
    for bar, degree in enumerate(score.progression):
        for beat in (0.75, 1.5, 2.75, 3.5)[: 1 + round(3 * piece.density)]:
            for midi in score.chord(degree):
                stabs.add(stab(midi), bar * BEATS_PER_BAR + beat, score.touch())
    return stabs
