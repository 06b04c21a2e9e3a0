"""A listener's home that changes from night to night, and nights whose steps run in this process."""

import sqlite3
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
import soundfile
from ml_skeleton.artifacts.crops import Crops
from ml_skeleton.artifacts.embeddings import open_store
from ml_skeleton.artifacts.playlists import read_playlist
from ml_skeleton_demo_library.player_database import Row, file_url, stored_rating, write_database
from ml_skeleton_nightly.models import version_of
from ml_skeleton_nightly.night import Asked
from ml_skeleton_nightly.steps import Ended
from shell import run_words

RATE = 8000
CONFIG = """
clem-extract: {seconds: 1, rate: 8000, speech: keep, workers: 1}
train-encoder: {encoder: simple, encoder_args: '{"width": 4}', epochs: 1, window: 1, test_fraction: 0.4}
train-classifier: {model: ridge, folds: 2}
evaluate: {folds: 2}
"""


class Home:
    """The player's database and the music of a listener."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.database, self.music = folder, folder / "clementine.db", folder / "music"
        self.config = folder / "night.yaml"
        self.config.write_text(CONFIG, encoding="utf-8")

    def sql(self, statement: str, *values: object) -> None:
        with sqlite3.connect(self.database) as database:
            database.execute(statement, values)

    def rate(self, songs: Sequence[int]) -> None:
        """Have the listener rate songs, numbered from 1, each in its own way."""
        for song in songs:
            self.sql("UPDATE songs SET rating = ? WHERE ROWID = ?", stored_rating(song * 7 % 11 / 2), song)

    def move(self, song: int, folder: str) -> None:
        """Move a file into another folder, which the player notices at its next scan."""
        (old,) = self.music.rglob(f"{song}.flac")
        new = self.music / folder / old.name
        new.parent.mkdir(exist_ok=True)
        old.rename(new)
        self.sql("UPDATE songs SET filename = ? WHERE ROWID = ?", file_url(new), song)

    def asked(self, out: str = "nights", **changes) -> Asked:
        """Return what clem-nightly is asked for this home, but for `changes`."""
        return Asked(self.database, self.folder / out, config=self.config, device="cpu", **changes)


@pytest.fixture
def home(tmp_path) -> Home:
    """Return the home of 36 unrated songs by 12 artists."""
    (tmp_path / "music").mkdir()
    rows = [_record(tmp_path / "music" / f"{song}.flac", song) for song in range(1, 37)]
    write_database(tmp_path / "clementine.db", tmp_path / "music", {}, rows, [])
    return Home(tmp_path)


def _record(path: Path, song: int) -> Row:
    random, time = np.random.default_rng(song), np.arange(2 * RATE) / RATE
    sound = 0.4 * np.sin(2 * np.pi * (200 + 70 * song) * time) + 0.05 * random.standard_normal(len(time))
    soundfile.write(path, sound, RATE)
    artist, there = f"Artist {song % 12}", path.stat()
    tags = {"title": f"Title {song}", "album": f"Album {song % 12}", "artist": artist, "albumartist": artist}
    rest = {"track": 1, "year": 2001, "genre": "", "compilation": False, "bitrate": 100, "samplerate": RATE}
    file = {"path": path, "mtime": int(there.st_mtime), "filesize": there.st_size}
    return Row(**tags, **rest, **file, length_ns=2 * 10**9, stars=None)


def run_here(words: Sequence[str]) -> Ended:
    """Run a command of ours in this process, where the heavy libraries are imported already."""
    ended = run_words(words)
    return Ended(ended.exit_code, ended.stderr.strip().rpartition("\n")[2])


@pytest.fixture
def content_of() -> Callable[[Asked], dict[str, object]]:
    """Return a function that says what a night left, but for times, places and the order of things."""

    def content(asked: Asked) -> dict[str, object]:
        crops = Crops(asked.crops)
        version = version_of(asked.store, asked.models.current())
        with open_store(asked.store) as store:
            vectors, songs = store.vectors(version), store.songs()
        _, tracks = read_playlist(asked.playlists / "best.json")
        return {
            "songs": sorted((song.url, song.rating, song.audio_id, song.available) for song in crops.songs),
            "crops": crops.audio_ids,
            "vectors": dict(zip(vectors.audio_ids, vectors.matrix.tolist(), strict=True)),
            "songs of the store": sorted((song.url, song.rating, song.audio_id) for song in songs),
            "playlist": [(track["url"], track["stars"]) for track in tracks],
        }

    return content
