"""Whether evaluate's figures agree with the truth: hidden ratings beside the intervals that it gave.

    python benchmarks/truth.py --listeners 12 --rated 150 400
    python benchmarks/truth.py --listeners 12 --crops crops --store artifacts/embeddings.db

A made-up listener (classifiers.py, or listeners.py over the sound of a real library)
has rated part of the songs; of the others some are of known albums, some of known
artists' new albums, some of new artists. evaluate measures on the rated part, then the
classifier that all of it trains is asked for the hidden ratings. A line holds, over
the listeners: in how many of the cases the figure on the hidden songs lies in the 95 %
interval that evaluate gave it, how far off it is on average (hidden less measured), and
the same of the 80 % intervals of the songs themselves. Hidden songs are few in a real
library, so that their own figure is rough and lies outside more often; `songs` says how many.
"""

import argparse
import os
import tempfile
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np
import numpy.typing as npt
from classifiers import SHARES, listener
from evaluate import songs_of, write_store
from listeners import kind_of, measure_songs, rate_songs
from ml_skeleton.artifacts.crops import Crops
from ml_skeleton.artifacts.embeddings import open_store
from ml_skeleton.artifacts.evaluations import MODEL, NEW_ALBUM, NEW_ARTIST, NEW_SONG, Measured
from ml_skeleton.artifacts.songs import Song
from ml_skeleton.music.classifiers.fitting import fit_predictor
from ml_skeleton.music.inputs import Matrix, make_inputs
from ml_skeleton.music.rated import FitSettings, Targeting, vectors_of
from ml_skeleton.music.recordings import recordings_of
from ml_skeleton.music.scores import resampled_scores
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
    recordings = [r for r in recordings_of(songs) if r.audio_id in heard and r.audio_id in set(vectors.audio_ids)]
    row_of = {audio_id: row for row, audio_id in enumerate(vectors.audio_ids)}
    matrix = vectors.matrix[[row_of[recording.audio_id] for recording in recordings]]
    for seed in seeds:
        ratings = rate_songs(seed, recordings, heard, share=1.0)
        own = [replace(r.song, rating=ratings[r.audio_id], alike=None) for r in recordings]
        visible = np.random.default_rng(seed).random(len(own)) < 0.6
        yield Case(f"library, {kind_of(seed)}", own, matrix, visible)


def situation_of(song: Song, known: list[Song]) -> str:
    """Return what is known of a hidden song."""
    if any(song.album_keys == other.album_keys for other in known):
        return NEW_SONG
    return NEW_ALBUM if any(song.artist == other.artist for other in known) else NEW_ARTIST


def outcome(case: Case, seed: int) -> tuple[Measured, dict[str, tuple[npt.NDArray[np.float64], ...]]]:
    """Return what evaluate measured, and of the hidden songs of each situation prediction, truth and interval."""
    shown = [
        song if there else replace(song, rating=None) for song, there in zip(case.songs, case.visible, strict=True)
    ]
    settings = FitSettings(seed=seed)
    with tempfile.TemporaryDirectory() as folder:
        store = Path(folder) / "store.db"
        write_store(store, shown, {"trained-1": case.matrix})
        with open_store(store) as opened:
            gathered = gather(opened, None, 1.0, Targeting())
        (measured,) = evaluate(gathered, Path(folder), Protocol(seed=seed), settings).versions
    songs = gathered.versions[0]
    folds = np.array(album_folds(songs.recordings, settings.folds, seed))
    predictor = fit_predictor(songs.examples, folds, settings, intervals=True)
    hidden = np.flatnonzero(~case.visible)
    asked = [recordings_of([case.songs[row]])[0] for row in hidden]
    said = predictor.predict(make_inputs(asked, case.matrix[hidden], songs.targeting.features, songs.genres))
    low, high = said.interval()
    true = np.array([case.songs[row].rating for row in hidden])
    known = [song for song, there in zip(case.songs, case.visible, strict=True) if there]
    where = np.array([situation_of(case.songs[row], known) for row in hidden])
    columns = (said.mean, true, (low <= true) & (true <= high))
    return measured, {name: tuple(column[where == name] for column in columns) for name in np.unique(where)}


class Tally:
    """What was found over listeners, by situation and figure."""

    def __init__(self) -> None:
        self.inside: dict[tuple[str, str], list[bool]] = defaultdict(list)
        self.off: dict[tuple[str, str], list[float]] = defaultdict(list)
        self.songs: dict[str, list[int]] = defaultdict(list)
        self.covered: dict[str, list[float]] = defaultdict(list)

    def add(self, case: Case, seed: int) -> None:
        """Try one listener; situations with few hidden songs are left out."""
        measured, found = outcome(case, seed)
        for situation, (said, true, covered) in found.items():
            if len(true) < FEWEST_HIDDEN or situation not in measured.situations:
                continue
            self.songs[situation].append(len(true))
            self.covered[situation].append(float(covered.mean()))
            scores = resampled_scores(said, true, np.ones((1, len(true))))
            for name in FIGURES:
                figure, truth = measured.situations[situation].figures[MODEL][name], float(scores[name][0])
                if figure.low is not None and figure.high is not None and figure.value is not None:
                    self.inside[situation, name].append(figure.low <= truth <= figure.high)
                    self.off[situation, name].append(truth - figure.value)

    def show(self, title: str) -> None:
        """Print a line for each situation and figure."""
        for (situation, name), inside in self.inside.items():
            print(
                f"{title:<22}{situation:<12}{name:<12}{len(inside):>8}{np.mean(inside):>9.2f}"
                f"{np.mean(self.off[situation, name]):>+9.3f}{np.mean(self.covered[situation]):>9.2f}"
                f"{np.mean(self.songs[situation]):>9.0f}",
                flush=True,
            )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--listeners", type=int, default=12)
    parser.add_argument("--rated", type=int, nargs="*", default=[150, 400])
    parser.add_argument("--crops", type=Path)
    parser.add_argument("--store", type=Path)
    asked = parser.parse_args()
    titles = ("cases", "inside", "off", "covered", "songs")
    print(f"{'':<22}{'situation':<12}{'figure':<12}{titles[0]:>8}" + "".join(f"{title:>9}" for title in titles[1:]))
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
