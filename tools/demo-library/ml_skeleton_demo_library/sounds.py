"""Single sounds: notes of instruments and strokes of drums, as mono float32 at about full scale."""

import numpy as np

from ml_skeleton_demo_library.piece import Samples

TABLE_BITS = 13  # 8192 entries keep the noise of looking up without interpolation below -70 dB
PHASE_BITS = 32
HIGHEST_PARTIAL = 0.45  # of the sample rate: nothing above, so nothing folds back
SILENCE = np.log(1000.0)  # time constants until a sound has fallen by 60 dB


def partials(count: int, brightness: float) -> Samples:
    """Return amplitudes 1/k^p of the first `count` partials, p from 3 (dull) to 1 (a sawtooth)."""
    k = np.arange(1, count + 1, dtype=np.float32)
    return np.power(k, np.float32(2.0 * brightness - 3.0))


def pulse_partials(count: int, duty: float) -> Samples:
    """Return the amplitudes of a pulse wave that is up for `duty` of its period."""
    k = np.arange(1, count + 1)
    amplitudes: Samples = (np.abs(np.sin(np.pi * k * duty)) / k).astype(np.float32)
    return amplitudes


def tone(
    amplitudes: Samples, hz: float, seconds: float, rate: int, cents: tuple[float, ...] = (0.0,), vibrato: float = 0.0
) -> Samples:
    """Return a steady note: the partials of `amplitudes`, once per detuning in `cents`, level 1 together.

    `vibrato` is its depth as a part of the frequency; its speed is 5.3 Hz.
    """
    frames = round(seconds * rate)
    table = _wavetable(amplitudes, hz, rate)
    note = np.zeros(frames, np.float32)
    for voice, cent in enumerate(cents):
        step = np.uint32(hz * 2 ** (cent / 1200) / rate * 2**PHASE_BITS)
        phase = np.arange(frames, dtype=np.uint32) * step + np.uint32(voice * 0x3779_B9F5)  # wraps: that is the period
        if vibrato:
            wobble = np.sin(np.arange(frames, dtype=np.float32) * np.float32(2 * np.pi * 5.3 / rate))
            depth = vibrato * hz / (2 * np.pi * 5.3) * 2**PHASE_BITS
            phase = phase + (wobble * depth).astype(np.int64).astype(np.uint32)
        note += table[phase >> np.uint32(PHASE_BITS - TABLE_BITS)]
    return note / np.float32(len(cents))


def _wavetable(amplitudes: Samples, hz: float, rate: int) -> Samples:
    """Return one period, with peak 1, of the partials that the sample rate can hold."""
    held = amplitudes[: max(1, int(HIGHEST_PARTIAL * rate / hz))]
    spectrum = np.zeros(2 ** (TABLE_BITS - 1) + 1, np.complex64)
    spectrum[1 : len(held) + 1] = -1j * held
    period = np.fft.irfft(spectrum)
    table: Samples = (period / np.abs(period).max()).astype(np.float32)
    return table


def decay(frames: int, rate: int, seconds: float) -> Samples:
    """Return an envelope that falls by 60 dB in `seconds`."""
    fall: Samples = np.exp(np.arange(frames, dtype=np.float32) * np.float32(-SILENCE / (seconds * rate)))
    return fall


def shaped(note: Samples, rate: int, attack_s: float, release_s: float) -> Samples:
    """Return `note` with a straight rise at its start and a straight fall at its end."""
    attack, release = (min(max(2, round(s * rate)), len(note)) for s in (attack_s, release_s))
    note = note.copy()
    note[:attack] *= np.linspace(0, 1, attack, dtype=np.float32)
    note[-release:] *= np.linspace(1, 0, release, dtype=np.float32)
    return note


def struck(hz: float, seconds: float, rate: int, brightness: float, decay_s: float, count: int = 24) -> Samples:
    """Return a note whose upper partials die first, as of a struck string: bright at the blow, then mellow."""
    mellow = tone(partials(4, brightness / 2), hz, seconds, rate, cents=(-1.5, 1.5))
    bright = tone(partials(count, brightness), hz, seconds, rate)
    blow = decay(len(mellow), rate, decay_s / 4)
    return shaped((mellow + (bright - mellow) * blow) * decay(len(mellow), rate, decay_s), rate, 0.003, 0.03)


def plucked(hz: float, seconds: float, rate: int, brightness: float, rng: np.random.Generator) -> Samples:
    """Return a plucked string (Karplus and Strong 1983).

    Their averaging filter is applied to whole periods at once, in the frequency
    domain and without its half-sample delay, so that the pitch is exact after
    one resampling.
    """
    period = max(8, round(rate / hz))
    periods = int(seconds * hz) + 2
    burst = np.fft.rfft(rng.standard_normal(period).astype(np.float32))
    burst[0] = 0
    k = np.arange(len(burst))
    burst *= np.exp(-k * hz / (1200 + 6000 * brightness))  # a soft thumb or a hard pick
    per_period = np.cos(np.pi * k / period).clip(1e-6) * 10 ** (-3 / (hz * (0.8 + 400 / hz)))
    spectra = burst * np.exp(np.arange(periods)[:, None] * np.log(per_period))  # (periods, bins)
    string = np.fft.irfft(spectra, period, axis=1).ravel()
    at = np.arange(round(seconds * rate)) * (period * hz / rate)
    note = np.interp(at, np.arange(len(string)), string).astype(np.float32)
    return shaped(note / (np.abs(note).max() + 1e-9), rate, 0.002, 0.05)


def bell(hz: float, seconds: float, rate: int, ratio: float, index: float) -> Samples:
    """Return a bell by frequency modulation: `ratio` off a whole number makes it metallic, `index` bright."""
    t = np.arange(round(seconds * rate), dtype=np.float32) / rate
    fade = decay(len(t), rate, seconds)
    ringing = np.sin(np.float32(2 * np.pi * ratio * hz) * t) * (fade * fade * np.float32(index))
    return shaped(np.sin(np.float32(2 * np.pi * hz) * t + ringing) * fade, rate, 0.004, 0.05)


def distorted(sound: Samples, drive: float) -> Samples:
    """Return `sound` through an amplifier that is turned up too far."""
    louder: Samples = np.tanh(sound * np.float32(drive))
    return louder


def noise(frames: int, rate: int, low_hz: float, high_hz: float, rng: np.random.Generator) -> Samples:
    """Return noise with peak 1 between two frequencies, with slopes of 12 dB per octave outside."""
    spectrum = np.fft.rfft(rng.standard_normal(frames).astype(np.float32))
    hz = np.fft.rfftfreq(frames, 1 / rate).astype(np.float32) + np.float32(1.0)
    spectrum *= np.minimum(1, (hz / low_hz) ** 2) * np.minimum(1, (high_hz / hz) ** 2)
    hiss = np.fft.irfft(spectrum, frames).astype(np.float32)
    full: Samples = hiss / (np.abs(hiss).max() + np.float32(1e-9))
    return full


def kick(rate: int, deep: float) -> Samples:
    """Return a bass drum; `deep` from 0 (short and high) to 1 (long and low)."""
    seconds = 0.22 + 0.25 * deep
    t = np.arange(round(seconds * rate), dtype=np.float32) / rate
    low, sweep = 62 - 20 * deep, 150.0
    phase = low * t - sweep * 0.025 * np.exp(-t / np.float32(0.025))
    return shaped(np.sin(2 * np.pi * phase).astype(np.float32) * decay(len(t), rate, seconds * 1.3), rate, 0.001, 0.02)


def snare(rate: int, tight: float, rng: np.random.Generator) -> Samples:
    """Return a snare drum; `tight` from 0 (long, soft) to 1 (short, hard)."""
    frames = round((0.28 - 0.12 * tight) * rate)
    rattle = noise(frames, rate, 900 + 1500 * tight, 9000, rng) * decay(frames, rate, frames / rate)
    skin = tone(partials(2, 0.5), 175 + 40 * tight, frames / rate, rate) * decay(frames, rate, 0.12)
    return shaped(0.8 * rattle + 0.5 * skin, rate, 0.001, 0.02)


def cymbal(rate: int, seconds: float, brightness: float, rng: np.random.Generator) -> Samples:
    """Return a hi-hat or a cymbal: high noise that rings for `seconds`."""
    frames = round(seconds * rate)
    return noise(frames, rate, 4000 + 4000 * brightness, rate / 2, rng) * decay(frames, rate, seconds)
