"""Statistics of the sound that need no training: timbre, shape of the spectrum, harmony, rhythm, dynamics and level."""

import math

import torch
import torchaudio
from torch import Tensor, nn
from torch.nn import functional

from ml_skeleton.music.encoders.audio_input import LEVEL
from ml_skeleton.music.encoders.protocol import pool_over_time

FRAME_S, MEL_BANDS, COEFFICIENTS = 0.128, 64, 20  # of the frames for timbre and harmony
LOWEST_HZ = 30.0
POWER_FLOOR = 1e-4  # of a band of audio with power 1
QUIETEST = 1e-4  # level taken for silence, -80 dB of full scale
ROLLOFF = (0.5, 0.85, 0.95)  # shares of the power that lie below
OCTAVE_BANDS = 10  # mel bands compared with each other for contrast
CLASSES = 12
PITCHED_HZ = (60.0, 5000.0)
BEAT_FRAME_S, BEATS_PER_S = 0.032, 100  # of the frames for rhythm
BEAT_BANDS_HZ = (30.0, 125.0, 250.0, 500.0, 1000.0, 2000.0, 8000.0)
TEMPI = (40, 48, 56, 66, 78, 92, 108, 126, 148, 174, 204, 240)  # beats a minute whose pulse is measured
TEMPO_RANGE, USUAL_TEMPO, TEMPO_OCTAVES = (
    (50, 200),
    120,
    0.9,
)  # searched; the tempo that one would guess, and how surely
MODULATION_HZ = (0.4, 0.8, 1.4, 2.0, 2.8, 4.0, 6.0, 9.0, 15.0)
LEVELS = (0.05, 0.1, 0.25, 0.5, 0.9, 0.95)  # quantiles
SMALL = 1e-8


class StatisticsEncoder(nn.Module):
    """What can be measured of a window without having learned anything, about 400 numbers.

    Timbre stands at the level at which the music was recorded, which z-normalised
    audio does not tell: `level` is the root mean square of the crop, 1 being full
    scale, and -20 dB where it is not given. Pitch classes are described by the
    intervals between them, so that a transposed song stays the same song.
    """

    hears_level = True
    filters: Tensor
    moments: Tensor
    cosines: Tensor
    below: Tensor
    classes: Tensor
    beat_bands: Tensor
    window: Tensor
    beat_window: Tensor

    def __init__(self, sample_rate: int = 16000) -> None:
        super().__init__()
        self.sample_rate = sample_rate
        self.frame = 2 ** round(math.log2(FRAME_S * sample_rate))
        self.beat_frame, self.beat_hop = round(BEAT_FRAME_S * sample_rate), round(sample_rate / BEATS_PER_S)
        hz = torch.linspace(0, sample_rate / 2, self.frame // 2 + 1)
        filters = torchaudio.functional.melscale_fbanks(
            len(hz), LOWEST_HZ, sample_rate / 2, MEL_BANDS, sample_rate
        )  # (F, 64)
        moments = torch.stack([torch.ones_like(hz), hz, hz**2], dim=1)  # (F, 3)
        beat_hz = torch.linspace(0, sample_rate / 2, self.beat_frame // 2 + 1)
        self._constant("filters", filters)
        self._constant("moments", moments)
        self._constant("cosines", torchaudio.functional.create_dct(COEFFICIENTS, MEL_BANDS, "ortho"))
        self._constant("below", torch.ones(MEL_BANDS, MEL_BANDS).triu())  # power @ below: up to each band
        self._constant("classes", _pitch_classes(hz))
        self._constant("beat_bands", _averages(beat_hz, BEAT_BANDS_HZ))
        self._constant("window", torch.hann_window(self.frame))
        self._constant("beat_window", torch.hann_window(self.beat_frame))
        parts = self._parts(torch.zeros(1, sample_rate), None)
        self.parts = {name: part.shape[1] for name, part in parts.items()}

    @torch.no_grad()
    def forward(self, audio: Tensor, level: Tensor | None = None) -> Tensor:
        """Return statistics (B, D) of z-normalised audio (B, T), whose crops have the level (B,)."""
        return torch.cat(list(self._parts(audio, level).values()), dim=1)

    def get_embedding_dim(self) -> int:
        return sum(self.parts.values())

    def get_embedding_parts(self) -> dict[str, int]:
        return dict(self.parts)

    def _parts(self, audio: Tensor, level: Tensor | None) -> dict[str, Tensor]:
        level = audio.new_full((len(audio),), LEVEL) if level is None else level
        with torch.autocast(audio.device.type, enabled=False):  # logarithms need float32
            audio, loudness = audio.float(), level.float().clamp(min=QUIETEST).log()
            power = _power(audio, self.window, self.frame // 2)  # (B, L, F)
            bands = power @ self.filters  # (B, L, 64)
            return {
                "timbre": self._timbre((bands + POWER_FLOOR).log(), loudness),
                "spectrum": self._shape(power, bands),
                "contrast": _contrast((bands + POWER_FLOOR).log()),
                "harmony": self._harmony(power.sqrt()),
                "rhythm": self._rhythm(audio),
                "dynamics": _dynamics(audio, self.beat_frame, loudness),
            }

    def _constant(self, name: str, value: Tensor) -> None:
        """Keep a tensor that follows from the sample rate: on the device, not in the checkpoint."""
        self.register_buffer(name, value, persistent=False)

    def _timbre(self, mel: Tensor, loudness: Tensor) -> Tensor:
        """Return the log-mel spectrum (B, L, 64) pooled at its true level, and the cepstrum and its change."""
        pooled = pool_over_time((mel + 2 * loudness[:, None, None]).transpose(1, 2))
        cepstrum = mel @ self.cosines  # (B, L, 20)
        change = cepstrum.diff(dim=1, append=cepstrum[:, -1:])
        return torch.cat([pooled, cepstrum.mean(dim=1), _deviation(cepstrum), _deviation(change)], dim=1)

    def _shape(self, power: Tensor, bands: Tensor) -> Tensor:
        """Return mean and deviation over time of centroid, bandwidth, roll-off and flatness."""
        total, first, second = (power @ self.moments).clamp(min=SMALL).unbind(dim=2)  # (B, L)
        centroid = first / total
        width = (second / total - centroid**2).clamp(min=1.0).sqrt()
        share = (bands / bands.sum(dim=2, keepdim=True).clamp(min=SMALL)) @ self.below  # (B, L, 64)
        rolloff = [(share < part).float().mean(dim=2) for part in ROLLOFF]
        flatness = (bands + POWER_FLOOR).log().mean(dim=2) - (bands.mean(dim=2) + POWER_FLOOR).log()
        tracks = torch.stack([(centroid + LOWEST_HZ).log(), width.log(), *rolloff, flatness], dim=2)  # (B, L, 6)
        return torch.cat([tracks.mean(dim=1), _deviation(tracks)], dim=1)

    def _harmony(self, magnitude: Tensor) -> Tensor:
        """Return how pitch classes are spread and change, and which intervals lie between them; no key."""
        chroma = functional.normalize(magnitude @ self.classes, p=1, dim=2)  # (B, L, 12)
        mean = chroma.mean(dim=1)
        centred = mean - mean.mean(dim=1, keepdim=True)
        strength = centred.square().sum(dim=1).clamp(min=SMALL)
        over_all = [(centred * centred.roll(step, 1)).sum(dim=1) / strength for step in range(1, CLASSES // 2 + 1)]
        at_once = [(chroma * chroma.roll(step, 2)).sum(dim=2).mean(dim=1) for step in range(CLASSES // 2 + 1)]
        change = chroma.diff(dim=1, append=chroma[:, -1:]).abs().sum(dim=2, keepdim=True)
        entropy = -(chroma * (chroma + 1e-6).log()).sum(dim=2, keepdim=True)
        tracks = torch.cat([change, entropy], dim=2)  # (B, L, 2)
        intervals = torch.stack([*over_all, *at_once], dim=1)
        return torch.cat([intervals, mean.sort(dim=1).values, tracks.mean(dim=1), _deviation(tracks)], dim=1)

    def _rhythm(self, audio: Tensor) -> Tensor:
        """Return onsets by band, the pulse at several tempi, and how fast each band swells and fades."""
        power = _power(audio, self.beat_window, self.beat_hop) @ self.beat_bands
        bands = (power + 10 * POWER_FLOOR).log()  # (B, L, 6), 100 frames a second
        rises = bands.diff(dim=1, append=bands[:, -1:]).clamp(min=0)
        onset = rises.mean(dim=2)  # (B, L)
        high, highest, middle = (_quantile(onset, share) for share in (0.95, 0.99, 0.5))
        mean, deviation = onset.mean(dim=1), _deviation(onset)
        busy = (onset > (mean + 1.5 * deviation)[:, None]).float().mean(dim=1)
        summary = torch.stack([mean, deviation, high - middle, highest, busy], dim=1)
        return torch.cat([summary, rises.mean(dim=1), _deviation(rises), _pulse(onset), _modulation(bands)], dim=1)


def _power(audio: Tensor, window: Tensor, hop: int) -> Tensor:
    """Return the power spectrum (B, L, F) of frames; audio shorter than a frame is filled up with silence."""
    size = len(window)
    audio = functional.pad(audio, (0, max(0, size - audio.shape[1])))
    spectrum = torch.stft(audio, size, hop, window=window, center=False, return_complex=True)
    power: Tensor = torch.view_as_real(spectrum).square().sum(dim=3).transpose(1, 2) / size
    return power


def _pitch_classes(hz: Tensor) -> Tensor:
    """Return 1 where a frequency (F,) belongs to a pitch class: (F, 12)."""
    number = (CLASSES * torch.log2(hz.clamp(min=1.0) / 440.0)).round().long() % CLASSES
    pitched = (hz > PITCHED_HZ[0]) & (hz < PITCHED_HZ[1])
    return functional.one_hot(number, CLASSES).float() * pitched[:, None]


def _averages(hz: Tensor, edges: tuple[float, ...]) -> Tensor:
    """Return what averages the frequencies (F,) between neighbouring edges: (F, edges - 1)."""
    inside = (hz[:, None] >= hz.new_tensor(edges[:-1])) & (hz[:, None] < hz.new_tensor(edges[1:]))
    return inside.float() / inside.sum(dim=0).clamp(min=1)


def _deviation(tracks: Tensor) -> Tensor:
    """Return the deviation over time, the second dimension."""
    return tracks.std(dim=1, unbiased=False)


def _quantile(tracks: Tensor, share: float) -> Tensor:
    return torch.quantile(tracks, share, dim=1)


def _contrast(mel: Tensor) -> Tensor:
    """Return how far peaks stand out within groups of bands of (B, L, 64): mean, deviation and the lowest band."""
    groups = mel[:, :, : MEL_BANDS // OCTAVE_BANDS * OCTAVE_BANDS].unfold(
        2, OCTAVE_BANDS, OCTAVE_BANDS
    )  # (B, L, 6, 10)
    lowest = groups.amin(dim=3)
    contrast = groups.amax(dim=3) - lowest
    return torch.cat([contrast.mean(dim=1), _deviation(contrast), lowest.mean(dim=1)], dim=1)


def _pulse(onset: Tensor) -> Tensor:
    """Return the autocorrelation of onsets (B, L) at several tempi, the highest one, and the likeliest tempo."""
    lags = [round(60 * BEATS_PER_S / tempo) for tempo in TEMPI]
    centred = onset - onset.mean(dim=1, keepdim=True)
    length = 1 << (2 * max(onset.shape[1], max(lags) + 3) - 1).bit_length()
    echo = torch.fft.irfft(torch.fft.rfft(centred, length).abs().square(), length)
    echo = echo / echo[:, :1].clamp(min=SMALL)
    at_tempi = [echo[:, lag - 2 : lag + 3].amax(dim=1) for lag in lags]
    first, last = (round(60 * BEATS_PER_S / tempo) for tempo in reversed(TEMPO_RANGE))
    searched = torch.arange(first, last, device=onset.device)
    usual = torch.log2(searched * USUAL_TEMPO / (60 * BEATS_PER_S)) / TEMPO_OCTAVES
    best = searched[(echo[:, first:last] * torch.exp(-0.5 * usual**2)).argmax(dim=1)]
    tempo = torch.log2(60 * BEATS_PER_S / best.float())
    return torch.stack([*at_tempi, echo[:, first:last].amax(dim=1), tempo], dim=1)


def _modulation(bands: Tensor) -> Tensor:
    """Return the log power of the swelling and fading of each band (B, L, 6) between MODULATION_HZ: (B, 48)."""
    frames = bands.shape[1]
    length = max(1024, frames)  # a tenth of a hertz or finer, so that no range is without a frequency
    envelope = (bands - bands.mean(dim=1, keepdim=True)) * torch.hann_window(frames, device=bands.device)[:, None]
    power = torch.fft.rfft(envelope, length, dim=1).abs().square() / frames  # (B, M, 6)
    hz = torch.fft.rfftfreq(length, 1 / BEATS_PER_S, device=bands.device)
    swelling: Tensor = (power.transpose(1, 2) @ _averages(hz, MODULATION_HZ) + 1e-3).log()
    return swelling.flatten(1)


def _dynamics(audio: Tensor, frame: int, loudness: Tensor) -> Tensor:
    """Return the range and restlessness of the loudness, the peak, zero crossings, and the level itself."""
    padded = functional.pad(audio, (0, max(0, frame - audio.shape[1])))
    level = (padded.unfold(1, frame, frame).square().mean(dim=2) + 1e-5).log()  # (B, L)
    low, soft, quarter, middle, loud, high = (_quantile(level, share) for share in LEVELS)
    peak = 2 * (audio.abs().amax(dim=1) + 1e-3).log()
    mean, step = level.mean(dim=1), level.diff(dim=1, append=level[:, -1:]).abs().mean(dim=1)
    crossings = ((padded[:, 1:] * padded[:, :-1]) < 0).float().mean(dim=1)
    ranges = [loud - soft, high - middle, quarter - low, _deviation(level)]
    return torch.stack([*ranges, mean, peak, peak - mean, step, crossings, 2 * loudness], dim=1)
