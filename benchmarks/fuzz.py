"""Reads mutated files of every codec through the worker pool, and counts what came of them.

    python benchmarks/fuzz.py SEEDS --mutations 500

SEEDS is a folder of songs; the smallest file of each codec in it is mutated: bits
flipped, stretches overwritten, cut out, doubled, zeroed, moved, cut off or taken
from the file of another codec, header and all. Every file has to come back as crops, as a song with a warning or as an
unreadable one. A crash, a hang or too much memory costs a worker and is counted
and kept; any makes the exit code 1. The same seed makes the same files. A line for
each codec: the size of its seed, the most memory a worker had resident, the
longest time between two results, and the counts.
"""

import argparse
import random
import shutil
import sys
import tempfile
import time
from collections import Counter, defaultdict, deque
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path

from ml_skeleton_extract_audio.cropping import CropPolicy
from ml_skeleton_extract_audio.decode import DecodeError, read_song
from ml_skeleton_extract_audio.plan import Job
from ml_skeleton_extract_audio.reading import ReadSong, Unreadable, Wanted, read
from ml_skeleton_extract_audio.speech import SpeechPolicy
from ml_skeleton_extract_audio.workers import Crash, Limits, WorkerPool

HEADER_BYTES = 4096
SMALLEST_SEED, LARGEST_SEED = 50_000, 40_000_000  # bytes
Mutation = Callable[[bytearray, random.Random], None]


def flip_bits(content: bytearray, chance: random.Random) -> None:
    for _ in range(chance.choice([1, 10, 100])):
        content[chance.randrange(len(content))] ^= 1 << chance.randrange(8)


def flip_header_bits(content: bytearray, chance: random.Random) -> None:
    for _ in range(chance.choice([1, 4, 16])):
        content[chance.randrange(min(HEADER_BYTES, len(content)))] ^= 1 << chance.randrange(8)


def overwrite(content: bytearray, chance: random.Random) -> None:
    start, size = stretch(content, chance)
    content[start : start + size] = chance.randbytes(size)


def zero(content: bytearray, chance: random.Random) -> None:
    start, size = stretch(content, chance)
    content[start : start + size] = bytes(size)


def set_extreme(content: bytearray, chance: random.Random) -> None:
    """Write a number that lengths and counts are not made for."""
    start = chance.randrange(max(1, min(HEADER_BYTES, len(content) - 4)))
    content[start : start + 4] = chance.choice([b"\xff" * 4, b"\x7f" + b"\xff" * 3, b"\x80\0\0\0", b"\0\0\0\x80"])


def cut_out(content: bytearray, chance: random.Random) -> None:
    start, size = stretch(content, chance)
    del content[start : start + size]


def double(content: bytearray, chance: random.Random) -> None:
    start, size = stretch(content, chance)
    content[start:start] = content[start : start + size]


def move(content: bytearray, chance: random.Random) -> None:
    start, size = stretch(content, chance)
    moved = content[start : start + size]
    del content[start : start + size]
    place = chance.randrange(len(content))
    content[place:place] = moved


def cut_off(content: bytearray, chance: random.Random) -> None:
    del content[chance.randrange(1, len(content)) :]


def graft(content: bytearray, chance: random.Random, donor: bytes) -> None:
    """Put a stretch of `donor` over a part of the file, or the rest of `donor` behind it."""
    start, size = stretch(content, chance)
    content[start : start + size] = donor[start:] if chance.random() < 0.1 else donor[start : start + size]


DAMAGE: list[Mutation] = [flip_bits, flip_header_bits, overwrite, zero, set_extreme, cut_out, double, move, cut_off]


def stretch(content: bytearray, chance: random.Random) -> tuple[int, int]:
    """Return start and size of a part of at most an eighth of the file."""
    size = chance.randrange(1, max(2, len(content) // 8))
    return chance.randrange(max(1, len(content) - size)), size


def mutated(content: bytes, donor: bytes, seed: str) -> bytes:
    """Return another file for each `seed`, by one to three mutations."""
    chance, changed = random.Random(seed), bytearray(content)
    mutations = [*DAMAGE, partial(graft, donor=donor)]
    for _ in range(chance.randint(1, 3)):
        if len(changed) > 8:
            chance.choice(mutations)(changed, chance)
    return bytes(changed)


def seeds_in(folder: Path) -> dict[str, Path]:
    """Return the smallest song of each codec and container."""
    found: dict[str, Path] = {}
    for path in sorted(folder.rglob("*"), key=lambda path: (path.stat().st_size, path)):
        if path.is_file() and SMALLEST_SEED <= path.stat().st_size <= LARGEST_SEED:
            try:
                codec = read_song(path, CropPolicy("start", 1.0)).codec
            except DecodeError:
                continue
            found.setdefault(f"{codec} {path.suffix.lower()}", path)
    return found


def jobs(kind: str, seed: Path, donor: Path, folder: Path, mutations: int) -> Iterator[Job]:
    """Yield jobs whose files are made when they are asked for."""
    content, foreign = seed.read_bytes(), donor.read_bytes()
    for number in range(mutations):
        path = folder / f"{number}{seed.suffix}"
        path.write_bytes(mutated(content, foreign, f"{kind} {number}"))
        yield Job(number, bytes(path), 0.0, None)


def outcome_of(result: ReadSong | Unreadable | Crash) -> str:
    if isinstance(result, Crash):
        return "CRASH"
    if isinstance(result, Unreadable):
        return "unreadable"
    return "with a warning" if result.warning else "read"


def fuzz(seeds: dict[str, Path], mutations: int, limits: Limits, workers: int, keep: Path) -> dict[str, Counter[str]]:
    """Return the outcomes by kind; files that crashed a worker are moved to `keep`."""
    wanted = Wanted(CropPolicy("end", 10.0), SpeechPolicy("keep"), 900.0, frozenset())
    outcomes: dict[str, Counter[str]] = defaultdict(Counter)
    donors = deque(seed for _, seed in sorted(seeds.items()))
    for kind, seed in sorted(seeds.items()):
        donors.rotate(-1)  # the next codec's file
        began, longest_s, peak = time.monotonic(), 0.0, 0.0
        with tempfile.TemporaryDirectory() as folder:
            pool: WorkerPool[Job, ReadSong | Unreadable]
            pool = WorkerPool(partial(read, wanted=wanted), workers, limits, ["ml_skeleton_extract_audio.reading"])
            for job, result in pool.run(jobs(kind, seed, donors[0], Path(folder), mutations), lambda: False):
                longest_s, began = max(longest_s, time.monotonic() - began), time.monotonic()
                peak = max(peak, *(peak_mib(pid) for pid in pool.pids))
                outcomes[kind][outcome_of(result)] += 1
                path = Path(job.file.decode())
                if isinstance(result, Crash):
                    keep.mkdir(parents=True, exist_ok=True)
                    shutil.copy(path, keep / f"{kind.replace(' ', '')}-{path.name}")
                    print(f"{kind} {job.position}: {result.reason}", file=sys.stderr)
                path.unlink()
        said = "  ".join(f"{count:>5} {what}" for what, count in sorted(outcomes[kind].items()))
        size_kb = seed.stat().st_size / 1000
        print(f"{kind:<22}{size_kb:>7.0f} kB {peak:>5.0f} MiB {longest_s:>5.1f} s {said}", flush=True)
    return outcomes


def peak_mib(pid: int | None) -> float:
    """Return the most memory that a process had resident so far; 0 if it has ended."""
    with suppress(OSError):
        lines = Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines()
        return next((int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM")), 0.0)
    return 0.0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("seeds", type=Path)
    parser.add_argument("--mutations", type=int, default=500)
    parser.add_argument("--seconds", type=float, default=30.0, help="most that a file may take")
    parser.add_argument("--memory-mb", type=int, default=512, help="most that a file may take")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--keep", type=Path, default=Path("crashes"), help="where files that crash a worker go")
    asked = parser.parse_args()
    limits = Limits(asked.seconds, asked.memory_mb)
    began = time.perf_counter()
    outcomes = fuzz(seeds_in(asked.seeds), asked.mutations, limits, asked.workers, asked.keep)
    total: Counter[str] = sum(outcomes.values(), Counter())
    print(f"{total.total()} files of {len(outcomes)} kinds in {time.perf_counter() - began:.0f} s: {dict(total)}")
    sys.exit(1 if total["CRASH"] else 0)


if __name__ == "__main__":
    main()
