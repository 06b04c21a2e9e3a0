"""Jazz: swing on the ride and brushes, a walking bass, chords off the beat and a solo."""

from functools import cache

from ml_skeleton_demo_library.piece import Samples
from ml_skeleton_demo_library.score import BEATS_PER_BAR, Layer, Score, hertz
from ml_skeleton_demo_library.sounds import bell, cymbal, decay, noise, plucked, struck

SWING = 2 / 3  # where the second eighth falls


def play(score: Score) -> list[Layer]:
    """Return drums, rhythm section and solo."""
    return [_drums(score), _rhythm_section(score), _solo(score)]


def _drums(score: Score) -> Layer:
    piece, rate, rng = score.piece, score.rate, score.rng
    drums = score.layer("beat", level=0.35, pan=0.2, room=0.2)
    ride, pedal = cymbal(rate, 0.5, piece.brightness, rng), cymbal(rate, 0.06, 0.3, rng)
    frames = round(0.9 * score.beat_s * rate)
    brush = noise(frames, rate, 700, 5000, rng) * decay(frames, rate, 1.6)
    for beat in range(score.beats):
        drums.add(ride, beat, 0.2 + 0.3 * piece.brightness)
        drums.add(brush, beat, 0.35 * score.touch(0.5))
        if beat % 2:
            drums.add(pedal, beat, 0.6)
            if score.chance(0.4 + 0.6 * piece.density):
                drums.add(ride, beat + SWING, 0.3 * score.touch())
    return drums


def _rhythm_section(score: Score) -> Layer:
    piece, rate = score.piece, score.rate

    @cache
    def bass(midi: int) -> Samples:
        return plucked(hertz(midi), 1.2 * score.beat_s, rate, 0.05, score.rng)

    @cache
    def key(midi: int) -> Samples:
        return struck(hertz(midi), 1.2 * score.beat_s, rate, 0.2 + 0.4 * piece.brightness, 2.0)

    rhythm = score.layer("bed", level=1.0, pan=-0.1, room=0.2)
    for bar, degree in enumerate(score.progression):
        walk = (degree, degree + 2, degree + 4, degree + int(score.rng.choice((1, 3, 5, 6))))
        for beat, step in enumerate(walk):
            rhythm.add(bass(score.degree(step) - 12), bar * BEATS_PER_BAR + beat, 1.2 * score.touch())
        for off_beat in (SWING, 1 + SWING, 3.0, 3 + SWING):
            if score.chance(0.25 + 0.5 * piece.density):
                for midi in score.chord(degree, 4)[1:]:
                    rhythm.add(key(midi), bar * BEATS_PER_BAR + off_beat, 0.4 * score.touch())
    return rhythm


def _solo(score: Score) -> Layer:
    """A vibraphone or an electric piano, by the artist's timbre."""
    piece = score.piece
    solo = score.layer("lead", level=0.7, pan=0.25, room=0.35)
    ratio = 4.0 if piece.timbre > 0.5 else 1.0
    for note in score.melody(step=0.5, low=8, span=9, rest=0.3):
        late = SWING - 0.5 if note.beat % 1 else 0.0
        sound = bell(hertz(note.midi), 0.9, score.rate, ratio, 0.3 + 1.5 * piece.brightness)
        solo.add(sound, note.beat + late, score.touch(0.4))
    return solo
