"""What is chosen when a run begins: precision, batch size, where figures go."""

import sys
from types import SimpleNamespace

import pytest
import torch
from ml_skeleton.errors import UsageError
from ml_skeleton.tracking.errors import TrackingError
from ml_skeleton_train_encoder import batch_size, precision, stores
from ml_skeleton_train_encoder.batch_size import find_batch_size
from ml_skeleton_train_encoder.learner import Learner
from ml_skeleton_train_encoder.precision import bf16_gain, choose_precision
from ml_skeleton_train_encoder.settings import batch_size_of
from ml_skeleton_train_encoder.tracking import tracker

CPU = torch.device("cpu")


@pytest.fixture
def gains(monkeypatch, tmp_path):
    """Return a list of what trials find, in their order; the cache is an empty one."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    gains = []
    monkeypatch.setattr(precision, "bf16_gain", lambda *_: gains.pop(0))
    return gains


def chosen(wanted="auto", length=1, device="cpu"):
    return choose_precision(wanted, SimpleNamespace(encoder="an encoder"), length, torch.device(device))


@pytest.mark.parametrize(("gain", "expected"), [(2.0, "bf16"), (1.05, "fp32"), (0.3, "fp32")])
def test_on_a_cpu_bf16_is_chosen_only_where_it_is_faster(gains, gain, expected):
    gains.append(gain)

    assert chosen() == expected


def test_a_choice_stays_what_it_was_for_the_same_encoder_and_window(gains):
    gains += [2.0, 0.5]

    assert [chosen(), chosen(), chosen(length=2)] == ["bf16", "bf16", "fp32"]


def test_a_damaged_memory_of_choices_is_made_anew(gains):
    gains.append(2.0)
    precision.memory_path().parent.mkdir(parents=True)
    precision.memory_path().write_text("half a")

    assert [chosen(), chosen()] == ["bf16", "bf16"]


def test_a_cache_that_cannot_be_written_is_said_and_stops_nothing(gains, capsys):
    gains.append(2.0)
    precision.memory_path().parent.parent.write_text("a file in the way")

    assert chosen() == "bf16"
    assert "will not be remembered; --precision makes the choice certain" in capsys.readouterr().err


def test_a_wish_for_a_precision_is_granted_and_a_gpu_has_bf16_untried(gains):
    assert [chosen("fp32"), chosen("bf16"), chosen(device="cuda")] == ["fp32", "bf16", "bf16"]


def test_an_encoder_that_bf16_has_no_kernel_for_gains_nothing():
    class NotInBf16(torch.nn.Module):
        def forward(self, audio):
            if torch.is_autocast_enabled("cpu"):
                raise RuntimeError("not implemented for 'BFloat16'")
            return audio

    loss, labels = torch.nn.Identity(), None
    learner = Learner(NotInBf16(), loss, torch.nn.Identity(), labels)

    assert bf16_gain(learner, 100, CPU) == 0.0


@pytest.mark.parametrize(("windows", "size"), [(20, 8), (200, 16), (100_000, 32)])
def test_on_a_cpu_an_automatic_batch_is_small_and_leaves_steps_to_an_epoch(windows, size):
    assert find_batch_size(None, 1, windows, CPU) == size


@pytest.mark.parametrize(("borne", "size"), [(8, 8), (100, 32), (128, 64), (512, 256), (4096, 256)])
def test_on_a_gpu_an_automatic_batch_is_half_of_the_largest_power_of_two_that_it_bears(monkeypatch, borne, size):
    def step(_learner, windows, _length, _device):
        if windows > borne:
            raise torch.OutOfMemoryError

    monkeypatch.setattr(batch_size, "step_memory", step)

    assert find_batch_size(None, 1, 100_000, torch.device("cuda")) == size


@pytest.mark.parametrize(("text", "size"), [("auto", None), ("64", 64)])
def test_a_batch_size_is_a_number_or_auto(text, size):
    assert batch_size_of(text) == size


@pytest.mark.parametrize("text", ["0", "-3", "many", "1.5"])
def test_a_batch_size_that_is_neither_is_refused(text):
    with pytest.raises(UsageError, match=f"--batch-size {text}: expected a number of windows from 1 on, or auto"):
        batch_size_of(text)


@pytest.mark.parametrize(
    ("device", "budget", "free", "place"),
    [
        ("cuda", 30 << 30, 0, "device"),  # 24 GB of crops, and what a step takes is off the budget already
        ("cuda", 24 << 30, 64 << 30, "host"),
        ("cuda", 24 << 30, 8 << 30, "disk"),
        ("cpu", 0, 64 << 30, "host"),
        ("cpu", 0, 25 << 30, "disk"),
    ],
)
def test_crops_are_in_the_fastest_memory_that_has_room(monkeypatch, device, budget, free, place):
    monkeypatch.setattr(stores, "free_host_memory", lambda: free)

    assert stores.fastest_place(24 << 30, torch.device(device), budget) == place


@pytest.fixture
def server(monkeypatch):
    """Return the calls that a tracking server got; it fails at what `fails` names."""
    server = SimpleNamespace(calls=[], fails="")

    class Runs:
        def __init__(self, uri, experiment):
            self.call("open")

        def call(self, name, *arguments):
            if server.fails == name:
                raise TrackingError("no route to host")
            server.calls.append((name, *arguments))

        def begin(self, name, tags, params):
            self.call("begin", name)
            return "run"

        def log(self, run, figures):
            self.call("log", [(figure.name, figure.value, figure.step) for figure in figures])

        def end(self, run, status):
            self.call("end", status)

    figure = lambda name, value, step, time_ms: SimpleNamespace(name=name, value=value, step=step)  # noqa: E731
    fake = SimpleNamespace(MlflowRuns=Runs, Figure=figure)
    monkeypatch.setitem(sys.modules, "ml_skeleton.tracking.mlflow_runs", fake)
    return server


def test_without_a_tracking_uri_no_server_is_told(server):
    run = tracker(None, "encoder.pt", {})
    run.step(1, {"val_loss": 0.5})
    run.end(done=True)

    assert server.calls == []


def test_a_tracking_server_gets_the_figures_that_are_defined(server):
    run = tracker("http://server", "encoder.pt", {})
    run.step(1, {"val_loss": 0.5, "val_spearman": None})
    run.end(done=True)

    assert server.calls == [("open",), ("begin", "encoder.pt"), ("log", [("val_loss", 0.5, 1)]), ("end", "FINISHED")]


@pytest.mark.parametrize("what", ["open", "begin", "log"])
def test_a_failing_tracking_server_is_said_once_and_left_alone(server, capsys, what):
    server.fails = what
    run = tracker("http://server", "encoder.pt", {})
    run.step(1, {"val_loss": 0.5})
    run.step(2, {"val_loss": 0.4})
    run.end(done=False)

    said = capsys.readouterr().err
    assert said.count("tracking failed: no route to host; the training goes on without it") == 1
    assert "end" not in {call[0] for call in server.calls}
