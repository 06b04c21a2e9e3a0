"""The loops and helpers for PyTorch."""

import pytest
import torch
from ml_skeleton.frameworks.pytorch import PyTorchHelper, train_epoch, validate
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

INPUTS = torch.linspace(-1, 1, 10)[:, None]  # (B, 1)
BATCHES = DataLoader(TensorDataset(INPUTS, 2 * INPUTS), batch_size=4)  # the last one is shorter


def line(weight: float = 0.0) -> nn.Module:
    model = nn.Linear(1, 1)
    nn.init.constant_(model.weight, weight)
    nn.init.zeros_(model.bias)
    return model


def test_an_epoch_lowers_the_loss_and_returns_its_mean():
    model = line()
    optimizer = torch.optim.SGD(model.parameters(), 0.1)

    losses = [train_epoch(model, BATCHES, optimizer, nn.functional.mse_loss)["train_loss"] for _ in range(3)]

    assert losses == sorted(losses, reverse=True) and losses[2] < losses[0]


def test_validation_is_the_mean_over_the_examples_whatever_the_batches():
    def far(outputs, targets):
        return ((outputs - targets).abs() > 1).float().mean()

    found = validate(line(), BATCHES, nn.functional.mse_loss, metrics={"far": far})

    assert found == pytest.approx({"val_loss": float((4 * INPUTS**2).mean()), "val_far": 0.6})


def test_validation_leaves_the_model_as_it_is():
    model = nn.Sequential(nn.BatchNorm1d(1), line(1.0))
    before = {name: value.clone() for name, value in model.state_dict().items()}

    validate(model, BATCHES, nn.functional.mse_loss)

    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())


def test_gradients_are_clipped_to_the_norm_that_is_given():
    model = line()

    train_epoch(model, BATCHES, torch.optim.SGD(model.parameters(), 1.0), nn.functional.mse_loss, max_grad_norm=1e-3)

    assert abs(model.weight.item()) <= 3e-3  # three steps


def test_a_loader_without_a_batch_is_refused():
    with pytest.raises(ValueError, match="at least one example"):
        validate(line(), [], nn.functional.mse_loss)


def test_the_callback_logs_an_epoch_as_its_step():
    logged = []

    class Notebook:
        def log_metrics(self, metrics, step=None):
            logged.append((metrics, step))

    PyTorchHelper.create_mlflow_callback(Notebook(), prefix="fine/")(3, {"val_loss": torch.tensor(0.5)})

    assert logged == [({"fine/val_loss": 0.5}, 3)]


def test_a_context_s_default_device_falls_back_to_the_cpu_and_says_so(monkeypatch, capsys):
    monkeypatch.setattr("torch.cuda.device_count", lambda: 0)

    device = PyTorchHelper().setup_device("cuda")

    assert device == torch.device("cpu")
    assert "the CPU is used" in capsys.readouterr().err


def test_no_seed_seeds_nothing():
    state = torch.get_rng_state()

    assert PyTorchHelper.setup_seed(None) == {}
    assert torch.equal(torch.get_rng_state(), state)


def test_what_it_runs_on_is_told(no_driver):
    found = PyTorchHelper.get_device_info()

    assert (found["torch"], found["device_count"]) == (torch.__version__, len(found["memory"]))
