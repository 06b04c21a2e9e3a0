"""The examples do what their readers are told, run in this process, as each import of torch costs seconds."""

import runpy
import sys
from pathlib import Path

import pytest
from ml_skeleton import run_experiment
from ml_skeleton.runner.loading import load_config
from ml_skeleton.utils.seed import set_deterministic

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def example(tmp_path, monkeypatch, capsys):
    """Run an example in an empty folder, untracked, and return what it printed; torch is as before afterwards."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "off")

    def run(name: str, *arguments: str) -> str:
        monkeypatch.setattr(sys, "argv", [name, *arguments])
        runpy.run_path(str(ROOT / "examples" / name), run_name="__main__")
        return capsys.readouterr().out

    yield run
    set_deterministic(False)


def test_two_moons_runs_and_then_tunes(example):
    lines = example("two_moons.py", "2").splitlines()

    assert lines[0].startswith("one run: val_loss 0.")
    assert lines[1].startswith("2 trials: val_loss 0.")


def test_the_pytorch_example_reads_most_digits_and_keeps_the_best_weights(example, tmp_path):
    words = example("pytorch_example.py").split()

    assert float(words[1].rstrip(";")) > 0.5
    assert (tmp_path / words[-1]).is_file()


def test_the_configuration_runs_the_function_it_was_written_for(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    config = load_config(ROOT / "configs/example.yaml", ["mlflow.tracking_uri=off", "hyperparameters.epochs=3"])

    result = run_experiment(runpy.run_path(str(ROOT / "examples/two_moons.py"))["train_model"], config)

    assert result.epochs_completed == 3
    assert config.tuning.search_space.parameters.keys() < config.hyperparameters.keys()
