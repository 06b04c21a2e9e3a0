"""Listeners who do not exist, each with a hidden taste of its own, drawn at random over measures of the sound.

Listeners differ in kind: in what they listen for, and in how much of their stars
that explains beside fondness for artists and albums, and moods. The audio part of
a taste draws three of the measures of its kind, each with a weight from a normal distribution: one counts as
it is, one by how far it is from the middle, two by their product. So no listener's
rule is a line through a measure, and no two listeners share one.
"""

from collections.abc import Iterable, Sequence

import numpy as np
import numpy.typing as npt
from ml_skeleton.artifacts.crops import Crops, Waveform
from ml_skeleton.artifacts.parts import FULL_SCALE
from ml_skeleton.music.recordings import Recording
from scipy import stats

Floats = npt.NDArray[np.float64]

FRAME, HOP = 1024, 512
LISTENED_FOR = {  # by kind; any other listens for everything
    "timbre": ("brightness", "change of brightness", "noisiness", "bass", "tonality"),
    "rhythm": ("tempo", "pulse", "attack"),
    "loudness": ("level", "dynamics", "attack"),
}
USUAL_SHARES = {"audio": 0.5, "artist": 0.15, "album": 0.15, "mood": 0.2}
SHARES = {  # of the variance of the stars, by kind
    "loyal": {"audio": 0.2, "artist": 0.35, "album": 0.2, "mood": 0.25},
    "moody": {"audio": 0.3, "artist": 0.1, "album": 0.1, "mood": 0.5},
}
KINDS = ("timbre", "rhythm", "loudness", "everything", "loyal", "moody")
RATED = 0.7  # of the songs
TYPICAL, SPREAD = 0.6, 0.22  # of the ratings, 0 to 1: three stars, give or take one


def measures(waveform: Waveform, rate: int) -> dict[str, float]:
    """Return measures of the sound of one crop, by name."""
    audio = waveform.samples.astype(np.float32) / np.float32(FULL_SCALE)
    frames = np.lib.stride_tricks.sliding_window_view(audio, FRAME)[::HOP]
    power = np.abs(np.fft.rfft(frames * np.hanning(FRAME).astype(np.float32))) ** 2 + 1e-9  # (L, F)
    hz = np.fft.rfftfreq(FRAME, 1 / rate)
    total = power.sum(axis=1)
    centroid = (power @ hz) / total
    level_db = 10 * np.log10((frames**2).mean(axis=1) + 1e-8)
    flux = np.maximum(np.diff(np.log(power), axis=0), 0).mean(axis=1)
    period, clarity = pulse(flux, rate / HOP)
    chroma = pitch_classes(power.mean(axis=0), hz)
    return {
        "brightness": float(np.log(centroid.mean())),
        "change of brightness": float(np.log(centroid).std()),
        "noisiness": float((np.log(power).mean(axis=1) - np.log(power.mean(axis=1))).mean()),
        "level": float(10 * np.log10((audio**2).mean() + 1e-8)),
        "dynamics": float(np.percentile(level_db, 90) - np.percentile(level_db, 10)),
        "attack": float(np.percentile(flux, 95) - np.median(flux)),
        "tempo": float(60 / period),
        "pulse": clarity,
        "bass": float(np.log(power[:, hz < 150].sum() / power.sum() + 1e-6)),
        "tonality": float(chroma.max() / chroma.mean()),
    }


def pulse(flux: Floats, frame_rate: float) -> tuple[float, float]:
    """Return the period of the beat in seconds, 0.33 to 1, and how clear it is, up to 1."""
    flux = flux - flux.mean()
    echo = np.correlate(flux, flux, "full")[len(flux) - 1 :]
    lags = np.arange(int(frame_rate / 3), min(int(frame_rate), len(echo)))
    if not len(lags) or echo[0] <= 0:
        return 0.5, 0.0
    best = lags[echo[lags].argmax()]
    return float(best / frame_rate), float(echo[best] / echo[0])


def pitch_classes(spectrum: Floats, hz: Floats) -> Floats:
    """Return the energy (12,) of each pitch class between 100 and 2000 Hz."""
    heard = (hz > 100) & (hz < 2000)
    classes = np.round(12 * np.log2(hz[heard] / 440)).astype(int) % 12
    return np.bincount(classes, weights=np.sqrt(spectrum[heard]), minlength=12)


def measure_songs(crops: Crops) -> dict[str, dict[str, float]]:
    """Return the measures of the first crop of each recording that has half a second of sound, by audio_id."""
    found: dict[str, dict[str, float]] = {}
    for group in crops.groups:
        for waveform in crops.read(group):
            if waveform.audio_id not in found and len(waveform.samples) > crops.sample_rate // 2:
                found[waveform.audio_id] = measures(waveform, crops.sample_rate)
    return found


def kind_of(seed: int) -> str:
    """Return the kind of listener that a seed from 1 on makes."""
    return KINDS[(seed - 1) % len(KINDS)]


def rate_songs(
    seed: int, recordings: Sequence[Recording], heard: dict[str, dict[str, float]], share: float = RATED
) -> dict[str, float]:
    """Return the ratings, 0 to 1 in halves of a star, of a new listener: of a share of the songs, by audio_id."""
    random = np.random.default_rng(seed)
    kind = kind_of(seed)
    names = random.choice(sorted(LISTENED_FOR.get(kind, next(iter(heard.values())))), 3, replace=False)
    plain, middle, product = (normal_scores([heard[r.audio_id][name] for r in recordings]) for name in names)
    weights = random.standard_normal(3)
    parts = {
        "audio": weights[0] * plain + weights[1] * middle**2 + weights[2] * plain * product,
        "artist": effect(random, (recording.artist for recording in recordings)),
        "album": effect(random, ((*recording.album_keys, "")[0] for recording in recordings)),
        "mood": random.standard_normal(len(recordings)),
    }
    shares = SHARES.get(kind, USUAL_SHARES)
    taste = sum(np.sqrt(shares[name]) * standard(part) for name, part in parts.items())
    ratings = np.clip(np.round((TYPICAL + SPREAD * standard(taste)) * 10) / 10, 0, 1)
    rated = random.random(len(recordings)) < share
    return {r.audio_id: float(rating) for r, rating, there in zip(recordings, ratings, rated, strict=True) if there}


def effect(random: np.random.Generator, names: Iterable[str]) -> Floats:
    """Return one normal number for each name, the same for the same name."""
    values: dict[str, float] = {}
    return np.array([values.setdefault(name, random.standard_normal()) for name in names])


def normal_scores(values: Sequence[float]) -> Floats:
    """Return the values bent to a standard normal distribution, by rank."""
    return stats.norm.ppf((stats.rankdata(values) - 0.5) / len(values))


def standard(values: Floats) -> Floats:
    return (values - values.mean()) / max(values.std(), 1e-9)
