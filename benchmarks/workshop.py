"""A folder in which encoders are trained and songs embedded by the real commands, each only once."""

import argparse
import os
import shlex
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
from ml_skeleton.artifacts.checkpoints import read_header
from ml_skeleton.artifacts.crops import Crops, write_songs
from ml_skeleton.artifacts.embeddings import open_store
from ml_skeleton.artifacts.files import fingerprint_of
from ml_skeleton.music.objectives import DEFAULT_LOSS
from ml_skeleton.music.recordings import Recording
from ml_skeleton_train_encoder.options import weights_of_loss
from ml_skeleton_train_encoder.settings import Settings

BIN = Path(sys.executable).parent


@dataclass(frozen=True)
class Heard:
    """All songs as an encoder hears them."""

    vectors: Mapping[str, npt.NDArray[np.float32]]  # by audio_id
    seen: Mapping[str, bool]  # whether the song's rating shaped the encoder
    parts: Mapping[str, int]  # name and width of what a vector is made of


class Workshop:
    """Where everything that is made is kept; the same question twice is answered from there."""

    def __init__(self, crops: Crops, folder: Path, device: str) -> None:
        self.crops, self.folder, self.device = crops, folder, device
        self.store = folder / "embeddings.db"
        self.known: dict[str, Heard] = {}  # by version

    def heard(self, options: str, songs: Sequence[Recording], ratings: Mapping[str, float]) -> Heard:
        """Return all songs as they are heard by an encoder that was trained on `songs` and their ratings alone.

        One that learns no ratings is the same for all listeners, and is trained once.
        """
        words = shlex.split(options)
        ratings = ratings if learns_ratings_of(words) else {}
        version = fingerprint_of(*words, *(f"{song.audio_id} {ratings.get(song.audio_id)}" for song in songs))
        if version not in self.known:
            self.known[version] = self._hear(version, words, songs, ratings)
        return self.known[version]

    def _hear(
        self, version: str, words: Sequence[str], songs: Sequence[Recording], ratings: Mapping[str, float]
    ) -> Heard:
        encoder = self.folder / f"{version}.pt"
        if not encoder.exists():
            view = self._view(self.folder / f"{version}.crops", songs, ratings)
            run("train-encoder", view, "--out", encoder, "--test-fraction", 0, "--device", self.device, *words)
        named = str(read_header(encoder, "encoder").content["model"])
        places = ["--crops", self.crops.folder, "--store", self.store, "--version", version, "--device", self.device]
        run("embed", encoder, *places, "--allow-collapse", "--encoder-class", named)  # goes on where it was interrupted
        with open_store(self.store) as store:
            found, parts = store.vectors(version), store.version(version).parts
        return Heard(
            dict(zip(found.audio_ids, found.matrix, strict=True)),
            dict(zip(found.audio_ids, found.rating_seen.tolist(), strict=True)),
            parts,
        )

    def _view(self, folder: Path, songs: Sequence[Recording], ratings: Mapping[str, float]) -> Path:
        """Write a crops folder of the same audio in which there are only these songs, rated so, and return it."""
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "audio").unlink(missing_ok=True)
        (folder / "audio").symlink_to((self.crops.folder / "audio").resolve())
        rated = [replace(copy, rating=ratings.get(song.audio_id)) for song in songs for copy in song.songs]
        write_songs(folder, rated, self.crops.provenance)
        return folder


def learns_ratings_of(words: Sequence[str]) -> bool:
    """Return whether train-encoder would learn ratings with these options."""
    parser = argparse.ArgumentParser()
    for option, usual in (("--loss", DEFAULT_LOSS), ("--loss-weights", ""), ("--encoder", "")):
        parser.add_argument(option, default=usual)
    asked, _ = parser.parse_known_args(words)
    return Settings(asked.encoder, loss=weights_of_loss(asked.loss, asked.loss_weights)).needs_ratings


def run(*command: object) -> None:
    """Run one of our commands; leave with all that it said if it fails. It finds the encoders of peers.py."""
    words = [str(BIN / str(command[0])), *map(str, command[1:])]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parent)}
    done = subprocess.run(words, capture_output=True, text=True, env=environment)
    if done.returncode:
        sys.exit(f"{shlex.join(words)}\nexit {done.returncode}\n{done.stderr}")
