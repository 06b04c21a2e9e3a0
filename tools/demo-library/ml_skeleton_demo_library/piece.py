"""A piece: everything that decides how one song sounds. Made by the catalogue, played by `performance`."""

from dataclasses import dataclass

import numpy as np

SPEECH = "Speech"  # the style of a speaker, beside the musical ones in styles.STYLES
Samples = np.ndarray[tuple[int, ...], np.dtype[np.float32]]


@dataclass(frozen=True)
class Piece:
    """The same piece always gives the same samples."""

    style: str  # a name in styles.STYLES, or SPEECH
    seconds: float
    sample_rate: int  # Hz
    channels: int  # 1 or 2
    tempo: float  # beats per minute
    root: int  # MIDI note of the key, in the octave below middle C
    minor: bool
    brightness: float  # 0 dull to 1 bright: how slowly the partials of a note fall off
    density: float  # 0 sparse to 1 busy: how many of the possible notes are played
    dynamics_db: float  # how far the quiet sections lie below the loud ones
    timbre: float  # 0 to 1, the artist's own: waveform, pick position, tuning of the drums
    tilt_db: float  # mastering of the album: dB per octave around 1 kHz
    level_db: float  # mastering of the album: RMS level in dB below full scale
    room: float  # 0 dry to 1 wet
    seed: int
