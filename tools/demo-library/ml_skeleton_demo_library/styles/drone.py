"""Drone: a low chord that hardly moves, noise that breathes, now and then something metallic."""

import numpy as np

from ml_skeleton_demo_library.score import Layer, Score, hertz
from ml_skeleton_demo_library.sounds import bell, noise, partials, tone


def play(score: Score) -> list[Layer]:
    """Return the drone with its noise, and scrapes."""
    piece, rate = score.piece, score.rate
    seconds = score.frames / rate
    turn = np.linspace(0, 2 * np.pi, score.frames, endpoint=False, dtype=np.float32)
    bed = score.layer("bed", level=1.0, room=0.5)
    colours = partials(40, 0.1 + 0.9 * piece.brightness)
    for voice, interval in enumerate((-24, -12, -5, 0 if piece.timbre > 0.5 else 1)):
        whole_turns = round(hertz(piece.root + interval) * seconds) / seconds  # so that the loop closes without a click
        breath = 0.7 + 0.3 * np.sin(turn * np.float32(1 + voice % 2) + np.float32(voice))
        bed.add(tone(colours, whole_turns, seconds, rate) * breath, 0, score.touch(0.4))
    wind = noise(score.frames, rate, 150 + 400 * piece.timbre, 500 + 5000 * piece.brightness, score.rng)
    bed.add(wind * (0.6 + 0.4 * np.sin(turn * np.float32(2))), 0, 1.5 * piece.density)
    scrapes = score.layer("lead", level=0.3, pan=-0.4, room=1.0)
    for note in score.melody(step=2.0, low=0, span=10, rest=0.4):
        sound = bell(hertz(note.midi), 3.0, rate, 1.41 + piece.timbre, 1 + 5 * piece.brightness)
        scrapes.add(sound, note.beat, score.touch(0.6))
    return [bed, scrapes]
