"""An interrupted training, however it ended, comes to the weights of an uninterrupted one, bit for bit."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from ml_skeleton.artifacts.checkpoints import load_tensors, read_header
from ml_skeleton.artifacts.crops import Crops
from ml_skeleton.console import Terminated
from ml_skeleton_train_encoder.learner import Stepper
from ml_skeleton_train_encoder.options import augmentations
from ml_skeleton_train_encoder.settings import Manner, Settings
from ml_skeleton_train_encoder.songs import songs_to_learn_from
from ml_skeleton_train_encoder.train import train_encoder

SMALL = Settings("simple", {"embedding_dim": 16, "width": 4}, epochs=2, window_s=1.0, batch_size=8)
OPTIONS = ["--encoder", "simple", "--encoder-args", '{"embedding_dim": 16, "width": 4}', "--window", "1"]
OPTIONS += ["--batch-size", "8", "--precision", "fp32", "--save-every", "0"]


def train(folder, out, settings=SMALL, **manner):
    songs = songs_to_learn_from(Crops(folder), settings)
    return train_encoder(songs, out, settings, torch.device("cpu"), Manner(**manner))


def weights_of(path):
    return load_tensors(read_header(path, "encoder"))["weights"]


def same(first, second):
    first, second = weights_of(first), weights_of(second)
    return all(first[name].equal(second[name]) for name in first)


def learned(path):
    """Return the history without what the clock and the memory say."""
    history = read_header(path, "encoder").content["history"]
    return [
        {name: value for name, value in epoch.items() if name.startswith(("train", "val", "lr"))} for epoch in history
    ]


@pytest.fixture(scope="module")
def whole(audible_crops, tmp_path_factory):
    """Return the checkpoint of a training that nothing interrupted."""
    path = tmp_path_factory.mktemp("uninterrupted") / "whole.pt"
    train(audible_crops, path)
    return path


@pytest.fixture
def breaks_at(monkeypatch):
    """Return a function that makes a training do something, such as break, when its n-th step is done."""

    def install(number, action):
        step, done = Stepper.step, []

        def counted(*arguments):
            parts = step(*arguments)
            done.append(1)
            if len(done) == number:
                action()
            return parts

        monkeypatch.setattr(Stepper, "step", counted)

    return install


class PowerCut(BaseException):
    """Nothing is tidied up after it."""


def cut_power():
    raise PowerCut


@pytest.mark.parametrize("step", [1, 6, 9])
def test_sigterm_at_any_step_changes_neither_weights_nor_history(audible_library, tmp_path, whole, breaks_at, step):
    breaks_at(step, lambda: os.kill(os.getpid(), signal.SIGTERM))
    with pytest.raises(Terminated):
        train(audible_library, tmp_path / "broken.pt")
    assert not (tmp_path / "broken.pt").exists()
    train(audible_library, tmp_path / "broken.pt")

    assert same(whole, tmp_path / "broken.pt")
    assert learned(whole) == learned(tmp_path / "broken.pt")
    assert not list(tmp_path.glob(".*.state*"))


def test_a_run_goes_on_from_the_state_before_when_the_newest_is_damaged(
    audible_library, tmp_path, whole, breaks_at, capsys
):
    breaks_at(4, cut_power)
    with pytest.raises(PowerCut):
        train(audible_library, tmp_path / "broken.pt", save_every_s=0.0)

    (tmp_path / ".broken.pt.state").write_bytes(b"half a state")
    train(audible_library, tmp_path / "broken.pt")

    said = capsys.readouterr().err
    assert "is damaged; going on from the one before it" in said and "going on after epoch 0, step 2" in said
    assert same(whole, tmp_path / "broken.pt")


def test_a_state_of_other_settings_is_not_gone_on_with(audible_library, tmp_path, breaks_at, capsys):
    breaks_at(4, cut_power)
    with pytest.raises(PowerCut):
        train(audible_library, tmp_path / "encoder.pt", save_every_s=0.0)

    train(audible_library, tmp_path / "encoder.pt", Settings(**{**SMALL.as_dict(), "lr": 0.001}))

    assert "going on" not in capsys.readouterr().err


def test_what_was_chosen_when_a_run_began_stays_chosen(audible_library, tmp_path, breaks_at, monkeypatch):
    settings = Settings(**{**SMALL.as_dict(), "precision": "auto", "batch_size": None})
    breaks_at(2, cut_power)
    with pytest.raises(PowerCut):
        train(audible_library, tmp_path / "encoder.pt", settings, save_every_s=0.0)

    for chooser in ("choose_precision", "find_batch_size"):
        monkeypatch.setattr(f"ml_skeleton_train_encoder.run.{chooser}", lambda *_: pytest.fail("chose again"))
    content = train(audible_library, tmp_path / "encoder.pt", settings).content

    assert (content["precision"], content["batch_size"]) == ("fp32", 8)


def started(folder, tmp_path):
    """Return a training in a process of its own that has written a state."""
    command = [Path(sys.executable).parent / "train-encoder", folder, "--out", "encoder.pt", "--epochs", "12", *OPTIONS]
    run = subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 240
    while not (tmp_path / ".encoder.pt.state.before").exists() and run.poll() is None and time.monotonic() < deadline:
        time.sleep(0.02)
    return run


def test_a_command_killed_by_force_leaves_what_the_same_training_goes_on_from(audible_library, tmp_path, capsys):
    settings = Settings(**{**SMALL.as_dict(), "epochs": 12, "augment": augmentations("")})
    with started(audible_library, tmp_path) as run:
        run.kill()
        stdout, stderr = run.communicate(timeout=240)
    assert (run.returncode, stdout) == (-signal.SIGKILL, ""), stderr
    assert not (tmp_path / "encoder.pt").exists()

    train(audible_library, tmp_path / "encoder.pt", settings)
    assert "going on after epoch" in capsys.readouterr().err
    train(audible_library, tmp_path / "whole.pt", settings)

    assert same(tmp_path / "whole.pt", tmp_path / "encoder.pt")
