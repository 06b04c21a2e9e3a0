"""Compares the classifiers on albums held out: which should be the default, and do its intervals cover what they say.

    python benchmarks/classifiers.py --store demo/artifacts/embeddings.db --songs 20 100 500 3000

Made-up listeners whose taste is known: partly heard, along a line or bent, partly
the artist, the album and mood, in embeddings of 64 correlated numbers. Of a
store all rated songs take part whose rating the encoder has not seen. A line
holds means over several listeners (or divisions into folds): rank correlation with effects and by
ear, error in stars, share of ratings inside their 80 % interval, and CPU seconds of one fit.
"""

import argparse
import os
import time
import warnings
from collections.abc import Iterator
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
from ml_skeleton.artifacts.embeddings import open_store
from ml_skeleton.music.classifiers import MODELS
from ml_skeleton.music.classifiers.fitting import fit_classifier
from ml_skeleton.music.inputs import Inputs
from ml_skeleton.music.rated import FitSettings, rated_songs
from ml_skeleton.music.scores import score
from ml_skeleton.music.splits import balanced_folds
from ml_skeleton.music.targets import Examples, all_rated

FOLDS = 5
DIMENSIONS, FACTORS = 64, 12
SHARES = {  # of the variance of the ratings: line, bend, artist, album; the rest is mood
    "heard": (0.35, 0.10, 0.05, 0.05),
    "bent": (0.05, 0.35, 0.05, 0.05),
    "loyal": (0.10, 0.05, 0.25, 0.15),
    "moody": (0.05, 0.02, 0.05, 0.03),
}
SPREAD = 0.22  # deviation of the ratings: a little over a star


def listener(kind: str, count: int, seed: int, dimensions: int = DIMENSIONS) -> Examples:
    """Return the ratings of a made-up listener of a made-up library, its songs as vectors of so many numbers."""
    random = np.random.default_rng([seed, count])
    artist = random.integers(1, max(count // 15, 3) + 1, count)
    album = artist * 4 + random.integers(0, 4, count)
    of_artist, of_album = random.standard_normal((2, album.max() + 1, FACTORS))
    factors = 0.6 * of_artist[artist] + 0.4 * of_album[album] + 0.7 * random.standard_normal((count, FACTORS))
    loudness = np.arange(1, FACTORS + 1)[:, None] ** -0.5
    mixing = random.standard_normal((FACTORS, dimensions)) * loudness
    matrix = factors @ mixing + 0.3 * random.standard_normal((count, dimensions))
    line = factors @ random.standard_normal(FACTORS)
    bend = np.sin(1.5 * factors[:, 0]) * factors[:, 1] + np.abs(factors[:, 2])
    levels = random.standard_normal((2, album.max() + 1))
    parts = [line, bend, levels[0][artist], levels[1][album], random.standard_normal(count)]
    shares = [*SHARES[kind], 1 - sum(SHARES[kind])]
    liking = sum(np.sqrt(s) * (part - part.mean()) / (part.std() or 1) for s, part in zip(shares, parts, strict=True))
    ratings = np.clip(np.round(10 * (0.62 + SPREAD * liking)), 1, 10) / 10
    return all_rated(Inputs(matrix.astype(np.float32), {"audio": dimensions}, artist, album), ratings)


def judge(examples: Examples, model: str, seed: int) -> list[float]:
    """Return the figures of a model on albums held out; those that are not defined are not numbers."""
    albums = [str(key) if key else f"song {row}" for row, key in enumerate(examples.inputs.albums)]
    folds = np.array(balanced_folds(albums, FOLDS, seed))
    judged = examples.judged
    mean, by_ear, low, high, taught = np.full((5, len(examples)), examples.ratings.mean())
    began = time.process_time()
    for fold in np.unique(folds[judged]):
        asked, known = np.flatnonzero(folds == fold), np.flatnonzero(folds != fold)
        inner = np.array(balanced_folds([albums[row] for row in known], FOLDS, seed))
        fitted = fit_classifier(examples.at(known), inner, FitSettings(model, seed=seed))
        said = fitted.predict(examples.inputs.at(asked))
        taught[asked] = examples.at(known).mean
        mean[asked], (low[asked], high[asked]) = said.mean, said.interval()
        by_ear[asked] = fitted.predict(examples.inputs.at(asked).by_ear()).mean
    cost = (time.process_time() - began) / FOLDS
    true = examples.ratings[judged]
    scores, covered = score(mean[judged], true, taught[judged]), ((low[judged] <= true) & (true <= high[judged])).mean()
    figures = [scores.spearman, score(by_ear[judged], true, taught[judged]).spearman, scores.rmse_stars, covered, cost]
    return [np.nan if figure is None else float(figure) for figure in figures]


def cases(asked: argparse.Namespace) -> Iterator[tuple[str, list[tuple[Examples, int]]]]:
    """Yield the name of each case with its examples and seeds."""
    for path in asked.store:
        with open_store(path) as store:
            songs = rated_songs(store)
        yield f"{path} ({songs.rated})", [(songs.examples, seed) for seed in range(asked.repeats)]
    for count in asked.songs:
        for kind in SHARES:
            repeats = max(1, min(asked.repeats, 3000 // count))
            yield f"{kind} listener, {count}", [(listener(kind, count, seed), seed) for seed in range(repeats)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--store", type=Path, action="append", default=[])
    parser.add_argument("--songs", type=int, nargs="*", default=[20, 100, 500, 3000])
    parser.add_argument("--models", nargs="*", default=list(MODELS))
    parser.add_argument("--repeats", type=int, default=6)
    asked = parser.parse_args()
    titles = ("rank corr.", "by ear", "RMSE stars", "covered", "CPU s")
    print(f"{'':<44}{'model':<10}" + "".join(f"{title:>12}" for title in titles))
    for name, listeners in cases(asked):
        for model in asked.models:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", RuntimeWarning)  # a mean over no defined figure is shown as nan
                means = np.nanmean([judge(examples, model, seed) for examples, seed in listeners], axis=0)
            print(f"{name[-42:]:<44}{model:<10}" + "".join(f"{mean:>12.3f}" for mean in means), flush=True)


if __name__ == "__main__":
    main()
