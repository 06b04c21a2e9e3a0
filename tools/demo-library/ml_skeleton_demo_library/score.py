"""A score: the loop of a few bars that a style fills with notes, one layer per instrument group."""

from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np

from ml_skeleton_demo_library.piece import Piece, Samples

Role = Literal["bed", "beat", "lead"]  # what the arrangement brings in and takes out
ROLES: tuple[Role, ...] = ("bed", "beat", "lead")

MAJOR = (0, 2, 4, 5, 7, 9, 11)
MINOR = (0, 2, 3, 5, 7, 8, 10)
BEATS_PER_BAR = 4
SLOW_TEMPO = 95  # below it a loop has two bars, else four: 6 to 10 seconds either way


@dataclass
class Layer:
    """One instrument group of a loop. What rings over the end comes round to the start."""

    role: Role
    samples: Samples
    frames_per_beat: float
    level: float  # RMS beside the other layers
    pan: float  # -1 left to 1 right
    room: float  # 0 dry to 1 wet, before the room of the piece

    def add(self, sound: Samples, beat: float, gain: float = 1.0) -> None:
        """Start `sound` at `beat`."""
        start = round(beat * self.frames_per_beat) % len(self.samples)
        while len(sound):
            fitting = sound[: len(self.samples) - start]
            self.samples[start : start + len(fitting)] += fitting * np.float32(gain)
            sound, start = sound[len(fitting) :], 0


@dataclass(frozen=True)
class Note:
    """A note of a melody."""

    beat: float
    midi: int
    beats: float


class Score:
    """What a style needs to write one loop of a piece: key, chords, tempo, chance and empty layers."""

    def __init__(self, piece: Piece, variant: int) -> None:
        self.piece = piece
        self.rate = piece.sample_rate
        self.rng = np.random.default_rng([piece.seed, variant])
        self.bars = 2 if piece.tempo < SLOW_TEMPO else 4
        self.beats = self.bars * BEATS_PER_BAR
        self.frames = _fast_length(round(self.beats * 60 / piece.tempo * self.rate))
        self.beat_s = self.frames / self.beats / self.rate

    def layer(self, role: Role, level: float, pan: float = 0.0, room: float = 0.3) -> Layer:
        """Return an empty layer."""
        return Layer(role, np.zeros(self.frames, np.float32), self.frames / self.beats, level, pan, room)

    def degree(self, degree: int) -> int:
        """Return the MIDI note of a degree of the scale, 0 being the root; degrees run on over octaves."""
        scale = MINOR if self.piece.minor else MAJOR
        octave, step = divmod(degree, len(scale))
        return self.piece.root + 12 * octave + scale[step]

    def chord(self, degree: int, size: int = 3) -> list[int]:
        """Return the MIDI notes of the chord of thirds on a degree."""
        return [self.degree(degree + 2 * third) for third in range(size)]

    @cached_property
    def progression(self) -> tuple[int, ...]:
        """The degree of the chord of each bar."""
        known = ((0, 5, 3, 4), (0, 3, 0, 4), (0, 4, 5, 3), (5, 3, 0, 4), (0, 2, 3, 4), (1, 4, 0, 5))
        return known[self.rng.integers(len(known))][: self.bars]

    def chance(self, probability: float) -> bool:
        """Return True that often."""
        return bool(self.rng.random() < probability)

    def touch(self, spread: float = 0.25) -> float:
        """Return the gain of one stroke: no two are alike."""
        return float(1 - spread * self.rng.random())

    def melody(self, step: float, low: int = 7, span: int = 8, rest: float = 0.3) -> list[Note]:
        """Return a walk over the scale in steps of `step` beats, within `span` degrees above `low`.

        `rest` is the share of silent steps at density 0; on the first beat of a
        bar the walk lands on the chord.
        """
        notes: list[Note] = []
        at = low + int(self.rng.integers(span))
        for index in range(round(self.beats / step)):
            beat = index * step
            at = int(np.clip(at + self.rng.choice((-2, -1, -1, 0, 1, 1, 2)), low, low + span - 1))
            if self.chance(rest + 0.35 * (1 - self.piece.density)):
                continue
            if beat % BEATS_PER_BAR == 0:
                chord = self.progression[int(beat) // BEATS_PER_BAR]
                at = min((chord + 2 * third + 7 * octave for third in range(3) for octave in range(4)),
                         key=lambda degree: abs(degree - at))  # fmt: skip
            notes.append(Note(beat, self.degree(at), step * float(self.rng.choice((1, 1, 2)))))
        return notes


def hertz(midi: float) -> float:
    """Return the frequency of a MIDI note, 69 being the A of 440 Hz."""
    return float(440.0 * 2 ** ((midi - 69) / 12))


def _fast_length(frames: int) -> int:
    """Return the next even length that has no prime factor above 5: its Fourier transform is several times faster."""
    frames += frames % 2
    while True:
        rest = frames
        for prime in (2, 3, 5):
            while rest % prime == 0:
                rest //= prime
        if rest == 1:
            return frames
        frames += 2
