"""Dub: a drum on the third beat, a deep bass, chords off the beat, and echoes."""

from functools import cache

from ml_skeleton_demo_library.piece import Samples
from ml_skeleton_demo_library.score import BEATS_PER_BAR, Layer, Score, hertz
from ml_skeleton_demo_library.sounds import cymbal, kick, partials, shaped, snare, tone

ECHO_BEATS = 0.75


def play(score: Score) -> list[Layer]:
    """Return drums, bass with off-beat chords, and a melodica with echoes."""
    return [_drums(score), _bass_and_chords(score), _melodica(score)]


def _drums(score: Score) -> Layer:
    piece, rate, rng = score.piece, score.rate, score.rng
    drums = score.layer("beat", level=0.6, room=0.3)
    bass_drum, rim, hat = kick(rate, 0.8), snare(rate, 0.9, rng), cymbal(rate, 0.08, piece.brightness, rng)
    for beat in range(score.beats):
        if beat % BEATS_PER_BAR == 2:
            drums.add(bass_drum, beat)
            for echo in range(4):
                drums.add(rim, beat + echo * ECHO_BEATS, 0.7 * 0.45**echo)
        for eighth in (0.0, 0.5):
            if score.chance(0.35 + 0.6 * piece.density):
                drums.add(hat, beat + eighth, (0.15 + 0.3 * piece.brightness) * score.touch(0.5))
    return drums


def _bass_and_chords(score: Score) -> Layer:
    piece, rate = score.piece, score.rate
    colours = partials(16, 0.3 + 0.6 * piece.brightness)

    @cache
    def bass(midi: int) -> Samples:
        return shaped(tone(partials(4, 0.2), hertz(midi), 0.7 * score.beat_s, rate), rate, 0.01, 0.08)

    @cache
    def chop(midi: int) -> Samples:
        return shaped(tone(colours, hertz(midi + 12), 0.15, rate, cents=(-4, 4)), rate, 0.003, 0.06)

    bed = score.layer("bed", level=1.0, pan=-0.1, room=0.15)
    pattern = [beat for beat in (0.0, 0.75, 1.5, 2.0, 2.75, 3.5) if score.chance(0.4 + 0.5 * piece.density)] or [0.0]
    for bar, degree in enumerate(score.progression):
        for beat in pattern:
            step = degree + int(score.rng.choice((0, 0, 2, 4)))
            bed.add(bass(score.degree(step) - 24), bar * BEATS_PER_BAR + beat, 1.3)
        for beat in (0.5, 1.5, 2.5, 3.5):
            for midi in score.chord(degree):
                bed.add(chop(midi), bar * BEATS_PER_BAR + beat, 0.35 * score.touch())
    return bed


def _melodica(score: Score) -> Layer:
    piece, rate = score.piece, score.rate
    melodica = score.layer("lead", level=0.45, pan=0.3, room=0.5)
    colours = partials(12, 0.2 + 0.7 * piece.timbre)
    for note in score.melody(step=1.0, low=8, span=7, rest=0.45):
        sound = shaped(
            tone(colours, hertz(note.midi), 0.6 * note.beats * score.beat_s, rate, vibrato=0.004), rate, 0.03, 0.06
        )
        for echo in range(4):
            melodica.add(sound, note.beat + echo * ECHO_BEATS, 0.5**echo)
    return melodica
