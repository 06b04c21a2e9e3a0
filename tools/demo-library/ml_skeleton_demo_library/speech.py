"""A speaker: the rhythm and the formants of speech without a word in it."""

import numpy as np

from ml_skeleton_demo_library.piece import Piece, Samples

# Formants of five vowels in Hz (Peterson and Barney 1952, men, rounded) and how wide each resonance is.
VOWELS = ((730, 1090, 2440), (270, 2290, 3010), (530, 1840, 2480), (570, 840, 2410), (300, 870, 2240))
WIDTHS = (80, 100, 140)
SYLLABLES_PER_S = 5.0


def babble(piece: Piece) -> Samples:
    """Return mono babble: a buzzing source through the formants of random vowels, with hisses and pauses.

    This is formant synthesis, not a recorded voice: a detector of speech may or
    may not be taken in by it.
    """
    rng = np.random.default_rng(piece.seed)
    rate = piece.sample_rate
    frames = round(piece.seconds * rate)
    talk = np.zeros(frames, np.float32)
    at, left_in_phrase = 0, 0
    while at < frames:
        if left_in_phrase == 0:
            at += round(rng.uniform(0.25, 0.8) * rate)
            left_in_phrase = length = int(rng.integers(4, 12))
        sound = _syllable(rng, rate, hz=piece.root * (1.25 - 0.4 * (1 - left_in_phrase / length)))
        left_in_phrase -= 1
        end = min(at + len(sound), frames)
        if end > at:
            talk[at:end] += sound[: end - at]
        at += round(0.85 * len(sound))
    return talk


def _syllable(rng: np.random.Generator, rate: int, hz: float) -> Samples:
    """Return a consonant, half the time, and a vowel that glides in pitch around `hz`."""
    frames = round(rng.uniform(0.7, 1.4) / SYLLABLES_PER_S * rate)
    pitch = hz * (1 + 0.06 * rng.standard_normal() + 0.08 * np.linspace(1, -1, frames))
    buzz = 2 * (np.cumsum(pitch / rate) % 1) - 1 + 0.04 * rng.standard_normal(frames)
    vowel = _resonate(buzz, rate, VOWELS[rng.integers(len(VOWELS))], WIDTHS)
    swell = np.sin(np.linspace(0, np.pi, frames)) ** 0.6
    syllable = swell * vowel / np.abs(vowel).max()
    if rng.random() < 0.5:
        hiss = rng.standard_normal(frames // 4)
        consonant = _resonate(hiss, rate, (rng.uniform(2000, 6000),), (1500,))
        syllable[: len(hiss)] += 0.25 * consonant / np.abs(consonant).max() * np.hanning(len(hiss))
    sound: Samples = syllable.astype(np.float32)
    return sound


def _resonate(source: np.ndarray, rate: int, formants: tuple[float, ...], widths: tuple[float, ...]) -> np.ndarray:
    """Return `source` with the resonances of a mouth at `formants`."""
    hz = np.fft.rfftfreq(len(source), 1 / rate)
    gain = sum(
        0.6**index / (1 + ((hz - formant) / width) ** 2)
        for index, (formant, width) in enumerate(zip(formants, widths, strict=True))
    )
    filtered: np.ndarray = np.fft.irfft(np.fft.rfft(source) * gain, len(source))
    return filtered
