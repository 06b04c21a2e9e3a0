"""What the worker pool costs: how it scales with the number of workers, and what memory it holds after many songs.

    python benchmarks/workers.py LIBRARY [--songs 200] [--memory-songs 10000] [--memory-seconds 5]

LIBRARY is a folder of music, or a player's database; songs are taken from it in
turn, again and again. Wall time says how the pool scales where cores are idle.
CPU time says it on any machine: what N workers cost together against what one
costs, and what this process does for each song while they work, writing included.
"""

import argparse
import os
import resource
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import cycle, islice
from pathlib import Path
from tempfile import TemporaryDirectory

from extract import files_of
from ml_skeleton.artifacts.crops import CropWriter
from ml_skeleton.artifacts.parts import ROWS_PER_GROUP
from ml_skeleton_extract_audio.cropping import CropPolicy
from ml_skeleton_extract_audio.decode import DecodeError, read_song
from ml_skeleton_extract_audio.plan import Job
from ml_skeleton_extract_audio.reading import ReadSong, Unreadable, Wanted, read
from ml_skeleton_extract_audio.run import WORKER_MODULE
from ml_skeleton_extract_audio.speech import SpeechPolicy
from ml_skeleton_extract_audio.workers import Limits, WorkerPool

MIB = 2**20


@dataclass(frozen=True)
class Pass:
    """What a pass over many songs took; CPU time of the workers is that after their start."""

    wall_s: float
    workers_s: float
    parent_s: float
    rss_mib: list[list[float]]  # of each worker, at the marks


def cpu_s(pids: Sequence[int]) -> float:
    """Return the CPU seconds that running processes have used so far."""
    ticks = 0
    for pid in pids:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def rss_mib(pid: int) -> float:
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * resource.getpagesize() / MIB


def jobs(files: Sequence[bytes], songs: int) -> Iterator[Job]:
    for number, path in enumerate(islice(cycle(files), songs)):
        yield Job(number, path, 0.0, None)


def run(files: Sequence[bytes], songs: int, workers: int, policy: CropPolicy, marks: Sequence[int] = ()) -> Pass:
    """Read `songs` songs and write their crops; the first rounds, in which the workers start, do not count."""
    wanted = Wanted(policy, SpeechPolicy("keep"), 900.0, frozenset())
    pool: WorkerPool[Job, ReadSong | Unreadable]
    pool = WorkerPool(partial(read, wanted=wanted), workers, Limits(), [WORKER_MODULE])
    pids = [pid for pid in pool.pids if pid is not None]
    warm, memory = max(2 * workers, ROWS_PER_GROUP + 1), []  # by then the first crops are written, and pandas imported
    began, spent, own = 0.0, 0.0, 0.0
    with TemporaryDirectory() as out, CropWriter(Path(out), "benchmark") as writer:
        for done, (_, result) in enumerate(pool.run(jobs(files, songs + warm), lambda: False), 1):
            if isinstance(result, ReadSong):
                writer.add(result.crops)
            if done == warm:
                began, spent, own = time.perf_counter(), cpu_s(pids), time.process_time()
            if done in marks:
                memory.append([rss_mib(pid) for pid in pids])
            if done == songs + warm - workers:  # before they end
                found = Pass(time.perf_counter() - began, cpu_s(pids) - spent, time.process_time() - own, memory)
    return found


def show_scaling(files: Sequence[bytes], songs: int, policy: CropPolicy, most: int) -> None:
    """Print a line for each number of workers, up to `most`."""
    print(f"\n{songs} songs of {policy.seconds:g} s by a pool of")
    one = run(files, songs, 1, policy)
    for count in sorted({1, 2, most}):
        found = one if count == 1 else run(files, songs, count, policy)
        speed_up, possible = one.wall_s / found.wall_s, count * one.workers_s / found.workers_s
        print(f"{count:>3} workers: {songs / found.wall_s:6.1f} songs/s, {speed_up:.2f} times one worker", end="; CPU ")
        print(f"{found.workers_s / songs * 1000:.1f} ms a song, so {possible:.2f} times on idle cores", end="; ")
        pace = found.workers_s / found.parent_s
        print(f"this process {found.parent_s / songs * 1000:.2f} ms a song, enough for {pace:.0f} workers")


def show_memory(files: Sequence[bytes], songs: int, policy: CropPolicy) -> None:
    """Print the memory of a worker in the course of many songs."""
    marks = sorted({max(1, songs // 100), songs // 10, songs // 4, songs // 2, songs})
    found = run(files, songs, 2, policy, marks)
    print(f"\nresident memory of two workers, crops of {policy.seconds:g} s")
    for mark, sizes in zip(marks, found.rss_mib, strict=True):
        print(f"after {mark:>6} songs: {', '.join(f'{size:.0f}' for size in sizes)} MiB")
    grown = max(last - first for first, last in zip(found.rss_mib[0], found.rss_mib[-1], strict=True))
    print(f"grown by {grown:.1f} MiB at most since song {marks[0]}")


def readable(files: Sequence[bytes]) -> list[bytes]:
    """Return the files that give sound."""
    found = []
    for path in files:
        try:
            read_song(path, CropPolicy("start", 1.0))
        except DecodeError:
            continue
        found.append(path)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("library", type=Path)
    parser.add_argument("--songs", type=int, default=200)
    parser.add_argument("--most", type=int, default=len(os.sched_getaffinity(0)), help="workers")
    parser.add_argument("--memory-songs", type=int, default=10_000)
    parser.add_argument("--memory-seconds", type=float, default=5.0, help="length of the crops; the longer, the slower")
    asked = parser.parse_args()
    files = readable(files_of(asked.library))
    show_scaling(files, asked.songs, CropPolicy(), asked.most)
    show_memory(files, asked.memory_songs, CropPolicy(seconds=asked.memory_seconds))


if __name__ == "__main__":
    main()
