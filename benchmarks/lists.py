"""Judges playlists by hidden ratings, and looks for what no list may hold.

    python benchmarks/lists.py checkpoints/classifier.pt --truth truth.csv --music music --listeners 12

Of the 20 unrated songs with the most expected stars, how many truly have four or more
(--truth: columns path, below --music, and true_rating, 0 to 1)? Then the same for made-up
listeners of the same recordings (listeners.py), half of whose ratings are hidden. The
floors are songs at random, the mean rating of the artist, and the mean rating of the five
rated songs that sound most alike: by our vectors, and by what bliss-audio measures of the
whole files, if it is installed, compared by Euclidean distance as it does.
Then each kind of list and all of configs/playlists.yaml are made, and counted are files
that are not there, recordings twice, and four songs in a row by one artist.
"""

import argparse
import csv
import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
from listeners import measure_songs, rate_songs
from ml_skeleton.artifacts.checkpoints import read_header
from ml_skeleton.artifacts.crops import Crops
from ml_skeleton.artifacts.embeddings import open_store
from ml_skeleton.artifacts.playlist_forms import file_here
from ml_skeleton.artifacts.playlists import Playlist
from ml_skeleton.music.classifiers.fitting import fit_classifier
from ml_skeleton.music.rated import FitSettings
from ml_skeleton.music.splits import album_folds
from ml_skeleton.music.targets import all_rated
from ml_skeleton_recommend.gathering import read_library
from ml_skeleton_recommend.library import Floats, Library, Rows, store_of
from ml_skeleton_recommend.make import make
from ml_skeleton_recommend.recipes import read_recipes
from ml_skeleton_recommend.request import KINDS, Request

TOP, LOVED, NEAREST, FOLDS = 20, 0.8, 5, 5
RECIPES = Path(__file__).parents[1] / "configs/playlists.yaml"
IN_A_ROW = 4


@dataclass(frozen=True)
class Case:
    """What a listener has rated, and what is hidden of them."""

    rated: Rows
    ratings: Floats  # of the rated songs, 0 to 1
    hidden: Rows
    truth: Floats  # of the hidden ones


def of_the_truth(library: Library, truth: Path, music: Path) -> Case:
    rows = list(csv.DictReader(truth.open(encoding="utf-8")))
    true = {str(music / row["path"]): float(row["true_rating"]) for row in rows if row["true_rating"]}
    rated = np.flatnonzero(~np.isnan(library.ratings))
    paths = [recording.song.path for recording in library.recordings]
    hidden = np.array([row for row, path in enumerate(paths) if not library.rated[row] and path in true])
    return Case(rated, library.ratings[rated], hidden, np.array([true[paths[row]] for row in hidden]))


def made_up(library: Library, listeners: int) -> Iterator[Case]:
    """Yield for each made-up listener half of their ratings, the other half hidden."""
    (crops,) = (parent.path for version in library.versions for parent in version.parents if parent.kind == "crops")
    heard = measure_songs(Crops(Path(crops)))
    known = [recording for recording in library.recordings if recording.audio_id in heard]
    row_of = {recording.audio_id: row for row, recording in enumerate(library.recordings)}
    for seed in range(1, listeners + 1):
        ratings = rate_songs(seed, known, heard)
        rows = np.random.default_rng(seed).permutation([row_of[audio_id] for audio_id in ratings])
        given = np.array([ratings[library.recordings[row].audio_id] for row in rows])
        half = len(rows) // 2
        yield Case(rows[:half], given[:half], rows[half:], given[half:])


def bliss_measures(library: Library) -> Floats | None:
    """Return what bliss-audio measures (N, 20), not numbers where it cannot read the file; None without it."""
    try:
        import bliss_audio  # type: ignore[import-not-found]  # a peer, not needed by anything here
    except ImportError:
        print("bliss-audio is not installed, so it is no peer: pip install bliss-audio")
        return None
    measured = np.full((len(library.recordings), 20), np.nan)
    for row, recording in enumerate(library.recordings):
        try:
            measured[row] = bliss_audio.Song(os.fsdecode(file_here(recording.song))).analysis
        except BaseException as error:  # what it cannot read is a panic of Rust, which is no Exception
            if type(error).__name__ != "PanicException":
                raise
    print(f"bliss-audio reads {np.isfinite(measured[:, 0]).sum()} of {len(measured)} recordings")
    return measured


def bliss_neighbours(measured: Floats, case: Case) -> Floats:
    """Return the mean rating of the rated songs nearest to each hidden one, of all where it cannot be told."""
    known = np.isfinite(measured[case.rated, 0])
    rated, ratings, asked = measured[case.rated[known]], case.ratings[known], measured[case.hidden]
    apart = np.linalg.norm(asked[:, None] - rated[None], axis=2)
    nearest = np.argsort(apart, axis=1, kind="stable")[:, :NEAREST]
    return np.where(np.isfinite(asked[:, 0]), ratings[nearest].mean(axis=1), case.ratings.mean())


def loved_of_top(library: Library, case: Case, measured: Floats | None) -> dict[str, float]:
    """Return how many of the TOP hidden songs that each way puts first are truly loved."""
    examples = all_rated(library.inputs(case.rated), case.ratings)
    folds = np.array(album_folds([library.recordings[row] for row in case.rated], FOLDS, 0))
    expected = fit_classifier(examples, folds, FitSettings()).predict(library.inputs(case.hidden)).mean
    overall = case.ratings.mean()
    rating = np.full(len(library.recordings), np.nan)
    rating[case.rated] = case.ratings
    same = (library.artists[case.rated] == artist for artist in library.artists[case.hidden])
    of_artist = np.array([case.ratings[one].mean() if one.any() else overall for one in same])
    alike = rating[library.search().nearest_of(case.hidden, case.rated, NEAREST).rows].mean(axis=1)
    ways = {"recommend": expected, "artist's mean": of_artist, "songs alike": alike}
    if measured is not None:
        ways["bliss neighbours"] = bliss_neighbours(measured, case)
    loved = case.truth >= LOVED
    counts = {name: loved[np.argsort(-scores, kind="stable")[:TOP]].sum() for name, scores in ways.items()}
    return {**counts, "at random": min(TOP, len(loved)) * loved.mean(), "all there are": min(TOP, loved.sum())}


def lists_of(library: Library, folder: Path) -> Iterator[Playlist]:
    """Yield every kind of list, seeded by loved songs, and all recipes."""
    loved = [str(r.song.song_id) for r in library.recordings if (r.rating or 0) >= LOVED]
    seeds = {"like": tuple(loved[:2]), "path": (loved[0], loved[-1])}
    asked = [Request(kind, songs=seeds.get(kind, ()), per_artist=0) for kind in KINDS]
    for request in (*asked, *read_recipes(RECIPES, Request())):
        yield from make(library, request, folder).playlists


def faults_of(playlist: Playlist) -> Counter[str]:
    songs = [entry.song for entry in playlist.entries]
    groups = Counter(song.alike or song.audio_id for song in songs)
    runs = [len(list(run)) for artist, run in groupby(song.artist for song in songs) if artist]
    whole_albums = playlist.provenance.settings["kind"] == "album"
    return Counter({
        "missing files": sum(not os.path.exists(file_here(song)) for song in songs),
        "recordings twice": sum(count - 1 for count in groups.values()),
        "four in a row by one artist": 0 if whole_albums else sum(run >= IN_A_ROW for run in runs),
    })  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("classifier", type=Path)
    parser.add_argument("--store", type=Path)
    parser.add_argument("--truth", type=Path)
    parser.add_argument("--music", type=Path, help="folder that the paths of the truth begin in", default=Path("music"))
    parser.add_argument("--listeners", type=int, default=12)
    asked = parser.parse_args()
    header = read_header(asked.classifier, "classifier")
    with open_store(asked.store or store_of(header)) as store:
        library = read_library(header, store)
    cases = {"made up": list(made_up(library, asked.listeners))}
    if asked.truth:
        cases["the truth"] = [of_the_truth(library, asked.truth, asked.music)]
    measured = bliss_measures(library)
    for name, listeners in cases.items():
        found = [loved_of_top(library, case, measured) for case in listeners]
        hidden = np.mean([len(case.hidden) for case in listeners])
        print(
            f"{name}: {len(found)} listeners, {hidden:.0f} hidden songs; of the {TOP} first truly four stars or more:"
        )
        for way in found[0]:
            print(f"  {way:<18}{np.mean([one[way] for one in found]):>6.1f}")
    lists = list(lists_of(library, Path("no-history")))
    faults = sum((faults_of(playlist) for playlist in lists), Counter())
    songs = sum(len(playlist.entries) for playlist in lists)
    print(f"{len(lists)} lists of {songs} songs: {dict(faults) or 'no fault'}")


if __name__ == "__main__":
    main()
