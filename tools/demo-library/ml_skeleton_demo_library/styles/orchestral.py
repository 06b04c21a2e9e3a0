"""Orchestral: string chords that swell, a brass or woodwind tune above, timpani on the first beat."""

from functools import cache

import numpy as np

from ml_skeleton_demo_library.piece import Samples
from ml_skeleton_demo_library.score import BEATS_PER_BAR, Layer, Score, hertz
from ml_skeleton_demo_library.sounds import decay, noise, partials, shaped, tone


def play(score: Score) -> list[Layer]:
    """Return strings, a tune and timpani."""
    return [_strings(score), _brass(score), _timpani(score)]


def _strings(score: Score) -> Layer:
    piece, rate = score.piece, score.rate
    bar_s = BEATS_PER_BAR * score.beat_s
    colours = partials(30, 0.3 + 0.6 * piece.brightness)

    @cache
    def section(midi: int) -> Samples:
        note = tone(colours, hertz(midi), 1.15 * bar_s, rate, cents=(-11, -4, 5, 12), vibrato=0.004)
        swell = np.linspace(0, np.pi, len(note), dtype=np.float32)
        calm = np.float32(1 - piece.dynamics_db / 20)
        return shaped(note * (calm + (1 - calm) * np.sin(swell)), rate, 0.15 * bar_s, 0.2 * bar_s)

    strings = score.layer("bed", level=1.0, pan=-0.2, room=0.6)
    for bar, degree in enumerate(score.progression):
        for midi in [score.degree(degree) - 12, *score.chord(degree), score.degree(degree) + 12]:
            strings.add(section(midi), bar * BEATS_PER_BAR, score.touch(0.2))
    return strings


def _brass(score: Score) -> Layer:
    piece, rate = score.piece, score.rate
    mellow, bright = partials(8, 0.2), partials(24, 0.4 + 0.6 * piece.brightness)
    brass = score.layer("lead", level=0.7, pan=0.3, room=0.5)
    for note in score.melody(step=1.0, low=5 + round(4 * piece.timbre), span=8, rest=0.25):
        seconds = note.beats * score.beat_s
        soft, loud = (tone(colours, hertz(note.midi), seconds, rate, vibrato=0.003) for colours in (mellow, bright))
        bite = np.minimum(1, np.arange(len(soft), dtype=np.float32) / np.float32(0.3 * rate))
        brass.add(shaped(soft + (loud - soft) * bite, rate, 0.06, 0.12), note.beat, score.touch())
    return brass


def _timpani(score: Score) -> Layer:
    piece, rate = score.piece, score.rate
    timpani = score.layer("beat", level=0.35, room=0.6)
    for bar, degree in enumerate(score.progression):
        drum = tone(partials(3, 0.3), hertz(score.degree(degree) - 24), 1.0, rate)
        skin = noise(len(drum), rate, 60, 400, score.rng) * decay(len(drum), rate, 0.15)
        blow = shaped((drum + skin) * decay(len(drum), rate, 1.0), rate, 0.002, 0.1)
        for beat in (0.0, 2.0, 3.0, 3.5)[: 1 + round(3 * piece.density)]:
            timpani.add(blow, bar * BEATS_PER_BAR + beat, score.touch(0.4))
    return timpani
