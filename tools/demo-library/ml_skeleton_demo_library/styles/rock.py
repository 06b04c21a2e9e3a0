"""Rock: distorted fifths in eighths, a bass below them, a back beat, and a guitar that sings over it."""

from functools import cache

from ml_skeleton_demo_library.piece import Samples
from ml_skeleton_demo_library.score import BEATS_PER_BAR, Layer, Score, hertz
from ml_skeleton_demo_library.sounds import cymbal, distorted, kick, partials, shaped, snare, tone


def play(score: Score) -> list[Layer]:
    """Return drums, riff and lead guitar."""
    return [_drums(score), _riff(score), _lead(score)]


def _drums(score: Score) -> Layer:
    piece, rate, rng = score.piece, score.rate, score.rng
    drums = score.layer("beat", level=0.9, room=0.2)
    bass_drum, back_beat = kick(rate, 0.3 * piece.timbre), snare(rate, piece.timbre, rng)
    hat, crash = cymbal(rate, 0.09, piece.brightness, rng), cymbal(rate, 1.4, piece.brightness, rng)
    drums.add(crash, 0, 0.4)
    for beat in range(score.beats):
        drums.add(back_beat if beat % 2 else bass_drum, beat, score.touch(0.15))
        if score.chance(0.2 + 0.4 * piece.density):
            drums.add(bass_drum, beat + 0.5, 0.8)
        for eighth in (0.0, 0.5):
            drums.add(hat, beat + eighth, (0.2 + 0.3 * piece.brightness) * score.touch(0.4))
    return drums


def _riff(score: Score) -> Layer:
    piece, rate = score.piece, score.rate
    colours = partials(20, 0.3 + 0.6 * piece.brightness)

    @cache
    def fifth(midi: int, seconds: float) -> Samples:
        strings = [tone(colours, hertz(midi + step), seconds, rate, cents=(-3, 3)) for step in (0, 7, 12)]
        return shaped(distorted(sum(strings[1:], strings[0]), 2 + 4 * piece.brightness), rate, 0.003, 0.03)

    riff = score.layer("bed", level=1.0, pan=-0.15, room=0.1)
    held = piece.density < 0.35
    for bar, degree in enumerate(score.progression):
        root = score.degree(degree) - 12
        for step in range(1 if held else 2 * BEATS_PER_BAR):
            seconds = score.beat_s * (3.8 if held else 0.47)
            if held or score.chance(0.6 + 0.4 * piece.density):
                riff.add(fifth(root, seconds), bar * BEATS_PER_BAR + step / 2, score.touch(0.2))
    return riff


def _lead(score: Score) -> Layer:
    piece, rate = score.piece, score.rate
    lead = score.layer("lead", level=0.55, pan=0.3, room=0.35)
    colours = partials(16, 0.5 + 0.5 * piece.brightness)
    for note in score.melody(step=0.5, low=7, span=9, rest=0.35):
        sound = tone(colours, hertz(note.midi), note.beats * score.beat_s, rate, vibrato=0.005)
        lead.add(shaped(distorted(sound, 3.0), rate, 0.005, 0.03), note.beat, score.touch(0.2))
    return lead
