"""Measures recommend: ranking a large library, a query beside the bare product and faiss, the top.

    python benchmarks/recommend.py --songs 100000 --dimensions 256
    python benchmarks/recommend.py --store artifacts/embeddings.db --truth truth.csv

With --truth (columns path and true_rating, 0 to 1) the second part counts how many
of the 20 best unrated songs truly have four stars or more, beside songs taken at
random, and beside the mean rating of their artist.
"""

import argparse
import csv
import os
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
from ml_skeleton.artifacts.checkpoints import read_header
from ml_skeleton.artifacts.embeddings import open_store
from ml_skeleton.music.classifiers.fitting import fit_classifier
from ml_skeleton.music.inputs import Inputs
from ml_skeleton.music.neighbours import Neighbours
from ml_skeleton.music.rated import FitSettings
from ml_skeleton.music.splits import balanced_folds
from ml_skeleton.music.targets import all_rated
from ml_skeleton_recommend.choosing import Crowd, Limits, choose
from ml_skeleton_recommend.library import read_library

TOP, LOVED = 20, 0.8
RATED, REPEATS = 2000, 5


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
        choose(predicted.mean, crowd, Limits(100, per_artist=3), matrix, 0.2)

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


def top_of_the_list(classifier: Path, store: Path, truth: Path, music: Path) -> None:
    true = {str(music / row["path"]): float(row["true_rating"]) for row in csv.DictReader(truth.open(encoding="utf-8"))}
    with open_store(store) as opened:
        library = read_library(read_header(classifier, "classifier"), opened)
    hidden = [n for n, r in enumerate(library.recordings) if not library.rated[n] and r.song.path in true]
    loved = np.array([true[library.recordings[n].song.path] >= LOVED for n in hidden])
    by_artist = defaultdict(list)
    for row, rating in enumerate(library.ratings):
        if not np.isnan(rating):
            by_artist[library.artists[row]].append(rating)
    overall = float(np.nanmean(library.ratings))
    of_artist = np.array([np.mean(by_artist.get(library.artists[n], [overall])) for n in hidden])
    ours = library.expected[0][hidden]
    print(f"{len(hidden)} unrated songs of known truth; of the {TOP} first truly four stars or more:")
    for name, scores in (("recommend", ours), ("artist's mean", of_artist)):
        print(f"  {name:<16}{loved[np.argsort(-scores, kind='stable')[:TOP]].sum():>6.1f}")
    print(f"  {'at random':<16}{min(TOP, len(hidden)) * loved.mean():>6.1f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--songs", type=int, default=100_000)
    parser.add_argument("--dimensions", type=int, default=256)
    parser.add_argument("--store", type=Path)
    parser.add_argument("--classifier", type=Path, default=Path("checkpoints/classifier.pt"))
    parser.add_argument("--truth", type=Path)
    parser.add_argument("--music", type=Path, help="folder that the paths of the truth begin in", default=Path("music"))
    asked = parser.parse_args()
    if asked.truth:
        top_of_the_list(asked.classifier, asked.store, asked.truth, asked.music)
    else:
        speed(asked.songs, asked.dimensions)


if __name__ == "__main__":
    main()
