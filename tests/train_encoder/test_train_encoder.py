"""train-encoder: it learns, it resumes exactly, it does no work twice."""

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
from ml_skeleton.artifacts.metrics import MetricsLog, read_metrics
from ml_skeleton.errors import InputError
from ml_skeleton.interrupts import StopRequest
from ml_skeleton.music.objectives import PRESETS
from ml_skeleton_train_encoder.batches import training_batches
from ml_skeleton_train_encoder.settings import Settings
from ml_skeleton_train_encoder.songs import TEST, TRAIN, VAL, is_current, songs_to_learn_from
from ml_skeleton_train_encoder.train import Run, train_encoder

SMALL = Settings("simple", {"embedding_dim": 16, "width": 4}, epochs=3, window_s=1.0, windows_per_crop=2, batch_size=8)
CPU = torch.device("cpu")


def train(folder, out, settings=SMALL, fresh=False):
    return train_encoder(songs_to_learn_from(Crops(folder), settings), out, settings, CPU, None, fresh)


def weights_of(path):
    return load_tensors(read_header(path, "encoder"))["weights"]


def same(first, second):
    return all(first[name].equal(second[name]) for name in first)


def test_the_loss_falls_on_songs_whose_rating_is_their_pitch(audible_library, tmp_path):
    settings = Settings("spectrogram", {"width": 8}, epochs=6, window_s=1.0, windows_per_crop=4, batch_size=8, lr=3e-3)

    history = train(audible_library, tmp_path / "encoder.pt", settings).content["history"]

    assert history[-1]["train_rating_loss"] < 0.5 * history[0]["train_rating_loss"]


def test_the_same_seed_gives_the_same_weights_and_another_seed_others(audible_library, tmp_path):
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        train(audible_library, tmp_path / f"{name}.pt", Settings(**{**SMALL.as_dict(), "seed": seed}))
    a, b, c = (weights_of(tmp_path / f"{name}.pt") for name in "abc")

    assert (same(a, b), same(a, c)) == (True, False)


def test_a_run_interrupted_after_an_epoch_ends_with_the_weights_of_an_uninterrupted_one(audible_library, tmp_path):
    train(audible_library, tmp_path / "whole.pt")
    songs = songs_to_learn_from(Crops(audible_library), SMALL)
    stop = StopRequest()

    class StopAfterFirst(MetricsLog):
        def step(self, step, values):
            stop.exit_code = 143

    from ml_skeleton_train_encoder.state import resume_or_start

    torch.manual_seed(SMALL.seed)
    run = Run(songs, SMALL, CPU, StopAfterFirst(None))
    run.train(resume_or_start(tmp_path / "broken.pt", songs.purpose, run.parts(), False), stop)
    assert not (tmp_path / "broken.pt").exists()
    train(audible_library, tmp_path / "broken.pt")

    assert same(weights_of(tmp_path / "whole.pt"), weights_of(tmp_path / "broken.pt"))
    assert not list(tmp_path.glob("*.state"))


def test_sigterm_keeps_the_finished_epochs_and_exits_143(audible_library, tmp_path):
    command = [Path(sys.executable).parent / "train-encoder", audible_library, "--out", "encoder.pt", "--epochs", "500"]
    command += ["--encoder", "simple", "--window", "1"]
    state = tmp_path / ".encoder.pt.state"
    with subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as run:
        deadline = time.monotonic() + 120
        while not state.exists() and run.poll() is None and time.monotonic() < deadline:
            time.sleep(0.05)
        os.kill(run.pid, signal.SIGTERM)
        stdout, stderr = run.communicate(timeout=120)

    assert (run.returncode, stdout) == (143, ""), stderr
    assert state.exists() and not (tmp_path / "encoder.pt").exists()


def test_a_damaged_state_is_said_and_not_used(audible_library, tmp_path, capsys):
    (tmp_path / ".encoder.pt.state").write_bytes(b"half a state")

    train(audible_library, tmp_path / "encoder.pt")

    assert "is damaged; starting anew" in capsys.readouterr().err


def test_nothing_new_is_known_from_songs_ratings_and_settings(audible_library, tmp_path):
    train(audible_library, tmp_path / "encoder.pt")
    other = Settings(**{**SMALL.as_dict(), "lr": 0.5})
    crops = Crops(audible_library)

    answers = [is_current(songs_to_learn_from(crops, s), tmp_path / "encoder.pt") for s in (SMALL, other)]

    assert answers == [True, False]


def test_the_checkpoint_names_the_songs_whose_ratings_it_has_seen(audible_library, tmp_path):
    header = train(audible_library, tmp_path / "encoder.pt")
    songs = songs_to_learn_from(Crops(audible_library), SMALL)

    sides = {side: {recording.audio_id for recording in songs.rated(side)} for side in (TRAIN, VAL, TEST)}
    assert all(sides.values())
    assert set(header.content["ratings_seen"]) == sides[TRAIN]  # the few of VAL choose nothing


def test_validation_songs_that_choose_the_epoch_count_as_seen(audible_library, tmp_path, monkeypatch):
    monkeypatch.setattr("ml_skeleton_train_encoder.train.FEWEST_TO_CHOOSE", 1)
    monkeypatch.setattr("ml_skeleton_train_encoder.train.FEWEST_TO_VALIDATE", 1)

    header = train(audible_library, tmp_path / "encoder.pt")

    songs = songs_to_learn_from(Crops(audible_library), SMALL)
    used = {recording.audio_id for side in (TRAIN, VAL) for recording in songs.rated(side)}
    best = min(header.content["history"], key=lambda epoch: epoch["val_loss"])
    assert set(header.content["ratings_seen"]) == used
    assert header.content["metrics"]["val_loss"] == best["val_loss"]


def test_an_epoch_holds_every_training_crop_as_often_as_asked(audible_library):
    import numpy as np

    songs = songs_to_learn_from(Crops(audible_library), SMALL)
    batches = list(training_batches(songs, 16000, 8, 2, np.random.default_rng(0)))

    count = sum(len(audio) for audio, _ in batches)
    assert (count, {audio.shape[1] for audio, _ in batches}) == (2 * len(songs.sides[TRAIN]), {16000})


def test_the_rating_loss_alone_trains_on_rated_songs_only(audible_library):
    crops = Crops(audible_library)
    sizes = [
        len(songs_to_learn_from(crops, Settings("simple", loss=loss)).sides[TRAIN])
        for loss in (PRESETS["multitask"], PRESETS["rating"])
    ]

    assert sizes[1] == len(songs_to_learn_from(crops, SMALL).rated(TRAIN)) < sizes[0]


def test_a_song_that_is_speech_teaches_nothing(make_crops, make_song):
    folder = make_crops([make_song(number, speech=0.9 if number == 3 else None) for number in range(1, 7)])

    songs = songs_to_learn_from(Crops(folder), SMALL)

    assert f"{3:032x}" not in {recording.audio_id for side in songs.sides.values() for recording in side}


def test_a_library_without_a_rating_is_refused(make_crops, make_song):
    folder = make_crops([make_song(number, rating=None) for number in range(3)])

    with pytest.raises(InputError, match="no rated song to learn from; rate some in the player"):
        songs_to_learn_from(Crops(folder), SMALL)


def test_with_too_few_songs_to_validate_the_last_epoch_is_kept(make_crops, make_song, tmp_path):
    folder = make_crops([make_song(number) for number in range(4)])

    metrics = train(folder, tmp_path / "encoder.pt").content["metrics"]

    assert (metrics["val_loss"], metrics["best_epoch"]) == (None, SMALL.epochs)


def test_the_command_writes_metrics_and_prints_the_path_alone(audible_library, run_tool, tmp_path):
    arguments = ["--encoder", "simple", "--epochs", 2, "--window", 1, "--metrics", "m.jsonl", "--out", "o/encoder.pt"]

    done = run_tool("train-encoder", audible_library, *arguments)

    points, result = read_metrics(tmp_path / "m.jsonl")
    assert (done.returncode, done.stdout) == (0, "o/encoder.pt\n")
    assert ([point["step"] for point in points], result["epochs"]) == ([1, 2], 2)


def test_an_encoder_class_of_the_user_trains_and_embeds_only_when_named(audible_library, run_tool, tmp_path):
    (tmp_path / "mine.py").write_text(
        "from ml_skeleton.music.encoders import SimpleAudioEncoder\n"
        "class Mine(SimpleAudioEncoder):\n"
        "    def __init__(self, sample_rate, width=4):\n"
        "        super().__init__(sample_rate, 8, width)\n"
    )
    env = {"PYTHONPATH": str(tmp_path)}
    arguments = ["--encoder", "mine:Mine", "--encoder-args", '{"width": 5}', "--epochs", 1, "--out", "encoder.pt"]

    trained = run_tool("train-encoder", audible_library, *arguments, env=env)
    refused = run_tool("embed", "encoder.pt", env=env)
    embedded = run_tool("embed", "encoder.pt", "--encoder-class", "mine:Mine", env=env)

    assert [done.returncode for done in (trained, refused, embedded)] == [0, 1, 0]
    assert "--encoder-class mine:Mine" in refused.stderr
