"""Measures whether rating what `recommend help` asks for teaches more than rating songs at random.

    python benchmarks/help.py --listeners 8

Made-up listeners of a made-up library (classifiers.py) begin with a few rated songs and
rate ten more a round: those that help asks for, or as many at random. A line holds the
mean rank correlation on albums nobody was asked about, after each round, for either.
"""

import argparse
import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
from classifiers import SHARES, listener
from ml_skeleton.music.classifiers.fitting import Fitted, fit_classifier
from ml_skeleton.music.neighbours import Neighbours
from ml_skeleton.music.rated import FitSettings
from ml_skeleton.music.scores import score
from ml_skeleton.music.splits import balanced_folds
from ml_skeleton.music.targets import Examples
from ml_skeleton_recommend.kinds.learning import Sounds, most_telling, posterior

SONGS, FIRST, ASKED, ROUNDS = 600, 20, 10, 6
TESTED = 0.3  # of the albums


def fitted_to(examples: Examples, rows: list[int]) -> Fitted:
    part = examples.at(np.array(rows))
    folds = np.array(balanced_folds([str(key) for key in part.inputs.albums], 3, 0))
    return fit_classifier(part, folds, FitSettings())


def asked_for(examples: Examples, fitted: Fitted, unit: np.ndarray, rated: list[int], pool: list[int]) -> list[int]:
    inputs = examples.inputs
    sounds = Sounds(unit, inputs.artists, inputs.albums)
    covariance, noise = posterior(sounds, fitted.predictor, inputs.matrix, np.array(pool), np.array(rated))
    return [pool[place] for place in most_telling(covariance, noise, ASKED)]


def curve(examples: Examples, seed: int, by_help: bool) -> list[float]:
    random = np.random.default_rng(seed)
    albums = np.unique(examples.inputs.albums)
    tested = np.isin(examples.inputs.albums, random.choice(albums, int(TESTED * len(albums)), replace=False))
    askable = random.permutation(np.flatnonzero(~tested)).tolist()
    rated, pool, curve = askable[:FIRST], askable[FIRST:], []
    unit = Neighbours(examples.inputs.matrix, hub_correction=False).unit
    for _ in range(ROUNDS + 1):
        fitted = fitted_to(examples, rated)
        said = fitted.predict(examples.inputs.at(np.flatnonzero(tested))).mean
        curve.append(score(said, examples.ratings[tested]).spearman or 0.0)
        new = asked_for(examples, fitted, unit, rated, pool) if by_help else pool[:ASKED]
        rated, pool = [*rated, *new], [row for row in pool if row not in set(new)]
    return curve


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--listeners", type=int, default=8, help="of each kind")
    asked = parser.parse_args()
    titles = [str(FIRST + ASKED * number) for number in range(ROUNDS + 1)]
    print(f"{'rated songs':<24}" + "".join(f"{title:>8}" for title in titles))
    for kind in SHARES:
        for name, by_help in (("help", True), ("at random", False)):
            curves = [curve(listener(kind, SONGS, seed), seed, by_help) for seed in range(asked.listeners)]
            print(
                f"{kind + ', ' + name:<24}" + "".join(f"{mean:>8.3f}" for mean in np.mean(curves, axis=0)), flush=True
            )


if __name__ == "__main__":
    main()
