"""The examples do what their readers are told, run in this process, as each import of torch costs seconds."""

import runpy
import sys
from pathlib import Path

import pytest
from ml_skeleton.utils.seed import set_deterministic

pytest.importorskip("ml_skeleton.runner.experiment", reason="needs run_experiment")

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


def test_the_configuration_is_one_and_names_what_the_function_it_was_written_for_takes():
    from ml_skeleton import ExperimentConfig

    config = ExperimentConfig.from_yaml(ROOT / "configs/example.yaml")

    assert config.hyperparameters.keys() == {"lr", "hidden", "epochs"}
    assert config.tuning.search_space.parameters.keys() == {"lr", "hidden"}
