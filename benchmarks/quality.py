"""What an encoder knows of songs it has never heard, beside its own random weights, hand-made features and means.

    python benchmarks/quality.py CROPS [--seeds 2] [--folds 3] [--listeners 6] [--model gp] [--out FOLDER]
                                 [--variant 'NAME=options of train-encoder' ...] [--control 'NAME=...' ...]
                                 [--musicnn WHEEL]

For every listener (the ratings in CROPS, if there are any, and others made up by listeners.py) and every seed the songs
are cut into folds of whole artists and albums. For each fold every variant is trained by `train-encoder` on a folder
that holds the other folds' songs alone, so that no audio, album or rating of the tested songs has shaped it; one that
learns no ratings is trained once for all listeners, and controls learn nothing and are made once. `embed` makes the
vectors, the classifier of train-classifier is fitted to the rated songs of the other folds, and asked for the fold.
Where a variant has seen ratings, the classifiers of all methods choose their settings on the songs that none has seen,
or those that have seen nothing would choose on more. Everything made is kept in the folder of --out, and a second run
goes on from there.

Rank correlation, RMSE and AUC are of all tested songs of a seed together; for the first and the last, predictions
count as above or below the mean of the ratings they were learned from, which is low where the tested ones are high and
would put every method that says little below chance. Retrieval is among the songs of a fold.
Figures are means over seeds; intervals hold 95 % of 300 bootstrap samples of albums, the same for all methods.
Means marked * know other ratings of the tested songs' artist or album, which no encoder is given.
"""

import argparse
import json
import sys
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
from listeners import kind_of, measure_songs, rate_songs
from ml_skeleton.artifacts.crops import Crops
from ml_skeleton.music.classifiers.fitting import fit_classifier
from ml_skeleton.music.floors import album_mean, artist_mean
from ml_skeleton.music.inputs import AUDIO, make_inputs
from ml_skeleton.music.neighbours import Rows
from ml_skeleton.music.rated import FitSettings
from ml_skeleton.music.recordings import Recording, recordings_of
from ml_skeleton.music.retrieval import ALBUM, ALBUM_ARTIST_FILTER, ARTIST_ALBUM_FILTER, measure_retrieval
from ml_skeleton.music.scores import Ratings, score
from ml_skeleton.music.splits import album_folds
from ml_skeleton.music.targets import all_rated
from workshop import Heard, Workshop

Folds = npt.NDArray[np.int64]
Figures = dict[str, float]  # by name; nan where not defined
Values = Mapping[str, Mapping[str, list[float]]]  # by method and figure: on all songs, then on each sample of albums

VARIANTS = ["default="]
CONTROLS = [
    "untrained=--encoder random+statistics",
    *(f"{name}=--encoder {name}" for name in ("statistics", "random", "random-wide", "handcrafted")),
    "20 MFCC=--encoder peers:Mfcc",
    "like bliss=--encoder peers:Bliss",
]
RETRIEVAL = {ALBUM: "album MAP", ALBUM_ARTIST_FILTER: "filtered MAP", ARTIST_ALBUM_FILTER: "artist MAP"}
COLUMNS = {"spearman": "rank corr.", "rmse_stars": "RMSE stars", "auc_loved": "AUC >= 4"} | RETRIEVAL
GLOBAL = "global mean"
SAMPLES = 300
INNER_FOLDS = 5


@dataclass
class Outcome:
    """What one method made of the songs of a listener with one seed."""

    predicted: Ratings  # (N,) of the rated songs
    taught: Ratings  # (N,) the mean of the ratings that it was learned from
    precision: dict[str, dict[str, float]] = field(default_factory=lambda: defaultdict(dict))  # by kind and audio_id


@dataclass(frozen=True)
class Trial:
    """The rated songs of a listener, and every method's outcome for each seed."""

    rated: list[Recording]
    true: Ratings  # (N,)
    outcomes: dict[str, list[Outcome]]


def run_listener(
    shop: Workshop, songs: Sequence[Recording], ratings: Mapping[str, float], asked: argparse.Namespace
) -> Trial:
    """Train, embed and predict for one listener."""
    songs = [with_rating(song, ratings.get(song.audio_id)) for song in songs]
    rated = [song for song in songs if song.rating is not None]
    trial = Trial(rated, np.array([song.rating for song in rated]), defaultdict(list))
    for seed in range(asked.seeds):
        folds = np.array(album_folds([tied_to_artist(song) for song in songs], asked.folds, seed))
        heard = {name: shop.heard(options, songs, asked.library) for name, options in asked.control.items()}
        by_fold: dict[int, dict[str, Heard]] = {}
        for fold in np.unique(folds):
            others = [song for song, other in zip(songs, folds, strict=True) if other != fold]
            print(f"seed {seed}, fold {fold}", file=sys.stderr, flush=True)
            trained = {
                name: shop.heard(f"--seed {seed} {options}", others, ratings) for name, options in asked.variant.items()
            }
            by_fold[fold] = heard | trained
        settings = FitSettings(asked.model, folds=INNER_FOLDS)
        for name in [*asked.control, *asked.variant]:
            trial.outcomes[name].append(predict(songs, folds, by_fold, name, asked.variant, settings))
        for name, predicted in means(rated, folds[[song.rating is not None for song in songs]]).items():
            trial.outcomes[name].append(Outcome(predicted, predicted if name == GLOBAL else np.zeros(len(rated))))
    return trial


def predict(
    songs: Sequence[Recording],
    folds: Folds,
    by_fold: Mapping[int, Mapping[str, Heard]],
    name: str,
    variants: Iterable[str],
    settings: FitSettings,
) -> Outcome:
    """Return the predictions for each fold of a classifier on the vectors of the encoder `name` of that fold."""
    outcome = Outcome(np.full(len(songs), np.nan), np.full(len(songs), np.nan))
    for fold, heard in by_fold.items():
        matrix = np.stack([heard[name].vectors[song.audio_id] for song in songs])
        here = folds == fold
        train = np.array([song.rating is not None for song in songs]) & ~here
        known = [song for song, chosen in zip(songs, train, strict=True) if chosen]
        seen = np.array([any(heard[variant].seen[song.audio_id] for variant in variants) for song in known])
        inputs = make_inputs(songs, matrix, [AUDIO], (), heard[name].parts)
        examples = all_rated(inputs.at(train), np.array([song.rating for song in known]), seen)
        inner = np.array(album_folds(known, settings.folds, 0))
        outcome.taught[here] = examples.mean
        outcome.predicted[here] = fit_classifier(examples, inner, settings).predict(inputs.at(here)).mean
        tested = [song for song, chosen in zip(songs, here, strict=True) if chosen]
        for kind, found in measure_retrieval(matrix[here], tested).items():
            ids = (tested[row].audio_id for row in found.rows)
            outcome.precision[kind].update(zip(ids, found.average_precision.tolist(), strict=True))
    rated = [song.rating is not None for song in songs]
    return replace(outcome, predicted=outcome.predicted[rated], taught=outcome.taught[rated])


def means(rated: Sequence[Recording], folds: Folds) -> dict[str, Ratings]:
    """Return what can be said without hearing a note: each fold's mean rating of the others, and two that know more."""
    ratings = np.array([song.rating for song in rated])
    overall = float(ratings.mean())
    of_others = np.array([ratings[folds != fold].mean() for fold in folds])
    artist = [artist_mean([*rated[:row], *rated[row + 1 :]], [song], overall)[0] for row, song in enumerate(rated)]
    return {
        GLOBAL: of_others,
        "artist mean*": np.array(artist),
        "album mean*": album_mean(rated, rated, overall),
    }


def figures(trial: Trial, outcome: Outcome, rows: Rows, songs: Mapping[str, int]) -> Figures:
    """Return the figures of a bootstrap sample: `rows` of the rated songs, and how often each song was drawn."""
    predicted, true = outcome.predicted[rows], trial.true[rows]
    scores = score(predicted, true, outcome.taught[rows])
    found = {"spearman": scores.spearman, "auc_loved": scores.auc_loved, "rmse_stars": scores.rmse_stars}
    for kind in RETRIEVAL:
        drawn = [(songs.get(audio_id, 0), value) for audio_id, value in outcome.precision.get(kind, {}).items()]
        count = sum(times for times, _ in drawn)
        found[kind] = sum(times * value for times, value in drawn) / count if count else None
    return {name: float("nan") if value is None else value for name, value in found.items()}


def samples_of_albums(trial: Trial, songs: Sequence[Recording]) -> Iterable[tuple[Rows, dict[str, int]]]:
    """Yield all songs, then 300 samples of as many albums with replacement: rows of the rated songs, songs by count."""
    group = dict(zip((song.audio_id for song in songs), album_folds(songs, len(songs), 0), strict=True))
    rows_of, ids_of = defaultdict(list), defaultdict(list)
    for row, song in enumerate(trial.rated):
        rows_of[group[song.audio_id]].append(row)
    for song in songs:
        ids_of[group[song.audio_id]].append(song.audio_id)
    albums = sorted(ids_of)
    yield np.arange(len(trial.rated)), {song.audio_id: 1 for song in songs}
    random = np.random.default_rng(0)
    for _ in range(SAMPLES):
        counts: dict[str, int] = defaultdict(int)
        rows: list[int] = []
        for album in random.choice(albums, len(albums)):
            rows += rows_of[album]
            for audio_id in ids_of[album]:
                counts[audio_id] += 1
        yield np.array(rows, np.intp), counts


def bootstrap(trial: Trial, songs: Sequence[Recording]) -> dict[str, dict[str, list[float]]]:
    """Return by method and figure the value on all songs, then that on each sample; means over the seeds."""
    values: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    for rows, counts in samples_of_albums(trial, songs):
        for method, outcomes in trial.outcomes.items():
            of_seeds = [figures(trial, outcome, rows, counts) for outcome in outcomes]
            for name in COLUMNS:
                values[method][name].append(float(np.mean([found[name] for found in of_seeds])))
    return values


def show(title: str, values: Values) -> None:
    """Print figures with intervals, one line for each key of `values`."""
    print(f"\n{title:<24}" + "".join(f"{name:>24}" for name in COLUMNS.values()))
    for method, found in values.items():
        print(f"{method:<24}" + "".join(f"{cell(found[name]):>24}" for name in COLUMNS))


def cell(values: list[float]) -> str:
    if np.isnan(values[0]):
        return "-"
    low, high = np.nanpercentile(values[1:], [2.5, 97.5])
    return f"{values[0]:.3f} [{low:.3f}, {high:.3f}]"


def differences(values: Values, variants: Iterable[str]) -> dict[str, dict[str, list[float]]]:
    """Return variant minus any other method, by figure."""
    return {
        f"{variant} - {other}": {
            name: list(np.array(values[variant][name]) - np.array(values[other][name])) for name in COLUMNS
        }
        for variant in variants
        for other in values
        if other != variant
    }


def with_rating(song: Recording, rating: float | None) -> Recording:
    return Recording(song.audio_id, tuple(replace(copy, rating=rating) for copy in song.songs))


def tied_to_artist(song: Recording) -> Recording:
    """Return the recording with its artist as one more album, so that a fold holds whole artists as well."""
    keys = (*song.album_keys, *([f"artist {song.artist}"] if song.artist else []))
    return Recording(song.audio_id, tuple(replace(copy, album_keys=keys) for copy in song.songs))


def named(entries: list[str]) -> dict[str, str]:
    return {name: options for name, _, options in (entry.partition("=") for entry in entries)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("crops", type=Path)
    parser.add_argument("--seeds", type=int, default=2, help="of the folds and of the training")
    parser.add_argument("--folds", type=int, default=3)
    parser.add_argument("--listeners", type=int, default=6, help="made up, beside the ratings in CROPS")
    parser.add_argument("--model", default="gp", help="of train-classifier")
    parser.add_argument("--out", type=Path, default=Path("quality"))
    parser.add_argument("--device", default="auto")
    parser.add_argument("--variant", action="append", metavar="NAME=OPTIONS", help="trained for each fold")
    parser.add_argument("--control", action="append", metavar="NAME=OPTIONS", help="made once, as it learns nothing")
    parser.add_argument("--musicnn", type=Path, help="wheel with its weights: pip download --no-deps musicnn")
    asked = parser.parse_args()
    asked.variant, asked.control = named(asked.variant or VARIANTS), named(asked.control or CONTROLS)
    if asked.musicnn:
        asked.control["musicnn"] = f"--encoder musicnn:{asked.musicnn.resolve()}"
    asked.out.mkdir(parents=True, exist_ok=True)
    crops = Crops(asked.crops)
    heard = measure_songs(crops)
    songs = [song for song in recordings_of(crops.songs) if song.audio_id in heard and song.speech <= 0.5]
    asked.library = {song.audio_id: song.rating for song in songs if song.rating is not None}
    taste = {"the library's listener": asked.library} if asked.library else {}
    taste |= {
        f"listener {seed}, {kind_of(seed)}": rate_songs(seed, songs, heard) for seed in range(1, asked.listeners + 1)
    }
    shop, every = Workshop(crops, asked.out, asked.device), []
    for title, ratings in taste.items():
        values = bootstrap(run_listener(shop, songs, ratings, asked), songs)
        print(f"\n{title}: {len(ratings)} of {len(songs)} songs rated", end="")
        show("", values)
        show("difference", differences(values, asked.variant))
        every.append(values)
    mean = {m: {n: list(np.mean([v[m][n] for v in every], axis=0)) for n in COLUMNS} for m in every[0]}
    show(f"mean of {len(every)} listeners", mean)
    show("difference", differences(mean, asked.variant))
    (asked.out / "figures.json").write_text(json.dumps(dict(zip(taste, every, strict=True))), encoding="utf-8")


if __name__ == "__main__":
    main()
