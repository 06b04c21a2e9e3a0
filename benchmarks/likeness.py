"""Measures how well near-duplicates are told from other songs, on a real library.

    python benchmarks/likeness.py LIBRARY [LIBRARY ...] [--songs 24]

Of some songs of each folder of music a minute is changed as shops, players and
remasters do, and encoded anew; a line for each change says how many are found to
be the same recording, and how alike the least is. Then all songs of all folders
are compared with each other: the pairs that are found are listed, for a person to
judge, and below them the nearest that are not. Albums may hold true duplicates.
"""

import argparse
import random
import tempfile
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from pathlib import Path

import av
import numpy as np
import soxr
from ml_skeleton_extract_audio.alignment import agreement, pattern
from ml_skeleton_extract_audio.candidates import Sketches, best_correlation, candidates
from ml_skeleton_extract_audio.cropping import CropPolicy
from ml_skeleton_extract_audio.decode import DecodeError, read_song
from ml_skeleton_extract_audio.likeness import STRANGERS, find_alike
from ml_skeleton_extract_audio.sketch import STEP_S, sketch
from numpy.typing import NDArray

Sound = NDArray[np.float32]  # (T,) within -1 to 1
Samples = NDArray[np.int16]

RATE = 44100
POLICY = CropPolicy()
LONGER = CropPolicy("end", 75.0, 1, RATE)  # what is changed; the crop is cut from it afterwards
SHORTEST_S = 30.0
NEAREST = 5


def equalised(sound: Sound, low_db: float, high_db: float) -> Sound:
    """Return the sound with everything below 100 Hz and above 8 kHz louder or softer."""
    hz = np.fft.rfftfreq(len(sound), 1 / RATE)
    octaves = np.log2([1.0, 100.0, 300.0, 3000.0, 8000.0, RATE / 2])
    gain_db = np.interp(np.log2(hz + 1), octaves, [low_db, low_db, 0, 0, high_db, high_db])
    changed: Sound = np.fft.irfft(np.fft.rfft(sound) * 10 ** (gain_db / 20), len(sound)).astype(np.float32)
    return 0.5 * changed


def limited(sound: Sound, drive: float) -> Sound:
    """Return the sound as a loud remaster has it, its peaks pressed down."""
    return (0.9 * np.tanh(drive * sound / max(float(np.abs(sound).max()), 1e-6))).astype(np.float32)


def faster(sound: Sound, percent: float) -> Sound:
    changed: Sound = soxr.resample(sound, RATE * (1 + percent / 100), RATE)
    return changed


def without_end(sound: Sound, seconds: float) -> Sound:
    return sound[: -round(seconds * RATE)]


def with_noise(sound: Sound) -> Sound:
    noise = np.random.default_rng(0).standard_normal(len(sound)).astype(np.float32)
    return sound + 0.1 * sound.std() * noise


def faded(sound: Sound) -> Sound:
    return sound * np.clip((len(sound) - np.arange(len(sound), dtype=np.float32)) / (10 * RATE), 0, 1)


# what, how the sound is changed, file, codec, bits per second, sample rate
CHANGES: list[tuple[str, Callable[[Sound], Sound], str, str, int | None, int]] = [
    ("MP3 64 kbit/s", lambda s: s, "a.mp3", "libmp3lame", 64_000, RATE),
    ("MP3 32 kbit/s, 22 kHz", lambda s: s, "a.mp3", "libmp3lame", 32_000, 22050),
    ("AAC 64 kbit/s", lambda s: s, "a.m4a", "aac", 64_000, RATE),
    ("Opus 24 kbit/s", lambda s: s, "a.opus", "libopus", 24_000, 48000),
    ("WMA 64 kbit/s", lambda s: s, "a.wma", "wmav2", 64_000, RATE),
    ("15 dB softer", lambda s: 0.18 * s, "a.flac", "flac", None, RATE),
    ("bass +9, treble -12 dB", lambda s: equalised(s, 9, -12), "a.mp3", "libmp3lame", 128_000, RATE),
    ("bass -12, treble +9 dB", lambda s: equalised(s, -12, 9), "a.mp3", "libmp3lame", 128_000, RATE),
    ("limited by 12 dB", lambda s: limited(s, 4), "a.mp3", "libmp3lame", 128_000, RATE),
    ("64 ms less at the end", lambda s: without_end(s, 0.064), "a.opus", "libopus", 64_000, 48000),
    ("7.3 s less at the end", lambda s: without_end(s, 7.3), "a.mp3", "libmp3lame", 128_000, RATE),
    ("4 s of silence behind", lambda s: np.append(s, np.zeros(4 * RATE, np.float32)), "a.flac", "flac", None, RATE),
    ("10 s fade-out", faded, "a.mp3", "libmp3lame", 128_000, RATE),
    ("0.1 % faster", lambda s: faster(s, 0.1), "a.flac", "flac", None, RATE),
    ("0.5 % faster", lambda s: faster(s, 0.5), "a.flac", "flac", None, RATE),
    ("1 % faster", lambda s: faster(s, 1.0), "a.flac", "flac", None, RATE),
    ("noise of -20 dB", with_noise, "a.mp3", "libmp3lame", 128_000, RATE),
]


def encode(path: Path, sound: Sound, codec: str, bit_rate: int | None, rate: int) -> Path:
    """Write `sound` to `path`."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=rate, layout="mono")
        if bit_rate:
            stream.bit_rate = bit_rate
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(sound[None]), format="fltp", layout="mono")
        frame.sample_rate = RATE
        resampler = av.AudioResampler(stream.format, "mono", rate, stream.frame_size or 1024)
        for piece in [*resampler.resample(frame), *resampler.resample(None), None]:
            container.mux(stream.encode(piece))
    return path


def crops_of(files: Sequence[Path], policy: CropPolicy, most: int | None = None) -> Iterator[tuple[Path, Samples]]:
    """Yield the crops of up to `most` files that hold music enough."""
    found = 0
    for path in files:
        try:
            samples = read_song(path, policy).crops[0].samples
        except DecodeError:
            continue
        if len(samples) > SHORTEST_S * policy.rate and samples.std() > 30:
            yield path, samples
            found += 1
        if found == most:
            return


def sketches_of(names: Sequence[str], crops: Sequence[Samples]) -> Sketches:
    words = [sketch(samples, POLICY.rate) for samples in crops]
    return Sketches(list(names), np.concatenate(words), np.cumsum([0] + [len(found) for found in words]))


def measure_changes(files: Sequence[Path], songs: int) -> None:
    """Print for each change how many of `songs` songs are found again."""
    chosen = [crop.astype(np.float32) / 32768 for _, crop in crops_of(files, LONGER, songs)]
    print(f"{'change':<24} {'found':>7}  least alike of those found")
    with tempfile.TemporaryDirectory() as folder:
        for what, change, name, *how in CHANGES:
            likes = []
            for sound in chosen:
                original = encode(Path(folder) / "original.flac", sound, "flac", None, RATE)
                again = encode(Path(folder) / name, change(sound), *how)
                crops = [read_song(path, POLICY).crops[0].samples for path in (original, again)]
                found = find_alike(sketches_of("ab", crops), lambda n, crops=crops: pattern(crops[n], POLICY.rate))
                likes += [row.similarity for row in found[:1]]
            print(f"{what:<24} {len(likes):>3}/{len(chosen)}  {min(likes, default=0.0):.2f}", flush=True)


def measure_strangers(files: Sequence[Path]) -> None:
    """Print which of different files are found to be one recording, and which ones nearly are."""
    songs = dict(crops_of(files, POLICY))
    names, crops = [str(path) for path in songs], list(songs.values())
    sketches = sketches_of(names, crops)
    listen = lru_cache(None)(lambda number: pattern(crops[number], POLICY.rate))
    group = {row.audio_id: row for row in find_alike(sketches, listen)}
    print(f"\n{len(names)} songs, {len(names) * (len(names) - 1) // 2} pairs; found to be one recording:")
    for row in group.values():
        print(f"  group {row.group}, {row.similarity:.2f}  {row.audio_id}")
    near = []
    for (one, other), shifts in candidates(sketches).items():
        words, shift = best_correlation(sketches.of(one), sketches.of(other), shifts)
        if words > 0 and not (names[one] in group and names[other] in group):
            near.append((words, agreement(listen(one), listen(other), shift * STEP_S), names[one], names[other]))
    print(f"nearest of the others (agreement of the sketches, from {STRANGERS} on also of the sound):")
    for words, sound, one, other in sorted(near, reverse=True)[:NEAREST]:
        print(f"  {words:.2f} {sound:.2f}  {one} | {other}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("libraries", nargs="+", type=Path)
    parser.add_argument("--songs", type=int, default=24, help="songs to change, of all folders")
    asked = parser.parse_args()
    files = sorted(path for folder in asked.libraries for path in folder.rglob("*") if path.is_file())
    shuffled = random.Random(0).sample(files, len(files))
    measure_changes(shuffled, asked.songs)
    measure_strangers(files)


if __name__ == "__main__":
    main()
