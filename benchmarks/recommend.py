"""Measures recommend: ranking a large library, a query beside the bare product and faiss, and `like` from the shell.

    python benchmarks/recommend.py --songs 100000 --dimensions 256

`like` is asked of the library of page.py, 60,000 songs of 528 numbers: once without the
catalogue beside the store, then with it.
"""

import argparse
import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
from ml_skeleton.music.classifiers.fitting import fit_classifier
from ml_skeleton.music.inputs import Inputs
from ml_skeleton.music.neighbours import Neighbours
from ml_skeleton.music.rated import FitSettings
from ml_skeleton.music.splits import balanced_folds
from ml_skeleton.music.targets import all_rated
from ml_skeleton_recommend.choosing import Crowd, Limits, choose
from page import cost_of, make_library

RATED, REPEATS, QUERIES = 2000, 5, 256
OF_THE_SHELL = 60_000, 528  # songs, and numbers each


def best_s(work: Callable[[], object], repeats: int = REPEATS) -> float:
    """Return the CPU seconds of the cheapest of several runs."""
    times = []
    for _ in range(repeats):
        began = time.process_time()
        work()
        times.append(time.process_time() - began)
    return min(times)


def speed(songs: int, dimensions: int) -> None:
    random = np.random.default_rng(0)
    matrix = random.standard_normal((songs, dimensions)).astype(np.float32)
    keys = random.integers(1, max(songs // 12, 2), songs)
    inputs = Inputs(matrix, {"audio": dimensions}, keys, keys * 3 + random.integers(0, 3, songs))
    ratings = np.clip(np.round(10 * (0.6 + 0.1 * matrix[:RATED, 0])) / 10, 0, 1)
    examples = all_rated(inputs.at(np.arange(min(RATED, songs))), ratings)
    folds = np.array(balanced_folds([str(key) for key in examples.inputs.albums], 3, 0))
    fitted = fit_classifier(examples, folds, FitSettings())
    crowd = Crowd(keys.astype(np.intp), keys.astype(np.intp), np.arange(songs), np.full(songs, 240.0))

    def rank() -> None:
        predicted = fitted.predict(inputs)
        predicted.interval()
        choose(predicted.mean, crowd, Limits(100, per_artist=3), matrix.__getitem__, 0.2)

    print(f"predicting and ranking {songs} songs of {dimensions} numbers: {best_s(rank, 1):.2f} CPU-s, limit 3")
    neighbours = Neighbours(matrix, hub_correction=False)
    query = matrix[:1]
    bare = best_s(lambda: neighbours.unit @ neighbours.unit[0])
    ours = best_s(lambda: neighbours.nearest_to(query, 100))
    print(f"one query over the product that reads the store once: {ours / bare:.2f} ({1000 * ours:.0f} ms), limit 1.2")
    try:
        import faiss  # type: ignore[import-not-found]  # a peer, not needed by anything here
    except ImportError:
        print("faiss is not installed, so there is no peer: pip install faiss-cpu")
        return
    index = faiss.IndexFlatIP(dimensions)
    index.add(neighbours.unit)
    peer = best_s(lambda: index.search(neighbours.unit[:1], 100))
    print(f"one query over faiss's exact index: {ours / peer:.2f} ({1000 * peer:.0f} ms)")
    many = matrix[:QUERIES]
    ours = best_s(lambda: neighbours.nearest_to(many, 100), 2)
    peer = best_s(lambda: index.search(neighbours.unit[:QUERIES], 100), 2)
    print(f"{QUERIES} queries at once over faiss's exact index: {ours / peer:.2f} ({peer:.1f} CPU-s)")


def like_from_the_shell(folder: Path) -> None:
    songs, dimensions = OF_THE_SHELL
    make_library(folder, songs, dimensions)
    costs = [cost_of(folder, "like", seed, "--classifier", folder / "classifier.pt") for seed in range(1, REPEATS + 2)]
    first, later = costs[0], min(costs[1:], key=lambda cost: cost.cpu_s)
    print(f"like among {songs} songs: {first.cpu_s:.2f} CPU-s the first time, then {later.cpu_s:.2f}, limit 1")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--songs", type=int, default=100_000)
    parser.add_argument("--dimensions", type=int, default=256)
    asked = parser.parse_args()
    speed(asked.songs, asked.dimensions)
    with tempfile.TemporaryDirectory() as folder:
        like_from_the_shell(Path(folder))


if __name__ == "__main__":
    main()
