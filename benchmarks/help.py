"""Measures whether rating what `recommend help` asks for teaches more than rating songs at random.

    python benchmarks/help.py --store demo/artifacts/embeddings.db --listeners 60

Made-up listeners of the songs of each store, and of a made-up library whose styles, artists and
albums are of very different size, begin with a few rated songs and rate ten more a round:
those that help asks for, or as many at random. A taste is drawn at random: some of the
parts that vectors are made of, a line and a bend through them, artists, albums and moods. A
line holds the mean rank correlation on albums nobody was asked about, after each round;
the last, by how much help is ahead, with the standard error over the listeners. Then
the share of songs of four stars and more among the first 20, over all rounds.
"""

import argparse
import os
from collections.abc import Callable
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
from listeners import effect, standard
from ml_skeleton.artifacts.embeddings import open_store
from ml_skeleton.music.classifiers.fitting import fit_predictor
from ml_skeleton.music.inputs import AUDIO, Inputs, make_inputs
from ml_skeleton.music.rated import FitSettings, vectors_of
from ml_skeleton.music.recordings import recordings_of
from ml_skeleton.music.ridge import spread
from ml_skeleton.music.scores import score
from ml_skeleton.music.splits import balanced_folds
from ml_skeleton.music.targets import all_rated
from ml_skeleton_recommend.kinds.learning import MOST_ASKED, most_telling, posterior, spread_over

FIRST, ASKED = 20, 10
TESTED = 0.3  # of the albums
LOVED, TOP = 0.8, 20
MAIN = 6  # directions of a part that a taste may go along
SHARES = {"audio": 0.5, "artist": 0.12, "album": 0.1, "mood": 0.28}  # of the variance of the stars
SONGS, STYLES, FACTORS, DIMENSIONS = 3000, 12, 16, 64

Floats = np.ndarray
Asking = Callable[[list[int], list[int]], list[int]]  # from what is rated and what is not to what is asked


def made_up_library(seed: int = 0) -> Inputs:
    """Return songs in styles, artists and albums of which few are large and most are small."""
    random = np.random.default_rng(seed)
    artists = SONGS // 20
    style_of = _zipf(random, artists, STYLES, 1.3)
    artist = _zipf(random, SONGS, artists, 0.8)
    albums = 1 + np.minimum(7, np.bincount(artist, minlength=artists) // 8)
    album = 8 * artist + random.integers(0, albums[artist])
    of_style, of_artist, of_album = (random.standard_normal((n, FACTORS)) for n in (STYLES, artists, 8 * artists))
    factors = 1.3 * of_style[style_of[artist]] + 0.7 * of_artist[artist] + 0.5 * of_album[album]
    factors += 0.7 * random.standard_normal(factors.shape)
    mixing = random.standard_normal((FACTORS, DIMENSIONS)) * np.arange(1, FACTORS + 1)[:, None] ** -0.5
    matrix = factors @ mixing + 0.4 * random.standard_normal((SONGS, DIMENSIONS))
    return Inputs(matrix.astype(np.float32), {AUDIO: DIMENSIONS}, artist + 1, album + 1)


def library_of(path: Path) -> Inputs:
    """Return all songs of the newest version of a store."""
    with open_store(path) as store:
        vectors, recordings = vectors_of(store, [None]), recordings_of(store.songs())
    known, matrix = vectors.of(recordings)
    return make_inputs(known, matrix, [AUDIO], (), vectors.parts)


def ratings_of(inputs: Inputs, seed: int) -> Floats:
    """Return how a new listener would rate all songs (N,), 0 to 1 in halves of a star."""
    random = np.random.default_rng(seed)
    centre, scale = spread(inputs.matrix)
    songs = ((inputs.matrix - centre) * scale).clip(-6, 6)
    parts = [part for part in inputs.weighed().values() if random.random() < 0.5] or [slice(None)]
    along = np.concatenate([_main_directions(songs[:, part]) for part in parts], axis=1)
    line, one, other = (standard(along @ random.standard_normal(along.shape[1])) for _ in range(3))
    bend = standard(one * other if random.random() < 0.5 else -((one - random.standard_normal()) ** 2))
    straight = random.random()
    liked = {
        "audio": standard(np.sqrt(straight) * line + np.sqrt(1 - straight) * bend),
        "artist": effect(random, inputs.artists.tolist()),
        "album": effect(random, inputs.albums.tolist()),
        "mood": random.standard_normal(len(songs)),
    }
    taste = sum(np.sqrt(share) * liked[name] for name, share in SHARES.items())
    return np.clip(np.round(10 * (0.6 + 0.22 * standard(taste))) / 10, 0, 1)


def curve(inputs: Inputs, seed: int, rounds: int, asking: Asking) -> Floats:
    """Return rank correlation and share of loved songs (2, rounds + 1) on albums nobody is asked about."""
    random, ratings = np.random.default_rng(seed), ratings_of(inputs, seed)
    albums = np.unique(inputs.albums)
    is_tested = np.isin(inputs.albums, random.choice(albums, int(TESTED * len(albums)), replace=False))
    askable, tested = random.permutation(np.flatnonzero(~is_tested)).tolist(), np.flatnonzero(is_tested)
    rated, pool, figures = askable[:FIRST], askable[FIRST:], []
    for step in range(rounds + 1):
        known = all_rated(inputs.at(np.array(rated)), ratings[rated])
        folds = np.array(balanced_folds([str(key) for key in known.inputs.albums], 5, 0))
        predictor = fit_predictor(known, folds, FitSettings(), intervals=False)
        said = predictor.predict(inputs.at(tested)).mean
        first = tested[np.argsort(-said, kind="stable")[:TOP]]
        figures.append((score(said, ratings[tested]).spearman or 0.0, (ratings[first] >= LOVED).mean()))
        if step < rounds:
            new = asking(rated, pool)
            rated, pool = [*rated, *new], [row for row in pool if row not in set(new)]
    return np.array(figures).T


def at_random(rated: list[int], pool: list[int]) -> list[int]:
    return pool[:ASKED]


def by_help(inputs: Inputs) -> Asking:
    """Return a way of asking as the command does."""

    def ask(rated: list[int], pool: list[int]) -> list[int]:
        rows = spread_over(np.array(pool), MOST_ASKED)
        covariance, noise = posterior(
            inputs.at(np.array([*rows, *rated])), np.arange(len(rows) + len(rated)) >= len(rows)
        )
        return rows[most_telling(covariance, noise, ASKED)].tolist()

    return ask


def report(name: str, inputs: Inputs, listeners: int, rounds: int) -> None:
    ways = {"help": by_help(inputs), "at random": at_random}
    rounds = min(rounds, (int((1 - TESTED) * len(inputs.matrix)) - FIRST) // (2 * ASKED))
    found = {
        way: np.stack([curve(inputs, seed, rounds, asking) for seed in range(1, listeners + 1)])
        for way, asking in ways.items()
    }  # (listeners, 2, rounds + 1)
    ahead = found["help"] - found["at random"]
    titles = "".join(f"{FIRST + ASKED * step:>15}" for step in range(rounds + 1))
    print(f"{name}, {len(inputs.matrix)} songs, {listeners} listeners\n  {'rated songs':<12}{titles}")
    for way, figures in found.items():
        print(f"  {way:<12}" + "".join(f"{mean:>15.3f}" for mean in figures[:, 0].mean(axis=0)))
    print(f"  {'ahead':<12}" + "".join(f"{_with_error(ahead[:, 0, step]):>15}" for step in range(rounds + 1)))
    print(f"  after the first round on: {_with_error(ahead[:, 0, 1:].mean(axis=1))} of rank correlation, and of the")
    loved = {way: figures[:, 1, 1:].mean() for way, figures in found.items()}
    said = " and ".join(f"{share:.0%} {way}" for way, share in loved.items())
    print(f"  first {TOP} songs {said} are truly loved: {_with_error(ahead[:, 1, 1:].mean(axis=1))}", flush=True)


def _with_error(values: Floats) -> str:
    return f"{values.mean():+.3f} ± {values.std(ddof=1) / np.sqrt(len(values)):.3f}"


def _main_directions(songs: Floats) -> Floats:
    """Return songs (N, K) along the directions in which they differ most, the farther the more they differ."""
    left, sizes, _ = np.linalg.svd(songs, full_matrices=False)
    return left[:, :MAIN] * np.sqrt(len(songs) * sizes[:MAIN] / sizes[0])


def _zipf(random: np.random.Generator, count: int, groups: int, steepness: float) -> Floats:
    """Return for each of `count` the group it is in, the first group being the largest."""
    share = (1 + np.arange(groups)) ** -steepness
    return random.choice(groups, count, p=share / share.sum())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--store", type=Path, action="append", default=[])
    parser.add_argument("--listeners", type=int, default=60, help="of each library")
    parser.add_argument("--rounds", type=int, default=8, help="of ten ratings; fewer where songs would run out")
    asked = parser.parse_args()
    libraries = {"made up": made_up_library, **{str(path): lambda path=path: library_of(path) for path in asked.store}}
    for name, library in libraries.items():
        report(name, library(), asked.listeners, asked.rounds)


if __name__ == "__main__":
    main()
