"""Compares the default classifier with what is often built by hand: artist and album means stacked with audio.

    python benchmarks/stacked.py --songs 100 400 --listeners 2

The listeners are those of classifiers.py. Songs are held out one by one (of known albums)
and by whole albums. A line holds rank correlation and precision at 20 (songs of four
stars and more), means over listeners, of gp; of ridge on the vectors with two more
columns, the artist's and the album's mean rating drawn towards the mean of all as if
three more songs had been rated so, a song left out of its own; and of ridge on the vectors alone.
"""

import argparse
import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np
import numpy.typing as npt
from classifiers import FOLDS, SHARES, listener
from ml_skeleton.music.classifiers.fitting import fit_predictor
from ml_skeleton.music.inputs import Keys, Matrix
from ml_skeleton.music.rated import FitSettings
from ml_skeleton.music.ridge import choose_penalty, fit_ridge
from ml_skeleton.music.scores import Ratings, score
from ml_skeleton.music.splits import balanced_folds
from ml_skeleton.music.targets import Examples

METHODS = ("gp", "stacked", "ridge")
DRAWN = 3.0  # ratings that stand for the mean of all
Rows = npt.NDArray[np.intp]


def mean_of_others(keys: Keys, ratings: Ratings, known: Rows, rows: Rows) -> Ratings:
    """Return for each of `rows` the drawn mean of the other known songs with its key."""
    overall = ratings[known].mean()
    others = [known[(keys[known] == keys[row]) & (known != row)] for row in rows]
    return np.array([(ratings[found].sum() + DRAWN * overall) / (len(found) + DRAWN) for found in others])


def stacked(examples: Examples, known: Rows, rows: Rows) -> Matrix:
    """Return the vectors of `rows` with the means of their artist and of their album beside them."""
    inputs, ratings = examples.inputs, examples.ratings
    means = [mean_of_others(keys, ratings, known, rows) for keys in (inputs.artists, inputs.albums)]
    return np.column_stack([inputs.matrix[rows], *means]).astype(np.float32)


def ridge(known: Matrix, ratings: Ratings, folds: npt.NDArray[np.int64], asked: Matrix) -> Ratings:
    """Return what a ridge regression, its penalty chosen on folds, says of the songs asked."""
    penalty = choose_penalty(known, ratings, folds, np.ones(len(ratings), dtype=np.bool_))
    return fit_ridge(known, ratings, penalty).predict(asked)


def compare(examples: Examples, held_out: list[str], seed: int) -> list[list[float]]:
    """Return rank correlation and precision of each method on songs held out by these names."""
    albums = [str(key) for key in examples.inputs.albums]
    folds, said = np.array(balanced_folds(held_out, FOLDS, seed)), np.zeros((len(METHODS), len(examples)))
    taught = np.zeros(len(examples))
    for fold in range(FOLDS):
        known, asked = np.flatnonzero(folds != fold), np.flatnonzero(folds == fold)
        inner = np.array(balanced_folds([albums[row] for row in known], FOLDS, seed))
        fitted = fit_predictor(examples.at(known), inner, FitSettings(seed=seed), intervals=False)
        ratings, matrix = examples.ratings[known], examples.inputs.matrix
        taught[asked] = ratings.mean()
        said[0, asked] = fitted.predict(examples.inputs.at(asked)).mean
        said[1, asked] = ridge(stacked(examples, known, known), ratings, inner, stacked(examples, known, asked))
        said[2, asked] = ridge(matrix[known], ratings, inner, matrix[asked])
    scores = [score(predicted, examples.ratings, taught) for predicted in said]
    return [[one.spearman or 0.0, one.precision_at_20 or 0.0] for one in scores]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--songs", type=int, nargs="*", default=[100, 400])
    parser.add_argument("--listeners", type=int, default=2)
    asked = parser.parse_args()
    print(f"{'':<34}" + "".join(f"{method:>10}{'P@20':>8}" for method in METHODS))
    for count in asked.songs:
        for kind in SHARES:
            examples = [listener(kind, count, seed) for seed in range(asked.listeners)]
            for what in ("song", "album"):
                names = [
                    [f"{row if what == 'song' else key}" for row, key in enumerate(one.inputs.albums)]
                    for one in examples
                ]
                found = [compare(one, own, seed) for seed, (one, own) in enumerate(zip(examples, names, strict=True))]
                line = "".join(f"{order:>10.2f}{precision:>8.2f}" for order, precision in np.mean(found, axis=0))
                print(f"{f'{kind} listener, {count}, new {what}':<34}{line}", flush=True)


if __name__ == "__main__":
    main()
