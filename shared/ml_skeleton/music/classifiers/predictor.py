"""A trained classifier as it is used: ratings with intervals, by ear alone or with the effects of artist and album."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from ml_skeleton.music.classifiers.conformal import SHOWN
from ml_skeleton.music.classifiers.effects import Effects
from ml_skeleton.music.inputs import Inputs, Matrix

Vector = npt.NDArray[np.float64]


class Heard(Protocol):
    """The part of a classifier that goes by the features of a song alone."""

    def predict(self, matrix: Matrix) -> tuple[Vector, Vector]:
        """Return ratings (N,) and the variance (N,) of what the model is unsure of, for embeddings (N, F)."""
        ...


@dataclass(frozen=True)
class Prediction:
    """Ratings of N songs, 0 to 1."""

    mean: Vector
    deviation: Vector  # of the rating that the listener would give
    factors: Mapping[float, float]  # by level: half the width of an interval, in deviations

    def interval(self, level: float = SHOWN) -> tuple[Vector, Vector]:
        """Return the bounds between which the share `level` of such ratings lie."""
        half = self.factors[level] * self.deviation
        return np.clip(self.mean - half, 0.0, 1.0), np.clip(self.mean + half, 0.0, 1.0)


@dataclass(frozen=True)
class Predictor:
    """What is heard, the effects, and how far ratings scatter around both."""

    heard: Heard
    effects: Effects
    noise: float  # variance
    factors: Mapping[float, float]  # by level: half the width of an interval, in deviations

    def predict(self, inputs: Inputs) -> Prediction:
        """Return ratings with effects where artist or album is known; ask for `inputs.by_ear()` to leave them out."""
        heard, doubt = self.heard.predict(inputs.matrix)
        effect, of_effect = self.effects.predict(inputs)
        return Prediction(np.clip(heard + effect, 0.0, 1.0), np.sqrt(doubt + of_effect + self.noise), self.factors)
