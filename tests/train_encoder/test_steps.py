"""A step of the training, and what an epoch says of its steps."""

import math

import pytest
import torch
from ml_skeleton.artifacts.crops import Crops
from ml_skeleton.music.objectives import AUGMENTATIONS, PRESETS
from ml_skeleton_train_encoder.batches import fetched
from ml_skeleton_train_encoder.learner import MAX_GRADIENT, Stepper
from ml_skeleton_train_encoder.parallel import ALONE
from ml_skeleton_train_encoder.run import Network, Run
from ml_skeleton_train_encoder.settings import Manner, Settings
from ml_skeleton_train_encoder.songs import TRAIN, songs_to_learn_from
from ml_skeleton_train_encoder.state import TrainingState
from ml_skeleton_train_encoder.train import train_encoder
from torch.utils._python_dispatch import TorchDispatchMode

SMALL = Settings("simple", {"embedding_dim": 16, "width": 4}, epochs=2, window_s=1.0, batch_size=8)
CPU = torch.device("cpu")
ALL = dict.fromkeys(AUGMENTATIONS, 1.0)


def test_an_epoch_tells_its_losses_its_rate_its_speed_and_how_good_it_was(audible_library, tmp_path):
    songs = songs_to_learn_from(Crops(audible_library), SMALL)

    first, last = train_encoder(songs, tmp_path / "encoder.pt", SMALL, CPU).content["history"]

    losses = {f"train_{part}_loss" for part in ("rating", *PRESETS["library"])}
    speed = {"lr", "songs_per_s", "windows_per_s", "device_busy", "memory_gb"}
    assert set(last) == losses | speed | {"val_loss", "val_spearman", "val_album_map", "val_score"}
    steps = math.ceil(len(songs.sides[TRAIN]) / 4)  # of an epoch: four songs in each, heard twice
    done = (steps - 1) / (2 * steps)
    assert first["lr"] == pytest.approx(SMALL.lr * 0.5 * (1 + math.cos(math.pi * done)))


def test_a_steep_loss_moves_the_weights_by_a_gradient_of_bounded_length(audible_library, tmp_path):
    settings = Settings(**{**SMALL.as_dict(), "loss": {"windows": 1e6}})
    songs = songs_to_learn_from(Crops(audible_library), settings)
    network, state = Network(songs, settings, CPU, ALONE), TrainingState(tmp_path / "state", songs.purpose)
    run = Run(songs, settings, Manner(), state, network, CPU, ALONE)
    step = run.epochs.plan(0)[0]
    (batch,) = fetched(run.store, [step.windows], CPU)

    run.stepper.step(batch, torch.from_numpy(step.songs), step.shares, rate=0.0)

    length = torch.cat([weights.grad.flatten() for weights in run.stepper.others if weights.grad is not None]).norm()
    assert length.item() == pytest.approx(MAX_GRADIENT, rel=1e-3)


class Sizes(TorchDispatchMode):
    """Notes the largest tensor of each type that is made."""

    def __init__(self):
        super().__init__()
        self.largest = {}

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        made = function(*args, **(kwargs or {}))
        if isinstance(made, torch.Tensor):
            self.largest[made.dtype] = max(made.numel(), self.largest.get(made.dtype, 0))
        return made


def test_no_window_is_ever_in_float64(audible_library, tmp_path):
    settings = Settings(**{**SMALL.as_dict(), "encoder": "simple+statistics", "epochs": 1, "augment": ALL})
    songs = songs_to_learn_from(Crops(audible_library), settings)

    with Sizes() as sizes:
        train_encoder(songs, tmp_path / "encoder.pt", settings, CPU)

    window = round(settings.window_s * songs.crops.sample_rate)
    assert sizes.largest[torch.float64] < window < sizes.largest[torch.float32]


def test_a_deterministic_run_computes_so_and_leaves_torch_as_it_was(audible_library, tmp_path, monkeypatch):
    step, asked = Stepper.step, []

    def noted(*arguments):
        asked.append(torch.are_deterministic_algorithms_enabled())
        return step(*arguments)

    monkeypatch.setattr(Stepper, "step", noted)
    songs = songs_to_learn_from(Crops(audible_library), SMALL)

    train_encoder(songs, tmp_path / "encoder.pt", SMALL, CPU, Manner(deterministic=True))

    assert (set(asked), torch.are_deterministic_algorithms_enabled()) == ({True}, False)
