"""Measures how well ratings are predicted for songs that neither the encoder nor the classifier has learned from."""

from dataclasses import asdict
from pathlib import Path

import numpy as np
import numpy.typing as npt
from ml_skeleton.artifacts.evaluations import (
    FILE_NAME,
    FORMAT,
    KIND,
    Evaluation,
    Prediction,
    read_evaluation,
    write_evaluation,
)
from ml_skeleton.artifacts.provenance import Provenance
from ml_skeleton.errors import InputError
from ml_skeleton.music.floors import album_mean, artist_mean
from ml_skeleton.music.rated import FitSettings, RatedSongs
from ml_skeleton.music.scores import Ratings, Scores, score
from ml_skeleton.music.splits import album_folds

TOOL = "evaluate"
FEWEST_TESTED = 5
MODEL = "model"
FLOORS = ("global mean", "artist mean", "album mean*")
FOOTNOTE = "* knows other ratings of the same album, which the model is not given"


def current(songs: RatedSongs, out: Path, folds: int, settings: FitSettings) -> Evaluation | None:
    """Return the evaluation in `out` if it is of these songs and settings; needs no torch."""
    path = out / FILE_NAME
    found = read_evaluation(path) if path.exists() else None
    return found if found and found.purpose == songs.purpose(settings, folds) else None


def evaluate(songs: RatedSongs, out: Path, folds: int, settings: FitSettings) -> Evaluation:
    """Write evaluation.json to `out` and return what it holds.

    The songs tested are rated ones whose rating the encoder never saw. They are
    cut into `folds` of whole albums; for each fold a classifier is fitted on all
    other rated songs, as train-classifier would, and asked for the fold. Floors
    are given the same songs. Raises InputError if fewer than 5 songs can be
    tested, or all songs share one album.
    """
    tested = np.flatnonzero(~songs.examples.seen & ~songs.examples.weak)
    fold_of = np.array(album_folds(songs.recordings, folds, settings.seed))
    if len(tested) < FEWEST_TESTED or len(np.unique(fold_of)) < 2:
        raise InputError(
            f"{songs.path}: {len(songs.recordings)} rated songs, of which {len(tested)} are new to version "
            f"{songs.version!r}; at least {FEWEST_TESTED}, and two albums, are needed: rate more songs, or train "
            "the encoder with a larger --test-fraction"
        )
    predicted = _predictions(songs, tested, fold_of, settings)
    true = songs.examples.ratings[tested]
    scores = {method: score(values, true) for method, values in predicted.items()}
    every = {"version": songs.version, "folds": folds, "classifier": settings.as_dict()}
    evaluation = Evaluation(
        provenance=Provenance(KIND, FORMAT, TOOL, every, settings.seed, parents=songs.parents),
        purpose=songs.purpose(settings, folds),
        version=songs.version,
        rated_songs=len(songs.recordings),
        tested_songs=len(tested),
        figures={method: asdict(figures) for method, figures in scores.items()},
        verdict=_verdict(scores),
        predictions=[
            Prediction(songs.recordings[row].audio_id, songs.recordings[row].song.label, float(t), float(p))
            for row, t, p in zip(tested, true, predicted[MODEL], strict=True)
        ],
    )
    write_evaluation(out, evaluation)
    return evaluation


def table(evaluation: Evaluation) -> str:
    """Return the figures as a table for a person."""
    names = {
        "spearman": "rank corr.",
        "rmse_stars": "RMSE stars",
        "mae_stars": "MAE stars",
        "auc_loved": "AUC >= 4 stars",
    }
    width = max(map(len, evaluation.figures)) + 2
    lines = [" " * width + "".join(f"{title:>16}" for title in names.values())]
    for method, figures in evaluation.figures.items():
        cells = ("undefined" if figures[name] is None else f"{figures[name]:.3f}" for name in names)
        lines.append(f"{method:<{width}}" + "".join(f"{cell:>16}" for cell in cells))
    return "\n".join([*lines, FOOTNOTE])


def _predictions(
    songs: RatedSongs, tested: npt.NDArray[np.intp], fold_of: npt.NDArray[np.int64], settings: FitSettings
) -> dict[str, Ratings]:
    """Return the predictions for the tested songs by method; only album mean* knows ratings of the song's albums."""
    from ml_skeleton.music.classifiers.fitting import fit_classifier

    overall = float(songs.examples.ratings.mean())
    methods = {method: np.empty(len(tested)) for method in (MODEL, *FLOORS)}
    for fold in np.unique(fold_of[tested]):
        here = fold_of[tested] == fold
        asked = [songs.recordings[row] for row in tested[here]]
        others = np.flatnonzero(fold_of != fold)
        known = [songs.recordings[row] for row in others]
        inner = np.array(album_folds(known, settings.folds, settings.seed))
        fitted = fit_classifier(songs.examples.at(others), inner, settings)
        methods[MODEL][here] = fitted.predict(songs.examples.inputs.at(tested[here])).mean
        methods["global mean"][here] = overall
        methods["artist mean"][here] = artist_mean(known, asked, overall)
        methods["album mean*"][here] = album_mean(songs.recordings, asked, overall)
    return methods


def _verdict(scores: dict[str, Scores]) -> str:
    model, floor = scores[MODEL], scores["global mean"]
    gain = 1 - (model.rmse_stars / floor.rmse_stars) ** 2 if floor.rmse_stars > 0 else 0.0
    rank = "undefined" if model.spearman is None else f"{model.spearman:.2f}"
    if gain <= 0 or (model.spearman or 0.0) <= 0:
        return f"no audio signal shown: rank correlation {rank}, error not below that of the mean rating"
    return (
        f"rank correlation {rank}, {gain:.0%} of the variance of the ratings explained, on {model.songs} unheard songs"
    )
