"""Songs in every format that FFmpeg can write, and a plain decode of the whole file to compare with."""

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import av
import numpy as np
import pytest
import soundfile

SECONDS = 12.0
LAYOUTS = {1: "mono", 2: "stereo", 6: "5.1", 8: "7.1"}
FULL_SCALE = {"u8": 2.0**7, "s16": 2.0**15, "s32": 2.0**31, "flt": 1.0, "dbl": 1.0}


class Encoding(NamedTuple):
    """How a song of the collection is written."""

    file: str
    codec: str
    rate: int = 44100
    bit_rate: int | None = None
    quality: int | None = None  # variable bit rate
    sample_format: str | None = None
    codec_options: dict[str, str] = {}  # noqa: RUF012 - a default that nothing changes
    container_options: dict[str, str] = {}  # noqa: RUF012


# AAC without noise substitution, as the decoder would draw other noise each time
ENCODINGS = {
    "mp3": Encoding("song.mp3", "libmp3lame", codec_options={"compression_level": "9"}),
    "mp3 without header": Encoding("bare.mp3", "libmp3lame", quality=4, container_options={"write_xing": "0"}),
    "aac": Encoding("song.aac", "aac", codec_options={"aac_pns": "0"}),
    "m4a": Encoding("song.m4a", "aac", codec_options={"aac_pns": "0"}),
    "alac": Encoding("lossless.m4a", "alac"),
    "opus": Encoding("song.opus", "libopus", rate=48000),
    "flac": Encoding("song.flac", "flac"),
    "wv": Encoding("song.wv", "wavpack"),
    "tta": Encoding("song.tta", "tta", sample_format="s16"),
    "wma": Encoding("song.wma", "wmav2", bit_rate=128_000),
    "mka": Encoding("song.mka", "flac"),
    "wav": Encoding("song.wav", "pcm_s16le"),
    "aiff": Encoding("song.aiff", "pcm_s16be"),
    "ogg flac": Encoding("song.oga", "flac"),
}


def make_sound(seconds: float = SECONDS, rate: int = 44100, channels: int = 2, seed: int = 0) -> np.ndarray:
    """Return noisy sines that swell and fade, another one in each channel. (T, C) within -1 to 1"""
    time = np.arange(round(seconds * rate)) / rate
    noise = np.random.default_rng(seed).standard_normal((len(time), channels))
    pitches = 110.0 * (seed + 2) * np.arange(1, channels + 1)
    swell = 0.5 + 0.5 * np.sin(2 * np.pi * 0.3 * time)[:, None]
    return (swell * (0.4 * np.sin(2 * np.pi * time[:, None] * pitches) + 0.03 * noise)).astype(np.float32)


def encode_song(path: Path, sound: np.ndarray, how: Encoding) -> Path:
    """Write `sound` (T, C) to `path` with one of FFmpeg's encoders."""
    layout = LAYOUTS[sound.shape[1]]
    with av.open(str(path), "w", options=how.container_options) as container:
        stream = container.add_stream(how.codec, rate=how.rate, layout=layout, options=how.codec_options)
        context = stream.codec_context
        if how.bit_rate:
            context.bit_rate = how.bit_rate
        if how.quality is not None:
            context.qscale, context.global_quality = True, how.quality * 118
        if how.sample_format:
            context.format = how.sample_format
        context.open()
        whole = av.AudioFrame.from_ndarray(np.ascontiguousarray(sound.T), format="fltp", layout=layout)
        whole.sample_rate, whole.pts = how.rate, 0
        resampler = av.AudioResampler(context.format, layout, how.rate, context.frame_size or 1024)
        for frame in [*resampler.resample(whole), *resampler.resample(None), None]:
            container.mux(stream.encode(frame))
    return path


def decode_whole(path: Path) -> np.ndarray:
    """Return the mean of the channels, full scale 32768, by a plain decode of all packets. (T,)"""
    pieces = []
    with (
        av.open(str(path), metadata_errors="replace") as container,
        suppress(av.FFmpegError),
    ):  # a damaged container ends the song
        stream = container.streams.best("audio")
        for packet in container.demux(stream):
            with suppress(av.FFmpegError):
                pieces += (mean_of_channels(frame) for frame in stream.codec_context.decode(packet))
    return np.concatenate(pieces)


def mean_of_channels(frame: av.AudioFrame) -> np.ndarray:
    sound = frame.to_ndarray()
    if not frame.format.is_planar:
        sound = sound.reshape(-1, frame.layout.nb_channels).T
    name = frame.format.name.removesuffix("p")
    silence = 128 if name == "u8" else 0
    return (sound.astype(np.float32) - silence).sum(axis=0) * np.float32(32768 / FULL_SCALE[name] / len(sound))


def as_int16(mono: np.ndarray) -> np.ndarray:
    return np.clip(np.rint(mono), -32768, 32767).astype(np.int16)


@pytest.fixture(scope="session")
def sound() -> Callable[..., np.ndarray]:
    return make_sound


@pytest.fixture(scope="session")
def encode() -> Callable[..., Path]:
    """Return a writer: encode(path, sound, codec, rate=44100, …)."""
    return lambda path, sound, codec, **how: encode_song(path, sound, Encoding(path.name, codec, **how))


@pytest.fixture(scope="session")
def whole() -> Callable[[Path], np.ndarray]:
    """Return a reader of the whole file as it should come out at its own sample rate, int16. (T,)"""
    return lambda path: as_int16(decode_whole(path))


@pytest.fixture(scope="session")
def songs(tmp_path_factory) -> dict[str, Path]:
    """Return the files of a twelve-second song in all formats; never change them."""
    folder = tmp_path_factory.mktemp("songs")
    made = {name: encode_song(folder / how.file, make_sound(rate=how.rate), how) for name, how in ENCODINGS.items()}
    made["ogg"] = folder / "song.ogg"
    soundfile.write(made["ogg"], make_sound(), 44100, format="OGG", subtype="VORBIS")
    return made
