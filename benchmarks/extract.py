"""What a crop costs in CPU time, against the bare decoder and against other ways to load the same sound.

    python benchmarks/extract.py LIBRARY [--seconds 60] [--rate 16000] [--rounds 3] [--limit N]

LIBRARY is a folder of music, or the database of Clementine or Strawberry. Every
method has a process of its own; they take turns on each file, and the least CPU
time of the rounds counts, threads included, imports and start-up left out. A
method's figures count the files that it can read, and the ratios compare two
methods on the same files. Below the table stand the limits, one a line, and what
could not be measured for want of a package: `pip install torchcodec bliss-audio`
for this, into a folder on PYTHONPATH; where bliss-audio 0.2.0 ends with SIGILL, as
on processors without AVX-512, 0.1.11 works.

    decoder     decode() of the packets that the last seconds need, nothing else
    pure        the same, with opening the file, seeking and demuxing by PyAV; frames are thrown away
    ours        read_song: fingerprint, decode, downmix, resample to int16
    one piece   PyAV, frames joined, mean(axis), soxr in one piece, to int16
    librosa, torchaudio, torchcodec    as their users load the last seconds; torchaudio.load decodes
                the whole file by torchcodec, whose own decoder can be asked for a range
    bliss       its analysis, of the whole file

Files that are no audio are left out, and counted.
"""

import argparse
import os
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from concurrent.futures import BrokenExecutor, ProcessPoolExecutor
from dataclasses import dataclass, field
from functools import cache
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import soxr
from ml_skeleton.artifacts.player import read_library
from ml_skeleton.path_map import PathMap
from ml_skeleton_extract_audio.bare_stream import BARE_FORMATS
from ml_skeleton_extract_audio.cropping import CropPolicy
from ml_skeleton_extract_audio.decode import PREROLL_OTHERS_S, PREROLL_S, read_song
from ml_skeleton_extract_audio.locations import file_of
from ml_skeleton_extract_audio.source import AudioPacket, AudioSource, DecodeError, open_source

Method = Callable[[bytes, CropPolicy], None]

MOST_OF_PURE = 1.5
LEAST_OF_OTHERS = {"librosa": 2.6, "torchaudio": 3.0, "bliss": 7.0}


def ours(path: bytes, policy: CropPolicy) -> None:
    read_song(path, policy)


def pure(path: bytes, policy: CropPolicy) -> None:
    with open_source(path) as source:
        decode = source.decoder.decode
        for packet in needed_packets(source, policy):
            decode(packet)


def one_piece(path: bytes, policy: CropPolicy) -> None:
    with open_source(path) as source:
        frames = [frame for packet in needed_packets(source, policy) for frame in source.decoder.decode(packet)]
        arrays = [frame.to_ndarray() for frame in frames]
        if not frames[0].format.is_planar:
            arrays = [array.reshape(-1, frames[0].layout.nb_channels).T for array in arrays]
        sound = np.concatenate(arrays, axis=1)
        full_scale = 1.0 if sound.dtype.kind == "f" else 2.0 ** (8 * sound.dtype.itemsize - 1)
        mono = (sound.mean(axis=0) / full_scale).astype(np.float32)[-round(policy.seconds * source.rate) :]
        np.clip(np.rint(soxr.resample(mono, source.rate, policy.rate) * 32768), -32768, 32767).astype(np.int16)


def needed_packets(source: AudioSource, policy: CropPolicy) -> Iterator[AudioPacket]:
    """Yield the packets of the last seconds, by plain means: read all of a file without index, seek in the others."""
    seconds = policy.seconds + PREROLL_S.get(source.codec, PREROLL_OTHERS_S)
    if source.format in BARE_FORMATS:
        packets = list(source.packets())
        end = (packets[-1].pts or 0) + (packets[-1].duration or 0)
        first = end - int(seconds / source.time_base)
        return (packet for packet in packets if (packet.pts or 0) >= first)
    if source.stated_s and source.stated_s > seconds:
        start = (source.stream.start_time or 0) + int((source.stated_s - seconds) / source.time_base)
        source.container.seek(start, stream=source.stream)
    return source.packets()


def decoder_s(path: bytes, policy: CropPolicy) -> float:
    """Return the CPU time of the decode() calls alone."""
    with open_source(path) as source:
        packets = list(needed_packets(source, policy))
        decode = source.decoder.decode
        began = time.process_time()
        for packet in packets:
            decode(packet)
        return time.process_time() - began


def with_librosa() -> Method:
    import warnings

    import librosa

    warnings.simplefilter("ignore")  # that it falls back on another reader, and that the reader is deprecated

    def load(path: bytes, policy: CropPolicy) -> None:
        name = os.fsdecode(path)
        offset = max(0.0, librosa.get_duration(path=name) - policy.seconds)
        librosa.load(name, sr=policy.rate, mono=True, offset=offset, duration=policy.seconds)

    return load


def with_torchaudio() -> Method:
    import torchaudio
    import torchcodec  # noqa: F401 - torchaudio finds out only when it loads a file

    def load(path: bytes, policy: CropPolicy) -> None:
        sound, rate = torchaudio.load(os.fsdecode(path))
        mono = sound[:, -round(policy.seconds * rate) :].mean(0)
        torchaudio.functional.resample(mono, rate, policy.rate)

    return load


def with_torchcodec() -> Method:
    import torchaudio
    from torchcodec.decoders import AudioDecoder

    def load(path: bytes, policy: CropPolicy) -> None:
        decoder = AudioDecoder(os.fsdecode(path))
        length_s = decoder.metadata.duration_seconds_from_header or 0.0
        samples = decoder.get_samples_played_in_range(max(0.0, length_s - policy.seconds))
        torchaudio.functional.resample(samples.data.mean(0), samples.sample_rate, policy.rate)

    return load


def with_bliss() -> Method:
    import bliss_audio

    def analyse(path: bytes, policy: CropPolicy) -> None:
        bliss_audio.Song(os.fsdecode(path))

    return analyse


MAKERS: dict[str, Callable[[], Method]] = {
    "pure": lambda: pure,
    "ours": lambda: ours,
    "one piece": lambda: one_piece,
    "librosa": with_librosa,
    "torchaudio": with_torchaudio,
    "torchcodec": with_torchcodec,
    "bliss": with_bliss,
}


@cache
def method_of(name: str) -> Method:
    return MAKERS[name]()


def cpu_s() -> float:
    """Return the CPU seconds of this process and of those it started: librosa leaves some formats to ffmpeg."""
    times = os.times()
    return time.process_time() + times.children_user + times.children_system


def prepare(name: str) -> None:
    """Import what the method needs, in this process."""
    method_of(name)


def cost_s(name: str, path: bytes, policy: CropPolicy) -> float | None:
    """Return the CPU seconds of a method in this process; None if it cannot read the file."""
    try:
        if name == "decoder":
            return decoder_s(path, policy)
        method = method_of(name)
        began = cpu_s()
        method(path, policy)
        return cpu_s() - began
    except Exception:  # of whatever kind: the packages of others raise what they like
        return None


class Racers:
    """A process for each method, so that none disturbs the memory, caches or threads of another."""

    def __init__(self) -> None:
        self.pools = {name: new_process() for name in ("decoder", *MAKERS)}
        self.crashes: Counter[str] = Counter()
        self.absent: dict[str, str] = {}  # why they cannot be measured
        for name in MAKERS:
            try:
                self.pools[name].submit(prepare, name).result()
            except (ImportError, OSError, RuntimeError, BrokenExecutor) as error:
                self.absent[name] = str(error).splitlines()[0]
                del self.pools[name]
        self.others = [name for name in self.pools if name not in ("decoder", "pure", "ours", "one piece")]

    def costs(self, path: bytes, policy: CropPolicy, rounds: int) -> dict[str, float]:
        """Return the least CPU seconds of each method that can read the file."""
        best: dict[str, float] = {}
        for _ in range(rounds):
            for name in list(self.pools):
                cost = self._cost_s(name, path, policy)
                if cost is not None:
                    best[name] = min(best.get(name, cost), cost)
        return best

    def _cost_s(self, name: str, path: bytes, policy: CropPolicy) -> float | None:
        try:
            return self.pools[name].submit(cost_s, name, path, policy).result()
        except BrokenExecutor:  # packages of others crash on some files
            self.crashes[name] += 1
            self.pools[name] = new_process()
            return None


def new_process() -> ProcessPoolExecutor:
    return ProcessPoolExecutor(1, get_context("spawn"))


@dataclass
class Tally:
    """CPU seconds by method, and for every other method those of ours on the files that it could read."""

    files: int = 0
    seconds: dict[str, float] = field(default_factory=lambda: defaultdict(float))
    ours_beside: dict[str, float] = field(default_factory=lambda: defaultdict(float))
    readable: dict[str, int] = field(default_factory=lambda: defaultdict(int))

    def add(self, costs: dict[str, float]) -> None:
        self.files += 1
        for method, cost in costs.items():
            self.seconds[method] += cost
            self.ours_beside[method] += costs["ours"]
            self.readable[method] += 1

    def ms(self, method: str) -> float:
        return self.seconds[method] / max(1, self.readable[method]) * 1000

    def ratio(self, method: str) -> float:
        """Return how many times `method` ours costs."""
        return self.ours_beside[method] / self.seconds[method] if self.seconds[method] else float("nan")


def codec_of(path: bytes) -> str:
    """Return the codec of a song; raise DecodeError if it gives no sound."""
    read_song(path, CropPolicy("start", 1.0))
    with open_source(path) as source:
        return source.codec


def files_of(library: Path) -> list[bytes]:
    """Return the files of a folder, or those that a player's database lists."""
    if library.is_dir():
        return sorted(os.path.join(at, name) for at, _, names in os.walk(os.fsencode(library)) for name in names)
    files = {file_of(song.url, PathMap()) for song in read_library(library).songs if song.available}
    return sorted(path for path in files if path)


def show(tallies: dict[str, Tally], total: Tally, others: list[str]) -> None:
    columns = ["decoder", "pure", "ours", "one piece", *others]
    print("ms of CPU a file" + " " * 5 + "files" + "".join(f"{name:>11}" for name in columns), end="")
    print(
        f"{'ours/pure':>11}{'ours/decoder':>14}{'one piece/pure':>16}" + "".join(f"{n + '/ours':>16}" for n in others)
    )
    for codec, tally in [*sorted(tallies.items()), ("all", total)]:
        print(f"{codec:<21}{tally.files:>5}" + "".join(f"{tally.ms(name):>11.1f}" for name in columns), end="")
        print(f"{tally.ratio('pure'):>11.2f}{tally.ratio('decoder'):>14.2f}", end="")
        print(f"{tally.ratio('pure') / tally.ratio('one piece'):>16.2f}", end="")
        print("".join(f"{1 / tally.ratio(name) if tally.readable[name] else float('nan'):>16.2f}" for name in others))


def show_limits(tallies: dict[str, Tally], total: Tally, absent: dict[str, str]) -> None:
    """Print each ratio that is promised, and whether it holds."""
    print()
    ratio, worst = total.ratio("pure"), max(tallies, key=lambda codec: tallies[codec].ratio("pure"))
    rare = f"; the worst codec is {worst}, {tallies[worst].ratio('pure'):.2f} times in {tallies[worst].files} files"
    print(f"{verdict(ratio <= MOST_OF_PURE)}  {ratio:.2f} times the pure decode, at most {MOST_OF_PURE:g}{rare}")
    print(f"      {total.ratio('decoder'):.2f} times the decode() calls alone, which leave opening and demuxing out")
    for name, least in LEAST_OF_OTHERS.items():
        if name in absent:
            print(f"?     {name} not measured, at least {least:g} times less is promised: {absent[name]}")
        else:
            times = 1 / total.ratio(name)
            print(f"{verdict(times >= least)}  {times:.2f} times less than {name}, at least {least:g}")


def verdict(holds: bool) -> str:
    return "holds" if holds else "MISSED"


def asked_for(description: str | None, rounds: int) -> tuple[argparse.Namespace, CropPolicy, list[bytes]]:
    """Return the options of a program that crops files of a library, the crop that they come to, and the files."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("library", type=Path)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--rate", type=int, default=16000)
    parser.add_argument("--rounds", type=int, default=rounds)
    parser.add_argument("--limit", type=int, help="files, taken evenly from the library")
    asked = parser.parse_args()
    files = files_of(asked.library)
    chosen = files[:: max(1, len(files) // asked.limit)] if asked.limit else files
    return asked, CropPolicy("end", asked.seconds, 1, asked.rate), chosen


def main() -> None:
    asked, policy, files = asked_for(__doc__, rounds=3)
    racers = Racers()
    tallies: dict[str, Tally] = defaultdict(Tally)
    total, refused = Tally(), 0
    for path in files:
        try:
            codec = codec_of(path)
        except DecodeError:
            refused += 1
            continue
        costs = racers.costs(path, policy, asked.rounds)
        tallies[codec].add(costs)
        total.add(costs)
    if not total.files:
        sys.exit(f"{asked.library}: no file in it could be read")
    show(tallies, total, racers.others)
    show_limits(tallies, total, racers.absent)
    print(f"{refused} files that give no sound left out")
    for name, count in racers.crashes.items():
        print(f"{name} crashed {count} times")


if __name__ == "__main__":
    main()
