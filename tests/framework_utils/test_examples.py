"""The examples run as a reader runs them, and the two half of one agree."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("ml_skeleton.runner.experiment", reason="the runner is not there")

ROOT = Path(__file__).resolve().parents[2]
LIMIT_S = 120  # a minute on an idle machine


@pytest.fixture
def example(tmp_path):
    """Run a command of the examples in an empty folder, untracked, and return what it printed."""

    def run(*command: object) -> str:
        environment = {**os.environ, "MLFLOW_TRACKING_URI": "off", "PYTHONPATH": str(ROOT)}
        done = subprocess.run(
            [*map(str, command)], cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=LIMIT_S
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run


def test_two_moons_runs_and_then_tunes(example):
    lines = example(sys.executable, ROOT / "examples/two_moons.py").splitlines()

    assert lines[0].startswith("one run: val_loss 0.")
    assert lines[1].startswith("10 trials: val_loss 0.")


def test_the_pytorch_example_reads_most_digits_and_keeps_the_best_weights(example, tmp_path):
    words = example(sys.executable, ROOT / "examples/pytorch_example.py").split()

    assert float(words[1].rstrip(";")) > 0.5
    assert (tmp_path / words[-1]).is_file()


def test_the_configuration_runs_the_training_function_it_was_written_for(example):
    command = [Path(sys.executable).with_name("ml_skeleton"), "run", ROOT / "configs/example.yaml"]

    out = example(*command, "--train-fn", "examples.two_moons:train_model", "-o", "mlflow.tracking_uri=off")

    assert "val_loss" in out
