"""Whether evaluate's figures agree with the truth: hidden ratings beside the intervals that it gave.

    python benchmarks/truth.py --listeners 12 --rated 150 400
    python benchmarks/truth.py --listeners 12 --crops crops --store artifacts/embeddings.db

A made-up listener (classifiers.py, or listeners.py over the sound of a real library)
has rated part of the songs; of the others some are of known albums, some of known
artists' new albums, some of new artists. evaluate measures on the rated part, then the
classifier that all of it trains is asked for the hidden ratings. A line holds, over
the listeners, in which share of the cases the figure on the hidden songs lies in the
95 % interval that evaluate gave it (inside). As the hidden songs are only a sample too,
a right interval holds their figure less often than 95 times in 100: `expected` is the share that
their own bootstrap lets one expect. `off` is hidden less measured, on average; `covered`
the share of hidden ratings in the 80 % interval of their song.
"""

import argparse
import os
import tempfile
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from statistics import NormalDist

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np
import numpy.typing as npt
from classifiers import SHARES, listener
from evaluate import songs_of, write_store
from listeners import kind_of, measure_songs, rate_songs
from ml_skeleton.artifacts.crops import Crops
from ml_skeleton.artifacts.embeddings import open_store
from ml_skeleton.artifacts.evaluations import MODEL, NEW_ALBUM, NEW_ARTIST, NEW_SONG, Figure, Measured
from ml_skeleton.artifacts.songs import Song
from ml_skeleton.music.classifiers.fitting import fit_predictor
from ml_skeleton.music.inputs import Matrix, make_inputs
from ml_skeleton.music.rated import FitSettings, Targeting, vectors_of
from ml_skeleton.music.recordings import recordings_of
from ml_skeleton.music.resampling import album_samples, scored
from ml_skeleton.music.splits import album_folds
from ml_skeleton_evaluate.evaluate import Protocol, evaluate
from ml_skeleton_evaluate.gather import gather

FIGURES = ("spearman", "rmse_stars", "auc_loved")
FEWEST_HIDDEN = 15
HIDDEN_SONGS = 8  # in a made-up library for each that is rated


@dataclass(frozen=True)
class Case:
    """A listener, whose ratings are true ratings of all songs, and which of them evaluate may see."""

    name: str
    songs: list[Song]
    matrix: Matrix
    visible: npt.NDArray[np.bool_]
    parts: Mapping[str, int] = field(default_factory=dict)  # of a vector


def made_up(rated: int, seed: int) -> Case:
    """Return a case in which a few of many songs are rated, by whole artists, albums, and songs within albums."""
    kinds = tuple(SHARES)
    kind = kinds[seed % len(kinds)]
    examples = listener(kind, rated * (1 + HIDDEN_SONGS), seed)
    return Case(kind, songs_of(examples), examples.inputs.matrix, visible_part(songs_of(examples), rated, seed))


def visible_part(songs: list[Song], rated: int, seed: int) -> npt.NDArray[np.bool_]:
    """Return which songs (N,) are rated: of half of the artists half of the albums, of those all songs but a third."""
    random = np.random.default_rng(seed)
    artists = {song.artist: random.random() for song in songs}
    albums = {song.album_keys: random.random() for song in songs}
    known = [artists[song.artist] < 0.5 and albums[song.album_keys] < 0.6 and random.random() < 0.7 for song in songs]
    rows = random.permutation(np.flatnonzero(known))
    places = {songs[row].artist: number for number, row in enumerate(rows)}
    chosen = sorted(rows, key=lambda row: places[songs[row].artist])[:rated]  # few artists, as a listener has
    visible = np.zeros(len(songs), dtype=np.bool_)
    visible[chosen] = True
    return visible


def from_library(crops: Path, store: Path, seeds: range) -> Iterator[Case]:
    """Yield listeners of the kinds of listeners.py over the songs of a real library."""
    heard = measure_songs(Crops(crops))
    with open_store(store) as opened:
        vectors, songs = vectors_of(opened, [None]), opened.songs()
    recordings, matrix = vectors.of([r for r in recordings_of(songs) if r.audio_id in heard])
    for seed in seeds:
        ratings = rate_songs(seed, recordings, heard, share=1.0)
        own = [replace(r.song, rating=ratings[r.audio_id], alike=None) for r in recordings]
        visible = np.random.default_rng(seed).random(len(own)) < 0.6
        yield Case(f"library, {kind_of(seed)}", own, matrix, visible, vectors.parts)


def situation_of(song: Song, known: list[Song]) -> str:
    """Return what is known of a hidden song."""
    if any(song.album_keys == other.album_keys for other in known):
        return NEW_SONG
    return NEW_ALBUM if any(song.artist == other.artist for other in known) else NEW_ARTIST


@dataclass(frozen=True)
class Hidden:
    """Hidden songs of one situation."""

    figures: dict[str, Figure]  # what they truly came to, with their own interval over albums
    covered: float  # share of their ratings inside the 80 % interval
    songs: int


def outcome(case: Case, seed: int) -> tuple[Measured, dict[str, Hidden]]:
    """Return what evaluate measured, and what the hidden songs of each situation came to; few songs are left out."""
    shown = [
        song if there else replace(song, rating=None) for song, there in zip(case.songs, case.visible, strict=True)
    ]
    settings = FitSettings(seed=seed)
    with tempfile.TemporaryDirectory() as folder:
        store = Path(folder) / "store.db"
        write_store(store, shown, {"trained-1": case.matrix}, case.parts)
        with open_store(store) as opened:
            gathered = gather(opened, None, 1.0, Targeting())
        (measured,) = evaluate(gathered, Path(folder), Protocol(seed=seed), settings).versions
    songs = gathered.versions[0]
    folds = np.array(album_folds(songs.recordings, settings.folds, seed))
    predictor = fit_predictor(songs.examples, folds, settings, intervals=True)
    hidden = np.flatnonzero(~case.visible)
    asked = [recordings_of([case.songs[row]])[0] for row in hidden]
    said = predictor.predict(
        make_inputs(asked, case.matrix[hidden], songs.targeting.features, songs.genres, dict(case.parts))
    )
    low, high = said.interval()
    true = np.array([case.songs[row].rating for row in hidden])
    known = [song for song, there in zip(case.songs, case.visible, strict=True) if there]
    where = np.array([situation_of(case.songs[row], known) for row in hidden])
    found = {}
    for name in np.unique(where):
        rows = np.flatnonzero(where == name)
        if len(rows) >= FEWEST_HIDDEN:
            weights = album_samples([str(case.songs[row].album_keys) for row in hidden[rows]], seed)
            covered = (low[rows] <= true[rows]) & (true[rows] <= high[rows])
            figures = scored(said.mean[rows], true[rows], weights).figures()
            found[str(name)] = Hidden(figures, float(covered.mean()), len(rows))
    return measured, found


def expected_inside(measured: Figure, hidden: Figure) -> float:
    """Return how often a figure of the hidden songs lies in a right interval, both being samples."""
    ours, theirs = (float(one.high or 0) - float(one.low or 0) for one in (measured, hidden))
    reach = NormalDist().inv_cdf(0.975) * ours / max(np.hypot(ours, theirs), 1e-9)
    return 2 * NormalDist().cdf(reach) - 1


class Tally:
    """What was found over listeners, by situation and figure."""

    def __init__(self) -> None:
        self.rows: dict[tuple[str, str], list[tuple[float, ...]]] = defaultdict(list)

    def add(self, case: Case, seed: int) -> None:
        """Try one listener."""
        measured, found = outcome(case, seed)
        for situation, hidden in found.items():
            for name in FIGURES if situation in measured.situations else ():
                figure, truth = measured.situations[situation].figures[MODEL][name], hidden.figures[name]
                if figure.value is not None and figure.low is not None and truth.value is not None:
                    inside = figure.low <= truth.value <= float(figure.high or 0)
                    apart = truth.value - figure.value
                    row = (inside, expected_inside(figure, truth), apart, hidden.covered, hidden.songs)
                    self.rows[situation, name].append(row)

    def show(self, title: str) -> None:
        """Print a line for each situation and figure."""
        for (situation, name), rows in self.rows.items():
            inside, expected, apart, covered, songs = np.mean(np.array(rows, dtype=np.float64), axis=0)
            print(
                f"{title:<14}{situation:<12}{name:<12}{len(rows):>8}{inside:>10.2f}{expected:>10.2f}{apart:>+10.3f}"
                f"{covered:>10.2f}{songs:>10.0f}",
                flush=True,
            )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--listeners", type=int, default=12)
    parser.add_argument("--rated", type=int, nargs="*", default=[150, 400])
    parser.add_argument("--crops", type=Path)
    parser.add_argument("--store", type=Path)
    asked = parser.parse_args()
    titles = ("inside", "expected", "off", "covered", "songs")
    print(f"{'':<14}{'situation':<12}{'figure':<12}{'cases':>8}" + "".join(f"{title:>10}" for title in titles))
    for rated in asked.rated:
        tally = Tally()
        for seed in range(asked.listeners):
            tally.add(made_up(rated, seed), seed)
        tally.show(f"{rated} rated")
    if asked.crops and asked.store:
        tally = Tally()
        for seed, case in enumerate(from_library(asked.crops, asked.store, range(1, asked.listeners + 1)), 1):
            tally.add(case, seed)
        tally.show("library")


if __name__ == "__main__":
    main()
