"""Builders that name only what a test is about, and a runner for the installed commands."""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

# before torch is imported: test processes share the cores, and threads that wait by spinning slow each other down
os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import pytest
from ml_skeleton.artifacts.crops import Crop, CropWriter, write_songs
from ml_skeleton.artifacts.embeddings import Version, open_or_make_store
from ml_skeleton.artifacts.provenance import Parent, Provenance
from ml_skeleton.artifacts.songs import Song, album_key

pytest_plugins = ["browser", "pipeline"]

POLICY = "end-1x60s-16000hz"
RATE = 16000
DEADLINE_S = 60.0


def new_song(song_id: int = 1, **changes) -> Song:
    """Return a song that is rated, available and heard, but for `changes`."""
    fields = {
        "source": "clementine",
        "url": f"file:///music/{song_id}.flac",
        "path": f"/music/{song_id}.flac",
        "title": f"Title {song_id}",
        "artist": "Artist",
        "albumartist": changes.get("artist", "Artist"),
        "album": "Album",
        "genre": "",
        "year": 2001,
        "length_s": 60.0,
        "start_s": 0.0,
        "rating": 0.6,
        "playcount": 1,
        "skipcount": 0,
        "lastplayed": None,
        "added": 1_600_000_000,
        "mtime": 1_600_000_000,
        "filesize": 1000,
        "available": True,
        "audio_id": f"{song_id:032x}",
        **changes,
    }
    return Song(song_id=song_id, **{"album_keys": album_key(fields["albumartist"], fields["album"]), **fields})


def tone(hz: float, seconds: float = 3.0, seed: int = 0) -> np.ndarray:
    """Return a noisy sine as int16 samples (T,) at RATE."""
    time = np.arange(round(seconds * RATE)) / RATE
    noise = np.random.default_rng(seed).standard_normal(len(time))
    return ((0.4 * np.sin(2 * np.pi * hz * time) + 0.05 * noise) * 32767).astype(np.int16)


def new_crop(audio_id: str = f"{1:032x}", **changes) -> Crop:
    """Return a crop of a three-second tone, but for `changes`."""
    fields = {
        "policy": POLICY,
        "crop": 0,
        "start_s": 0.0,
        "sample_rate": RATE,
        "samples": tone(440),
        "speech": None,
        "codec": "flac",
    }
    return Crop(audio_id=audio_id, **{**fields, **changes})


@pytest.fixture(scope="session", autouse=True)
def own_cache(tmp_path_factory) -> None:
    """Let nothing be remembered outside the test run."""
    os.environ["XDG_CACHE_HOME"] = str(tmp_path_factory.mktemp("cache"))


@pytest.fixture(scope="session")
def make_song() -> Callable[..., Song]:
    return new_song


@pytest.fixture
def make_crop() -> Callable[..., Crop]:
    return new_crop


def write_crops(path: Path, songs: Sequence[Song], crops: Sequence[Crop]) -> Path:
    """Write a crops folder of songs and crops, and return its path."""
    with CropWriter(path, "clem-extract") as writer:
        for crop in crops:
            writer.add([crop])
    settings = {"policy": POLICY, "rate": RATE, "counts": {"extracted": len(songs)}}
    parent = Parent("clementine database", str(path.with_name("clementine.db")), "f" * 32)
    write_songs(path, songs, Provenance("crops", 1, "clem-extract", settings, parents=(parent,)))
    return path


@pytest.fixture
def make_crops(tmp_path) -> Callable[..., Path]:
    """Return a function that writes a crops folder of songs and crops, and returns its path."""

    def make(songs: list[Song], crops: list[Crop] | None = None, folder: str = "crops") -> Path:
        return write_crops(tmp_path / folder, songs, [new_crop(s.audio_id) for s in songs] if crops is None else crops)

    return make


@pytest.fixture(scope="session")
def audible_crops(tmp_path_factory) -> Path:
    """Return the crops folder of `audible_library`, made once; to be left as it is."""
    songs, crops = [], []
    for number in range(36):
        artist = number // 3
        pitch = (number * 7 % 36) / 36
        rating = round(pitch, 1) if number % 3 else None
        songs.append(new_song(number + 1, artist=f"Artist {artist}", album=f"Album {artist}", rating=rating))
        crops.append(new_crop(songs[-1].audio_id, samples=tone(200 + 3000 * pitch, seed=number)))
    return write_crops(tmp_path_factory.mktemp("audible") / "crops", songs, crops)


@pytest.fixture
def audible_library(audible_crops, tmp_path) -> Path:
    """Return a crops folder of 36 songs by 12 artists, two thirds rated, whose rating is their pitch."""
    return Path(shutil.copytree(audible_crops, tmp_path / "crops"))


def new_store(path: Path, songs: list[Song], seen: Sequence[str] = (), noise: float = 0.05) -> Path:
    """Write an embedding store of one version in which the rating can be read off a vector, and return its path."""
    random = np.random.default_rng(0)
    audio_ids = sorted({song.audio_id for song in songs})
    rating = {song.audio_id: song.rating for song in songs}
    matrix = random.standard_normal((len(audio_ids), 4)).astype(np.float32) * noise
    matrix[:, 0] += [rating[i] if rating[i] is not None else int(i, 16) % 11 / 10 for i in audio_ids]
    path.unlink(missing_ok=True)
    with open_or_make_store(path, "embed") as store:
        store.add_version(Version("v1", "e" * 32, 4, {}, (Parent("encoder", "/encoder.pt", "e" * 32),), "2026-01-01"))
        store.add_vectors("v1", audio_ids, matrix, [audio_id in seen for audio_id in audio_ids])
        store.replace_songs(songs)
    return path


@pytest.fixture
def make_store(tmp_path) -> Callable[..., Path]:
    """Return a function that writes such a store into tmp_path."""

    def make(songs: list[Song], name: str = "store.db", **changes) -> Path:
        return new_store(tmp_path / name, songs, **changes)

    return make


@pytest.fixture(scope="session")
def shared_store(tmp_path_factory) -> Callable[[list[Song]], Path]:
    """Return a function that writes such a store for the tests of a module, which only read it."""
    return lambda songs: new_store(tmp_path_factory.mktemp("store") / "store.db", songs)


@pytest.fixture(scope="session")
def rated_library() -> list[Song]:
    """Return 60 songs of 20 albums by 10 artists, every third unrated, the ratings spread evenly."""
    return [
        new_song(
            n + 1,
            artist=f"Artist {n % 10}",
            album=f"Album {n % 20}",
            rating=(n * 7 % 11) / 10 if n % 3 else None,
        )
        for n in range(60)
    ]


@pytest.fixture
def run_tool(tmp_path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Return a function that runs an installed command in tmp_path and shows all of it when a test fails."""

    def run(*args: object, stdin: str = "", env: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
        command = [str(Path(sys.executable).parent / str(args[0])), *map(str, args[1:])]
        done = subprocess.run(
            command, input=stdin, capture_output=True, text=True, cwd=tmp_path, env={**os.environ, **(env or {})}
        )
        print(f"$ {' '.join(command)}\nexit {done.returncode}\n--- stdout\n{done.stdout}--- stderr\n{done.stderr}")
        return done

    return run


@pytest.fixture
def run_shell(tmp_path) -> Callable[[str], subprocess.CompletedProcess[str]]:
    """Return a function that runs a line of bash with pipefail, the installed commands first on PATH."""

    def run(line: str) -> subprocess.CompletedProcess[str]:
        path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
        done = subprocess.run(
            ["bash", "-o", "pipefail", "-c", line],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            cwd=tmp_path,
            env={**os.environ, "PATH": path},
        )
        print(f"$ {line}\nexit {done.returncode}\n--- stdout\n{done.stdout}--- stderr\n{done.stderr}")
        return done

    return run


@pytest.fixture
def wait_until() -> Callable[[Callable[[], object]], None]:
    """Wait for a condition, and fail when it does not come true in a generous time."""

    def wait(condition: Callable[[], object]) -> None:
        end = time.monotonic() + DEADLINE_S
        while not condition():
            assert time.monotonic() < end, "the condition did not come true"
            time.sleep(0.02)

    return wait
