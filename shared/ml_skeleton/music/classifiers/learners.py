"""Learners: each kind of classifier, once its settings are chosen, fitted to whatever songs one asks for."""

from dataclasses import replace
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from ml_skeleton.music.classifiers.effects import Effects
from ml_skeleton.music.classifiers.kernel import from_ridge, make_space
from ml_skeleton.music.classifiers.mixed import Design, fit_mixed, make_design
from ml_skeleton.music.classifiers.predictor import Heard
from ml_skeleton.music.classifiers.variances import choose_variances
from ml_skeleton.music.inputs import Inputs
from ml_skeleton.music.rated import FitSettings
from ml_skeleton.music.ridge import choose_penalty, fit_ridge
from ml_skeleton.music.scores import Ratings
from ml_skeleton.music.targets import Examples

Folds = npt.NDArray[np.int64]
Rows = npt.NDArray[np.intp]

# Shares of the audible variance that are tried where the encoder has seen ratings: it reads those off its own
# embeddings better than it will read any other.
TRUST = (1.0, 0.3, 0.1)


class Learner(Protocol):
    """A kind of classifier whose settings were chosen on some examples."""

    noise: float  # variance of ratings around heard + effects
    chosen: dict[str, float]  # what was chosen, by name
    curve: list[float]  # error by step of training, where there are steps

    def fit(self, rows: Rows) -> tuple[Heard, Effects]:
        """Return what is heard and the effects, learned from these rows of the examples."""
        ...


class GaussianProcess:
    """Audio, artist and album at once."""

    def __init__(self, examples: Examples, folds: Folds, settings: FitSettings) -> None:
        space, self.examples = make_space(examples.inputs), examples
        likely = choose_variances(examples, space, settings.seed)
        self.noise = likely.noise
        self.curve: list[float] = []
        self.design = make_design(examples.inputs, space, likely)
        trust = 1.0
        if (examples.seen & ~examples.judged).any():
            designs = {trust: make_design(examples.inputs, space, likely.trusting(trust)) for trust in TRUST}
            trust = min(designs, key=lambda trust: self._error(designs[trust], folds))
            self.design = designs[trust]
        lines = {f"variance_{name}": variance for name, variance in self.design.variances.lines.items()}
        names = ("bend", "artist", "album", "noise")
        others = {f"variance_{name}": getattr(self.design.variances, name) for name in names}
        self.chosen = {**lines, **others, "trust": trust}

    def fit(self, rows: Rows) -> tuple[Heard, Effects]:
        """Return what is heard and the effects, learned from these rows of the examples."""
        mixed = fit_mixed(self.design, self.examples, rows)
        return mixed.ear, mixed.effects

    def _error(self, design: Design, folds: Folds) -> float:
        """Return the sum of squared errors on judged songs of folds left out."""
        judged, inputs, error = self.examples.judged, self.examples.inputs, 0.0
        for fold in np.unique(folds[judged]):
            asked, rows = np.flatnonzero((folds == fold) & judged), np.flatnonzero(folds != fold)
            mixed = fit_mixed(design, self.examples, rows)
            said = mixed.ear.predict(inputs.matrix[asked])[0] + mixed.effects.predict(inputs.at(asked))[0]
            error += float((self.examples.weights[asked] * (said - self.examples.ratings[asked]) ** 2).sum())
        return error


class _ThenEffects:
    """A model of the features alone, and effects of what it misses on folds left out."""

    chosen: dict[str, float]
    curve: list[float]

    def __init__(self, examples: Examples, folds: Folds, settings: FitSettings) -> None:
        self.examples, self.settings = examples, settings
        self.choose(folds)
        missed = examples.ratings - outside(self.hear, examples.inputs, folds, float(np.average(examples.ratings)))
        nothing = Inputs(np.empty((len(examples), 0), np.float32), {}, examples.inputs.artists, examples.inputs.albums)
        self.residuals = replace(examples, inputs=nothing, ratings=missed)
        space = make_space(nothing)
        variances = choose_variances(self.residuals, space, settings.seed, only_effects=True)
        self.noise, self.design = variances.noise, make_design(nothing, space, variances)

    def choose(self, folds: Folds) -> None:
        """Set what `hear` needs, and `chosen` and `curve`."""
        raise NotImplementedError

    def hear(self, rows: Rows) -> Heard:
        """Return the model of the features, learned from these rows."""
        raise NotImplementedError

    def fit(self, rows: Rows) -> tuple[Heard, Effects]:
        """Return what is heard and the effects, learned from these rows of the examples."""
        return self.hear(rows), fit_mixed(self.design, self.residuals, rows).effects


class RidgeLearner(_ThenEffects):
    """The control."""

    def choose(self, folds: Folds) -> None:
        matrix, judged = self.examples.inputs.matrix, self.examples.judged
        penalty = choose_penalty(matrix, self.examples.ratings, folds, judged, self.examples.weights)
        self.chosen, self.curve = {"penalty": penalty}, []

    def hear(self, rows: Rows) -> Heard:
        part = self.examples.at(rows)
        return from_ridge(fit_ridge(part.inputs.matrix, part.ratings, self.chosen["penalty"], part.weights))


class NetworkLearner(_ThenEffects):
    """Any torch module."""

    def choose(self, folds: Folds) -> None:
        from ml_skeleton.music.classifiers.training import choose_course

        self.course = choose_course(self.examples, folds, self.settings)
        self.chosen = {"penalty": self.course.penalty, "steps": self.course.steps}
        self.curve = self.course.curve.tolist()

    def hear(self, rows: Rows) -> Heard:
        from ml_skeleton.music.classifiers.training import train

        return train(self.examples, rows, self.course, self.settings)


def new_learner(examples: Examples, folds: Folds, settings: FitSettings) -> Learner:
    """Return the learner that the settings name, its own settings chosen on `folds` (N,) left out."""
    kinds: dict[str, Any] = {"gp": GaussianProcess, "ridge": RidgeLearner}
    learner: Learner = kinds.get(settings.model, NetworkLearner)(examples, folds, settings)
    return learner


def outside(hear: Any, inputs: Inputs, folds: Folds, otherwise: float) -> Ratings:
    """Return the rating (N,) of each song by a model that has not learned from its fold."""
    predicted = np.full(len(folds), otherwise)
    for fold in np.unique(folds):
        asked, rows = np.flatnonzero(folds == fold), np.flatnonzero(folds != fold)
        if len(rows):
            predicted[asked] = hear(rows).predict(inputs.matrix[asked])[0]
    return predicted
