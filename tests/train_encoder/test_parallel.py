"""Two processes learn what one would from the same batches."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from ml_skeleton.artifacts.checkpoints import read_header
from ml_skeleton.artifacts.crops import Crops
from ml_skeleton.music.objectives import PRESETS
from ml_skeleton_train_encoder.settings import Settings
from ml_skeleton_train_encoder.songs import songs_to_learn_from
from ml_skeleton_train_encoder.train import train_encoder

ENCODER = """
import torch
from torch import nn

class Mine(nn.Module):  # no statistics of a batch, and no chance, that N processes would have each for themselves
    def __init__(self, sample_rate):
        super().__init__()
        self.layers = nn.Sequential(nn.Conv1d(1, 8, 64, 32), nn.GELU(), nn.Conv1d(8, 16, 8, 4), nn.GELU())

    def forward(self, audio):
        return self.layers(audio[:, None]).mean(2)

    def get_embedding_dim(self):
        return 16
"""
SETTINGS = Settings(
    "mine:Mine", loss=PRESETS["supcon"], augment={}, epochs=3, window_s=1.0, batch_size=24, lr=0.003, precision="fp32"
)
OPTIONS = ["--encoder", "mine:Mine", "--epochs", "3", "--window", "1", "--augment", "none", "--batch-size", "24"]
OPTIONS += ["--loss", "supcon", "--precision", "fp32", "--lr", "0.003"]


def start(rank, port, folder, cwd):
    """Return process number `rank` of two, with what torchrun tells its processes."""
    command = [Path(sys.executable).parent / "train-encoder", folder, "--out", "two.pt", *OPTIONS]
    torchrun = {"RANK": rank, "LOCAL_RANK": rank, "WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port}
    environment = {**os.environ, "PYTHONPATH": str(cwd), **torchrun}
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    return subprocess.Popen(command, cwd=cwd, env=environment, **pipes)


def test_two_processes_have_the_loss_curve_of_one(audible_library, tmp_path, monkeypatch):
    (tmp_path / "mine.py").write_text(ENCODER)
    monkeypatch.syspath_prepend(tmp_path)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    runs = [start(rank, port, audible_library, tmp_path) for rank in "01"]
    songs = songs_to_learn_from(Crops(audible_library), SETTINGS)
    one = train_encoder(songs, tmp_path / "one.pt", SETTINGS, torch.device("cpu")).content["history"]
    said = [run.communicate(timeout=400) for run in runs]

    assert [run.returncode for run in runs] == [0, 0], said
    assert [stdout for stdout, _ in said] == ["two.pt\n", ""]
    assert "train-encoder: " in said[0][1] and "train-encoder: " not in said[1][1]
    two = read_header(tmp_path / "two.pt", "encoder").content["history"]
    for name in ("train_same_album_loss", "train_same_artist_loss", "train_rating_loss", "val_album_map"):
        assert [epoch[name] for epoch in two] == pytest.approx([epoch[name] for epoch in one], rel=1e-4)
