"""Fits a classifier: settings and intervals from albums and artists left out, then all songs for the final model."""

from dataclasses import dataclass, replace

import numpy as np

from ml_skeleton.music.classifiers.conformal import interval_factors
from ml_skeleton.music.classifiers.learners import Folds, Learner, new_learner
from ml_skeleton.music.classifiers.predictor import Prediction, Predictor
from ml_skeleton.music.inputs import UNKNOWN, Inputs
from ml_skeleton.music.rated import FitSettings
from ml_skeleton.music.scores import Ratings
from ml_skeleton.music.splits import balanced_folds
from ml_skeleton.music.targets import Examples

FEWEST_FOR_NETWORK = 30  # rated songs; with fewer, steps chosen on albums left out are a throw of dice


@dataclass(frozen=True)
class LeftOut(Prediction):
    """What was said of songs, each by a model that has not learned from it."""

    taught: Ratings  # (N,) the mean of the ratings that the song's model has learned from


@dataclass(frozen=True)
class Fitted:
    """A classifier trained on all that it was given, and what it said of songs before it had learned from them."""

    model: str  # the one asked for, or what few songs made of it
    predictor: Predictor
    outside: LeftOut  # each song by models that were not trained on its album; artists may be known
    unmet: LeftOut  # each song by models that were not trained on its artist: by ear
    chosen: dict[str, float]
    curve: list[float]

    def predict(self, inputs: Inputs) -> Prediction:
        """Return the ratings of other songs."""
        return self.predictor.predict(inputs)


def fit_classifier(examples: Examples, folds: Folds, settings: FitSettings) -> Fitted:
    """Return a classifier trained on the examples.

    Its settings, and the width of its intervals, are those that were right for
    judged songs of albums left out, over `folds` (N,) of whole albums; then all
    songs train the final model.
    """
    settings = _affordable(examples, settings)
    learner = new_learner(examples, folds, settings)
    raw = _left_out(learner, examples, folds)
    factors = _factors(raw, examples)
    heard, effects = learner.fit(np.arange(len(examples)))
    unmet = _left_out(learner, examples, _artist_folds(examples.inputs, settings), by_ear=True)
    return Fitted(
        model=settings.model,
        predictor=Predictor(heard, effects, learner.noise, factors),
        outside=replace(raw, factors=factors),
        unmet=replace(unmet, factors=factors),
        chosen=learner.chosen,
        curve=learner.curve,
    )


def fit_predictor(examples: Examples, folds: Folds, settings: FitSettings, intervals: bool) -> Predictor:
    """Return the predictor of `fit_classifier`, in a third of the time, or a sixth if `intervals` are not asked for."""
    learner = new_learner(examples, folds, _affordable(examples, settings))
    factors = _factors(_left_out(learner, examples, folds), examples) if intervals else {}
    heard, effects = learner.fit(np.arange(len(examples)))
    return Predictor(heard, effects, learner.noise, factors)


def _affordable(examples: Examples, settings: FitSettings) -> FitSettings:
    """Return the settings, a network replaced by ridge where rated songs are too few for one."""
    few = (~examples.weak).sum() < FEWEST_FOR_NETWORK
    return replace(settings, model="ridge") if few and settings.model not in ("gp", "ridge") else settings


def _factors(raw: Prediction, examples: Examples) -> dict[float, float]:
    judged = examples.judged
    return interval_factors((raw.mean - examples.ratings)[judged], raw.deviation[judged])


def _artist_folds(inputs: Inputs, settings: FitSettings) -> Folds:
    """Return folds (N,) of whole artists; a song of no known artist goes with its album, or stands alone."""
    known = np.where(inputs.artists != UNKNOWN, inputs.artists, inputs.albums).tolist()
    names = [str(key) if key != UNKNOWN else f"song {row}" for row, key in enumerate(known)]
    return np.array(balanced_folds(names, settings.folds, settings.seed))


def _left_out(learner: Learner, examples: Examples, folds: Folds, by_ear: bool = False) -> LeftOut:
    """Return what models that have not learned from a song's fold say of it; with one fold, what is said of no song."""
    mean, deviation, taught = np.empty((3, len(folds)))
    for fold in np.unique(folds):
        asked, rows = np.flatnonzero(folds == fold), np.flatnonzero(folds != fold)
        if not len(rows):
            mean[asked] = taught[asked] = examples.mean
            deviation[asked] = np.sqrt(learner.noise + examples.ratings.var())
            continue
        heard, effects = learner.fit(rows)
        inputs = examples.inputs.at(asked)
        said = Predictor(heard, effects, learner.noise, {}).predict(inputs.by_ear() if by_ear else inputs)
        mean[asked], deviation[asked], taught[asked] = said.mean, said.deviation, examples.at(rows).mean
    return LeftOut(mean, deviation, {}, taught)
