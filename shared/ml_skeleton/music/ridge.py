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


def fit_ridge(matrix: Matrix, ratings: Vector, penalty: float) -> Ridge:
    """Return the ridge regression of ratings (N,) on embeddings (N, D)."""
    return _path(matrix, ratings, np.array([penalty]))[0]


def choose_penalty(
    matrix: Matrix, ratings: Vector, folds: npt.NDArray[np.int64], judged: npt.NDArray[np.bool_]
) -> float:
    """Return the penalty with the least squared error on `judged` songs (N,) of folds left out."""
    error = np.zeros(len(PENALTIES))
    for fold in np.unique(folds):
        asked = (folds == fold) & judged
        train = folds != fold
        if asked.any() and train.any():
            for index, ridge in enumerate(_path(matrix[train], ratings[train], PENALTIES)):
                error[index] += ((ridge.predict(matrix[asked]) - ratings[asked]) ** 2).sum()
    return float(PENALTIES[error.argmin()]) if error.any() else float(PENALTIES[-1])


def _path(matrix: Matrix, ratings: Vector, penalties: Vector) -> list[Ridge]:
    """Return the regressions of all penalties from one singular value decomposition."""
    centre = matrix.mean(axis=0, dtype=np.float64)
    deviation = matrix.std(axis=0, dtype=np.float64)
    scale = np.where(deviation > CONSTANT, 1.0 / np.maximum(deviation, CONSTANT), 0.0)
    mean = float(ratings.mean())
    left, values, right = np.linalg.svd((matrix - centre) * scale, full_matrices=False)
    projected = left.T @ (ratings - mean)  # (K,)
    return [Ridge(centre, scale, right.T @ (projected * values / (values**2 + p)), mean) for p in penalties]
