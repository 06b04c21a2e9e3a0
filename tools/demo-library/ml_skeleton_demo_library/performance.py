"""Playing a piece: two loops in the rooms of the album, arranged over the length of the song, mastered."""

import numpy as np

from ml_skeleton_demo_library.piece import SPEECH, Piece, Samples
from ml_skeleton_demo_library.score import ROLES, Layer, Role, Score
from ml_skeleton_demo_library.speech import babble
from ml_skeleton_demo_library.styles import STYLES

CEILING = 0.6  # of full scale: MP3 at a low rate overshoots what it was given by up to 4 dB
BRIGHT_TILT_DB = 4.0  # per octave, from a dull piece to a bright one
JOIN_S = 0.04  # cross-fade between two sections

# Sections are half a loop long: which loop, who plays, and how loud from 0 (the quiet end of `dynamics_db`) to 1.
FORM: tuple[tuple[int, frozenset[Role], float], ...] = (
    (0, frozenset({"bed"}), 0.3),
    (0, frozenset({"bed", "beat"}), 0.6),
    (0, frozenset({"bed", "beat", "lead"}), 0.9),
    (0, frozenset({"bed", "beat", "lead"}), 1.0),
    (1, frozenset({"bed", "beat", "lead"}), 1.0),
    (1, frozenset({"bed", "lead"}), 0.0),
    (0, frozenset({"bed", "beat"}), 0.7),
    (1, frozenset({"bed", "beat", "lead"}), 1.0),
)


def perform(piece: Piece) -> Samples:
    """Return the piece as (frames, channels), float32, never beyond CEILING."""
    if piece.style == SPEECH:
        mix = np.repeat(babble(piece)[None], piece.channels, axis=0)
    else:
        rooms = None
        loops: list[dict[Role, Samples | None]] = []
        for variant in (0, 1):
            score = Score(piece, variant)
            layers = STYLES[piece.style].play(score)
            rooms = _rooms(piece, score.frames) if rooms is None else rooms
            loops.append({role: _mixdown(piece, layers, rooms, role) for role in ROLES})
        mix = _arrange(piece, loops)
    return _master(piece, mix)


def _rooms(piece: Piece, frames: int) -> list[np.ndarray]:
    """Return the spectrum of the echo of the room in each channel: noise that dies away."""
    rng = np.random.default_rng([piece.seed, 2])
    dying = np.exp(
        np.arange(frames, dtype=np.float32) * np.float32(-6.9 / ((0.4 + 2.2 * piece.room) * piece.sample_rate))
    )
    echoes = [rng.standard_normal(frames, dtype=np.float32) * dying for _ in range(piece.channels)]
    return [np.fft.rfft(echo / np.sqrt(np.sum(echo**2))) for echo in echoes]


def _mixdown(piece: Piece, layers: list[Layer], rooms: list[np.ndarray], role: Role) -> Samples | None:
    """Return the layers of `role` as (channels, frames), with levels, places, room and tilt; None if all are silent."""
    spectra = [np.zeros_like(room) for room in rooms]
    heard = [layer for layer in layers if layer.role == role and np.any(layer.samples)]
    for layer in heard:
        spectrum = np.fft.rfft(layer.samples * np.float32(layer.level / np.sqrt(np.mean(layer.samples**2))))
        wet = layer.room * piece.room
        for channel, (total, room) in enumerate(zip(spectra, rooms, strict=True)):
            side = 1 + layer.pan * (2 * channel - 1) if piece.channels == 2 else 1.0
            total += spectrum * ((1 - 0.5 * wet) * side + 0.7 * wet * room)
    if not heard:
        return None
    frames = len(heard[0].samples)
    tilt = _tilt(frames, piece)
    return np.stack([np.fft.irfft(total * tilt, frames) for total in spectra]).astype(np.float32, copy=False)


def _tilt(frames: int, piece: Piece) -> Samples:
    """Return the gain per frequency of an equaliser that turns the whole spectrum around 1 kHz."""
    octaves = np.log2(np.fft.rfftfreq(frames, 1 / piece.sample_rate).clip(60, 10_000) / 1000)
    slope = piece.tilt_db + BRIGHT_TILT_DB * (piece.brightness - 0.5)
    return (10 ** (slope * octaves / 20)).astype(np.float32)


def _arrange(piece: Piece, loops: list[dict[Role, Samples | None]]) -> Samples:
    """Return (channels, frames): the sections of FORM one after the other, joined by short cross-fades."""
    frames = round(piece.seconds * piece.sample_rate)
    join = round(JOIN_S * piece.sample_rate)
    mix = np.zeros((piece.channels, frames + join), np.float32)
    bed = loops[0]["bed"]
    assert bed is not None, "every style has a bed"
    half = bed.shape[1] // 2
    first = 0 if frames > 4 * half else 2  # a short song starts with everybody
    up = np.linspace(0, 1, join, dtype=np.float32)
    for section, start in enumerate(range(0, frames, half), first):
        variant, roles, loudness = FORM[section % len(FORM)]
        gain = 10 ** (-piece.dynamics_db * (1 - loudness) / 20)
        for role, loop in loops[variant].items():
            if loop is None or role not in roles:
                continue
            part = np.take(loop, np.arange(section * half, (section + 1) * half + join), axis=1, mode="wrap")
            part *= np.float32(gain)
            part[:, :join] *= up
            part[:, -join:] *= up[::-1]
            room = mix[:, start : start + part.shape[1]]
            room += part[:, : room.shape[1]]
    return mix[:, :frames]


def _master(piece: Piece, mix: Samples) -> Samples:
    """Return (frames, channels) at the level of the album, faded out at the end, peaks rounded off below CEILING."""
    fade = min(mix.shape[1] // 4, round(2.5 * piece.sample_rate))
    mix[:, -fade:] *= np.linspace(1, 0, fade, dtype=np.float32)
    loud = 10 ** (piece.level_db / 20) / np.sqrt(np.mean(mix**2) + 1e-12)
    return np.ascontiguousarray((CEILING * np.tanh(mix * np.float32(loud / CEILING))).T)
