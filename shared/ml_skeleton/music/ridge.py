"""Ridge regression on standardised embeddings, its penalty chosen on albums left out."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Matrix = npt.NDArray[np.float32]
Vector = npt.NDArray[np.float64]

PENALTIES = np.logspace(0, 6, 19)  # on features of deviation 1; the largest leaves little but the mean
CONSTANT = 1e-6  # a feature that varies less says nothing


@dataclass(frozen=True)
class Ridge:
    """rating = mean + ((x - centre) * scale) @ slopes."""

    centre: Vector  # (D,)
    scale: Vector  # (D,) 1 / deviation, 0 for a feature that does not vary
    slopes: Vector  # (D,)
    mean: float

    def predict(self, matrix: Matrix) -> Vector:
        """Return predictions (N,) for embeddings (N, D), not bounded."""
        predicted: Vector = self.mean + ((matrix - self.centre) * self.scale) @ self.slopes
        return predicted


def spread(matrix: Matrix, weights: Vector | None = None) -> tuple[Vector, Vector]:
    """Return the centre (D,) of embeddings (N, D) and 1 / deviation (D,), 0 for a feature that does not vary."""
    share = np.full(len(matrix), 1 / len(matrix)) if weights is None else weights / weights.sum()
    centre = share @ matrix.astype(np.float64)
    deviation = matrix.std(axis=0, dtype=np.float64)
    return centre, np.where(deviation > CONSTANT, 1.0 / np.maximum(deviation, CONSTANT), 0.0)


def fit_ridge(matrix: Matrix, ratings: Vector, penalty: float, weights: Vector | None = None) -> Ridge:
    """Return the ridge regression of ratings (N,) on embeddings (N, D), each song counted with its weight (N,)."""
    return _path(matrix, ratings, np.array([penalty]), weights)[0]


def choose_penalty(
    matrix: Matrix,
    ratings: Vector,
    folds: npt.NDArray[np.int64],
    judged: npt.NDArray[np.bool_],
    weights: Vector | None = None,
) -> float:
    """Return the penalty with the least squared error on `judged` songs (N,) of folds left out."""
    weights = np.ones(len(ratings)) if weights is None else weights
    error = np.zeros(len(PENALTIES))
    for fold in np.unique(folds):
        asked = (folds == fold) & judged
        train = folds != fold
        if asked.any() and train.any():
            for index, ridge in enumerate(_path(matrix[train], ratings[train], PENALTIES, weights[train])):
                error[index] += (weights[asked] * (ridge.predict(matrix[asked]) - ratings[asked]) ** 2).sum()
    return float(PENALTIES[error.argmin()]) if error.any() else float(PENALTIES[-1])


def predict_left_out(
    matrix: Matrix, ratings: Vector, folds: npt.NDArray[np.int64], judged: npt.NDArray[np.bool_]
) -> Vector:
    """Return what is said of each song (N,) by the regression on the other folds.

    The penalty is that with the least squared error on `judged` songs (N,).
    """
    penalty = choose_penalty(matrix, ratings, folds, judged)
    predicted = np.full(len(ratings), ratings.mean())
    for fold in np.unique(folds):
        train = folds != fold
        if train.any():
            predicted[~train] = fit_ridge(matrix[train], ratings[train], penalty).predict(matrix[~train])
    return predicted


def _path(matrix: Matrix, ratings: Vector, penalties: Vector, weights: Vector | None) -> list[Ridge]:
    """Return the regressions of all penalties from one singular value decomposition."""
    centre, scale = spread(matrix, weights)
    mean = float(np.average(ratings, weights=weights))
    roots = np.ones((len(ratings), 1)) if weights is None else np.sqrt(weights)[:, None]
    left, values, right = np.linalg.svd((matrix - centre) * scale * roots, full_matrices=False)
    projected = left.T @ (roots[:, 0] * (ratings - mean))  # (K,)
    return [Ridge(centre, scale, right.T @ (projected * values / (values**2 + p)), mean) for p in penalties]
