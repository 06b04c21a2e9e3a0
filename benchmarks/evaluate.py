"""Times train-classifier and evaluate from end to end on a large library.

    python benchmarks/evaluate.py --songs 10000 --dimension 256

The commands run as a listener would start them, on a store of made-up songs of which
all are rated (the listener of classifiers.py), with an untrained control as in the
pipeline. Seconds are of the wall clock and of all cores, user and system; the peer is
train-classifier with ridge. The limit is two minutes on two idle cores: as others may
use this machine, the last figure reckons with evaluate's CPU seconds on two cores.
"""

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np
from classifiers import listener
from ml_skeleton.artifacts.embeddings import Version, open_or_make_store
from ml_skeleton.artifacts.songs import Song, album_key
from ml_skeleton.music.inputs import Matrix
from ml_skeleton.music.targets import Examples

LIMIT_S, CORES = 120.0, 2


def songs_of(examples: Examples) -> list[Song]:
    """Return a player's songs with the artists, albums and ratings of a made-up listener."""
    keys = zip(examples.inputs.artists.tolist(), examples.inputs.albums.tolist(), strict=True)
    return [
        Song(
            song_id=number + 1, source="clementine", url=f"file:///{number}.mp3", path=f"/{number}.mp3",
            title=f"Title {number}", artist=f"Artist {artist}", albumartist=f"Artist {artist}", album=f"Album {album}",
            album_keys=album_key(f"Artist {artist}", f"Album {album}"), genre=("Rock", "Folk", "Jazz")[artist % 3],
            year=1970 + artist % 50, length_s=200.0, start_s=0.0, rating=float(rating), playcount=number % 4,
            skipcount=0, lastplayed=1_600_000_000 + number * 1000, added=1_500_000_000 + number * 1000, mtime=1,
            filesize=1, available=True, audio_id=f"{number:032x}", score=float(number % 100),
        )
        for number, ((artist, album), rating) in enumerate(zip(keys, examples.ratings.tolist(), strict=True))
    ]  # fmt: skip


def write_store(
    path: Path, songs: list[Song], versions: Mapping[str, Matrix], parts: Mapping[str, int] | None = None
) -> None:
    """Write an embedding store of versions whose encoders have seen no rating, all of the same `parts`."""
    path.unlink(missing_ok=True)
    audio_ids = [str(song.audio_id) for song in songs]
    with open_or_make_store(path, "benchmark") as store:
        for name, matrix in versions.items():
            store.add_version(Version(name, "e" * 32, matrix.shape[1], {}, (), "2026-01-01", parts=dict(parts or {})))
            store.add_vectors(name, audio_ids, matrix, [False] * len(songs))
        store.replace_songs(songs)


def timed(*words: object) -> tuple[float, float]:
    """Run a command of this environment and return its seconds on the wall and on all cores."""
    command = [str(Path(sys.executable).parent / str(words[0])), *map(str, words[1:]), "--quiet"]
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.monotonic() - began, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--songs", type=int, default=10_000)
    parser.add_argument("--dimension", type=int, default=256)
    asked = parser.parse_args()
    examples = listener("heard", asked.songs, 0, asked.dimension)
    heard = examples.inputs.matrix
    deaf = heard + 3 * np.random.default_rng(1).standard_normal(heard.shape).astype(np.float32)
    with tempfile.TemporaryDirectory() as folder:
        store, out = Path(folder) / "store.db", Path(folder)
        write_store(store, songs_of(examples), {"trained-1": heard, "random-1": deaf})
        seconds = {
            "train-classifier": timed("train-classifier", store, "--out", out / "c.pt"),
            "evaluate": timed("evaluate", store, "--out", out / "evaluation"),
            "train-classifier, ridge": timed("train-classifier", store, "--out", out / "r.pt", "--model", "ridge"),
        }
    print(f"{'':<32}{'wall s':>10}{'CPU s':>10}")
    for name, (wall, cpu) in seconds.items():
        print(f"{name:<32}{wall:>10.1f}{cpu:>10.1f}")
    (wall, cpu), (other_wall, other_cpu), (_, peer) = seconds.values()
    idle = cpu + other_cpu / CORES
    print(f"both over {LIMIT_S:g} s: {(wall + other_wall) / LIMIT_S:.2f} as it was, {idle / LIMIT_S:.2f} on idle cores")
    memory = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    print(f"both over ridge alone: {(cpu + other_cpu) / peer:.1f} of its CPU seconds; at most {memory:.0f} MiB")


if __name__ == "__main__":
    main()
