"""Measures how well ratings are predicted for songs that neither the encoder nor the classifier has learned from."""

import os
from collections import Counter
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from ml_skeleton.artifacts.evaluations import (
    FILE_NAME,
    FORMAT,
    KIND,
    MODEL,
    NEW_ALBUM,
    NEW_SONG,
    Evaluation,
    Figure,
    Gain,
    Learned,
    Measured,
    Prediction,
    Situation,
    earlier_evaluation,
    write_evaluation,
)
from ml_skeleton.artifacts.provenance import Parent, Provenance
from ml_skeleton.console import progress
from ml_skeleton.errors import InputError
from ml_skeleton.music.classifiers.conformal import SHOWN
from ml_skeleton.music.rated import FitSettings
from ml_skeleton.music.resampling import Scored, album_samples, difference, scored
from ml_skeleton.music.scores import Ratings, Weights
from ml_skeleton.music.splits import joined_albums

from ml_skeleton_evaluate.compare import compare_with_first
from ml_skeleton_evaluate.contest import CURVE, DEAF, SCORE, Said, hold_contest, tasks_of
from ml_skeleton_evaluate.gather import Gathered
from ml_skeleton_evaluate.situations import FEWEST_TESTED, Plan, plans_for
from ml_skeleton_evaluate.space import measure_space
from ml_skeleton_evaluate.verdict import verdict_in, verdict_of

TOOL = "evaluate"
EDITION = 3  # raised when the same songs come to other figures or words
# Amatriain, Pujol, Oliver, "I like it... I like it not", UMAP 2009: people rated films again; root mean squared
# difference of two ratings by one person, on a scale of five stars.
CEILING: dict[str, float | str] = {
    "low_stars": 0.557,
    "high_stars": 0.8156,
    "source": "Amatriain, Pujol and Oliver, UMAP 2009 (films)",
}


@dataclass(frozen=True)
class Protocol:
    """How it is measured."""

    folds: int = 5
    seed: int = 42
    since: int | None = None  # Unix time that the songs of LATER begin with


def current(gathered: Gathered, out: Path, protocol: Protocol, settings: FitSettings) -> Evaluation | None:
    """Return the evaluation in `out` if it is of these songs and settings; needs no torch."""
    found = earlier_evaluation(out / FILE_NAME)
    return found if found and found.purpose == gathered.purpose(protocol, settings, EDITION) else None


def evaluate(gathered: Gathered, out: Path, protocol: Protocol, settings: FitSettings) -> Evaluation:
    """Write evaluation.json to `out` and return what it holds.

    The songs tested are rated ones whose rating no encoder in question has seen.
    All methods predict them in all situations, each time from the same other songs.
    Raises InputError if fewer than 5 songs can be tested, or all songs share one album.
    """
    recordings, tested = gathered.recordings, gathered.tested
    albums = joined_albums(recordings)
    names = [contestant.name for contestant in gathered.contestants if contestant.is_version]
    if len(tested) < FEWEST_TESTED or len(set(albums)) < 2:
        raise InputError(
            f"{gathered.versions[0].path}: {gathered.versions[0].rated} rated songs, of which {len(tested)} are new to "
            f"version {', '.join(names)}; at least {FEWEST_TESTED}, and two albums, are needed: rate more songs, or "
            "train the encoder with a larger --test-fraction"
        )
    plans = plans_for(recordings, tested, protocol.folds, protocol.seed, protocol.since)
    with progress("measuring", len(tasks_of(gathered.contestants, plans)), "fits") as shown:
        said = hold_contest(gathered.contestants, recordings, plans, settings, shown)
    sampled = _Sampled(said, plans, gathered, albums, protocol.seed)
    measured = [_measure(name, place, sampled, gathered) for place, name in enumerate(names)]
    every = {"versions": names, "folds": protocol.folds, "since": protocol.since, "classifier": settings.as_dict()}
    evaluation = Evaluation(
        provenance=Provenance(KIND, FORMAT, TOOL, every, protocol.seed, parents=_parents(gathered)),
        purpose=gathered.purpose(protocol, settings, EDITION),
        rated_songs=gathered.versions[0].rated,
        tested_songs=len(tested),
        ceiling=CEILING,
        verdict="; ".join(version.verdict for version in measured),
        versions=measured,
        comparisons=compare_with_first(gathered, names, plans, sampled.scores_of, settings),
    )
    write_evaluation(out, evaluation)
    return evaluation


class _Sampled:
    """The scores of every method in every situation, all on the same samples of albums."""

    def __init__(
        self, said: Mapping[str, Said], plans: Mapping[str, Plan], gathered: Gathered, albums: list[str], seed: int
    ) -> None:
        self.said, self.plans, self.albums = said, plans, albums
        self.true = gathered.versions[0].examples.ratings
        self.weights: dict[str, Weights] = {
            name: album_samples([albums[row] for row in plan.tested], seed) for name, plan in plans.items()
        }
        asked = [(situation, method) for situation, answers in said.items() for method in answers.mean]
        with ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:  # of 10,000 songs each takes a second
            found = pool.map(lambda one: self.score(one[0], one[1], said[one[0]].mean), asked)
            self._scored = dict(zip(asked, found, strict=True))

    def scores_of(self, situation: str, method: str) -> Scored:
        """Return a method's scores in a situation, or in one of the learning curve."""
        return self._scored[situation, method]

    def score(self, situation: str, method: str, predicted: Mapping[str, Ratings]) -> Scored:
        """Return the scores of a method's predictions for all songs (N,) in a situation."""
        plan = situation if situation in self.plans else NEW_ALBUM
        rows = self.plans[plan].tested
        taught = self.said[situation].taught[method]
        return scored(predicted[method][rows], self.true[rows], self.weights[plan], taught[rows])


def _measure(name: str, place: int, sampled: _Sampled, gathered: Gathered) -> Measured:
    versions = {contestant.name for contestant in gathered.contestants if contestant.is_version}
    situations = {situation: _situation(situation, name, versions, sampled) for situation in sampled.plans}
    return Measured(
        version=name,
        situations=situations,
        leakage=_leakage(name, sampled),
        covered=_covered(name, sampled),
        learning=_learning(name, sampled),
        space=measure_space(gathered.heard[place], gathered.library),
        predictions=_predictions(name, sampled, gathered),
        verdict=verdict_of(situations),
    )


def _situation(situation: str, name: str, versions: set[str], sampled: _Sampled) -> Situation:
    others = [method for method in sampled.said[situation].mean if method not in versions]
    ours = sampled.scores_of(situation, name)
    theirs = {method: sampled.scores_of(situation, method) for method in others}
    gain = _gain(ours, {method: scores for method, scores in theirs.items() if method != SCORE})
    over_deaf = _gain(ours, {method: scores for method, scores in theirs.items() if method in DEAF})
    figures = {MODEL: ours.figures(), **{method: scores.figures() for method, scores in theirs.items()}}
    songs = len(sampled.plans[situation].tested)
    return Situation(songs, figures, gain, verdict_in(figures[MODEL], gain, over_deaf, songs), over_deaf)


def _gain(ours: Scored, rivals: Mapping[str, Scored]) -> Gain:
    """Return how far the model's rank correlation is above that of the best rival, on the same samples."""
    best = max(rivals, key=lambda method: np.nan_to_num(rivals[method].measured["spearman"]))
    gained = difference(ours, rivals[best], "spearman")
    return Gain(best, gained.value or 0.0, gained.low, gained.high)


def _leakage(name: str, sampled: _Sampled) -> Figure:
    songs, albums = (sampled.score(one, name, sampled.said[one].by_ear) for one in (NEW_SONG, NEW_ALBUM))
    return difference(songs, albums, "spearman")


def _covered(name: str, sampled: _Sampled) -> dict[str, float]:
    """Return by level the share of the tested ratings that lie in their interval."""
    rows = sampled.plans[NEW_ALBUM].tested
    true = sampled.true[rows]
    bounds = sampled.said[NEW_ALBUM].bounds[name]
    return {
        str(level): float(((low[rows] <= true) & (true <= high[rows])).mean()) for level, (low, high) in bounds.items()
    }


def _learning(name: str, sampled: _Sampled) -> list[Learned]:
    most = max(len(split.known) for split in sampled.plans[NEW_ALBUM].splits)
    keys = {share: f"{NEW_ALBUM} {share}" for share in CURVE} | {1.0: NEW_ALBUM}
    return [
        Learned(share, max(round(share * most), 2), sampled.scores_of(key, name).figures())
        for share, key in keys.items()
    ]


def _predictions(name: str, sampled: _Sampled, gathered: Gathered) -> list[Prediction]:
    known = _known_of_artist(sampled.plans[NEW_SONG], gathered)
    low, high = sampled.said[NEW_ALBUM].bounds[name][SHOWN]
    predictions = []
    for row in sampled.plans[NEW_ALBUM].tested.tolist():
        recording = gathered.recordings[row]
        asked = [situation for situation in sampled.plans if not np.isnan(sampled.said[situation].mean[name][row])]
        predicted = {situation: float(sampled.said[situation].mean[name][row]) for situation in asked}
        taught = {situation: float(sampled.said[situation].taught[name][row]) for situation in asked}
        predictions.append(
            Prediction(
                audio_id=recording.audio_id,
                song=recording.song.label,
                album=sampled.albums[row],
                true=float(sampled.true[row]),
                predicted=predicted,
                low=float(low[row]),
                high=float(high[row]),
                known=known.get(row, 0),
                taught=taught,
            )
        )
    return predictions


def _known_of_artist(plan: Plan, gathered: Gathered) -> dict[int, int]:
    """Return for each row asked how many of its artist's songs are among the known ones."""
    counts = {}
    for split in plan.splits:
        known = Counter(gathered.recordings[row].artist for row in split.known)
        for row in split.asked.tolist():
            artist = gathered.recordings[row].artist
            counts[row] = known[artist] if artist else 0
    return counts


def _parents(gathered: Gathered) -> tuple[Parent, ...]:
    return tuple(dict.fromkeys(parent for songs in gathered.versions for parent in songs.parents))
