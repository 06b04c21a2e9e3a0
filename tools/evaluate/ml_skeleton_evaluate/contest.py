"""The contest: every method predicts the same songs from the same known ones."""

import os
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import numpy as np
from ml_skeleton.artifacts.evaluations import LATER, NEW_ALBUM, NEW_SONG
from ml_skeleton.console import Progress
from ml_skeleton.music.classifiers.conformal import LEVELS
from ml_skeleton.music.classifiers.fitting import fit_predictor
from ml_skeleton.music.classifiers.saved import WITHOUT_TORCH
from ml_skeleton.music.floors import album_mean, artist_mean, genre_mean, has_score, players_score
from ml_skeleton.music.rated import FitSettings
from ml_skeleton.music.recordings import Recording
from ml_skeleton.music.scores import Ratings
from ml_skeleton.music.splits import album_folds
from ml_skeleton.music.targets import Examples, Mask

from ml_skeleton_evaluate.situations import Plan, Split

GLOBAL, ARTIST, ALBUM, GENRE, METADATA, SCORE = "global mean", "artist", "album", "genre", "metadata", "player's score"
DEAF = (GLOBAL, ARTIST, ALBUM, GENRE, METADATA)  # and no more than anybody could know of a song nobody has played
CURVE = (0.25, 0.5)  # shares of the ratings, beside all of them

Floor = Callable[[Sequence[Recording], Sequence[Recording], float], Ratings]


@dataclass(frozen=True)
class Contestant:
    """A method that learns: a version of the embeddings, a control, or the tags alone."""

    name: str
    examples: Examples
    is_version: bool  # in question, so that its intervals, its learning curve and its leakage are measured too


@dataclass
class Said:
    """What methods said of the songs (N,) in one situation, not a number of songs not asked for."""

    mean: dict[str, Ratings] = field(default_factory=dict)  # by method
    taught: dict[str, Ratings] = field(default_factory=dict)  # by method: the mean rating that its model learned from
    by_ear: dict[str, Ratings] = field(default_factory=dict)  # by version, where artists and albums could be used
    bounds: dict[str, dict[float, tuple[Ratings, Ratings]]] = field(default_factory=dict)  # by version, then level


@dataclass(frozen=True)
class Task:
    """One fit, and what is asked of it."""

    plan: Plan
    split: Split
    contestant: Contestant
    share: float = 1.0  # of the known songs


def hold_contest(
    contestants: Sequence[Contestant],
    recordings: Sequence[Recording],
    plans: Mapping[str, Plan],
    settings: FitSettings,
    shown: Progress,
) -> dict[str, Said]:
    """Return what every method said, by situation; the learning curve is under names such as "new album 0.25"."""
    tasks = tasks_of(contestants, plans)
    said = {_key(task): Said() for task in tasks}

    def run(task: Task) -> tuple[Task, "_Answer"]:
        return task, _ask(task, recordings, settings)

    # the linear algebra of a fit lets other threads run; torch's seed and threads are one for all
    workers = len(os.sched_getaffinity(0)) if settings.model in WITHOUT_TORCH else 1
    with ThreadPoolExecutor(workers) as pool:
        try:
            for task, answer in pool.map(run, tasks):
                _note(said[_key(task)], task, answer, len(recordings))
                shown.advance()
        finally:
            pool.shutdown(wait=False, cancel_futures=True)
    for plan in plans.values():
        _ask_floors(said[plan.name], plan, recordings, ~contestants[0].examples.weak)
    return said


def tasks_of(contestants: Sequence[Contestant], plans: Mapping[str, Plan]) -> list[Task]:
    """Return the fits that a contest takes."""
    tasks = [
        Task(plan, split, contestant) for plan in plans.values() for split in plan.splits for contestant in contestants
    ]
    curve = [
        Task(plans[NEW_ALBUM], split, contestant, share)
        for share in CURVE
        for split in plans[NEW_ALBUM].splits
        for contestant in contestants
        if contestant.is_version
    ]
    return [*tasks, *curve]


@dataclass(frozen=True)
class _Answer:
    mean: Ratings
    taught: float
    by_ear: Ratings | None
    bounds: dict[float, tuple[Ratings, Ratings]]


def _ask(task: Task, recordings: Sequence[Recording], settings: FitSettings) -> _Answer:
    plan, examples, known = task.plan, task.contestant.examples, task.split.known
    if task.share < 1:
        kept = np.random.default_rng(settings.seed).permutation(known)[: max(round(task.share * len(known)), 2)]
        known = np.sort(kept)
    inner = np.array(album_folds([recordings[row] for row in known], settings.folds, settings.seed))
    intervals = task.contestant.is_version and plan.name == NEW_ALBUM and task.share == 1
    taught = examples.at(known)
    predictor = fit_predictor(taught, inner, settings, intervals)
    asked = examples.inputs.at(task.split.asked)
    said = predictor.predict(asked.by_ear() if plan.by_ear else asked)
    bounds = {level: said.interval(level) for level in LEVELS} if intervals else {}
    by_ear = predictor.predict(asked.by_ear()).mean if task.contestant.is_version else None
    return _Answer(said.mean, taught.mean, by_ear, bounds)


def _key(task: Task) -> str:
    return task.plan.name if task.share == 1 else f"{task.plan.name} {task.share}"


def _note(said: Said, task: Task, answer: _Answer, songs: int) -> None:
    name, asked = task.contestant.name, task.split.asked

    def place(into: dict[str, Ratings], values: Ratings | float) -> None:
        into.setdefault(name, np.full(songs, np.nan))[asked] = values

    place(said.mean, answer.mean)
    place(said.taught, answer.taught)
    if answer.by_ear is not None:
        place(said.by_ear, answer.by_ear)
    for level, (low, high) in answer.bounds.items():
        bounds = said.bounds.setdefault(name, {})
        lows, highs = bounds.setdefault(level, (np.full(songs, np.nan), np.full(songs, np.nan)))
        lows[asked], highs[asked] = low, high


def _ask_floors(said: Said, plan: Plan, recordings: Sequence[Recording], rated: Mask) -> None:
    ratings = np.array([recording.rating or 0.0 for recording in recordings])
    overall = float(ratings[rated].mean())
    floors: dict[str, Floor] = {GLOBAL: _constant, GENRE: genre_mean}
    if not plan.by_ear:
        floors[ARTIST] = artist_mean
    if plan.name in (NEW_SONG, LATER):
        floors[ALBUM] = album_mean
    if has_score(recordings):
        floors[SCORE] = players_score
    for name, floor in floors.items():
        said.mean[name] = np.full(len(recordings), np.nan)
        said.taught[name] = np.full(len(recordings), overall)  # what each fold falls back to, so that it ranks nothing
        for split in plan.splits:
            known = [recordings[row] for row in split.known if rated[row]]
            said.mean[name][split.asked] = floor(known, [recordings[row] for row in split.asked], overall)


def _constant(_known: Sequence[Recording], asked: Sequence[Recording], fallback: float) -> Ratings:
    return np.full(len(asked), fallback)
