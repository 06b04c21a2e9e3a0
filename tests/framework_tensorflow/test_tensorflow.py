"""The TensorFlow half with the real library: `just test-tensorflow` has it, elsewhere these are skipped."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

tf = pytest.importorskip("tensorflow", reason="needs TensorFlow: just test-tensorflow")

from ml_skeleton.frameworks.tensorflow import TensorFlowHelper  # noqa: E402 - imports tensorflow
from ml_skeleton.utils.seed import set_seed  # noqa: E402

ROOT = Path(__file__).resolve().parents[2]
INPUTS = np.linspace(-1, 1, 32, dtype=np.float32)[:, None]


class Notebook:
    """Notes what it is told, and ends the training at epoch `last`."""

    def __init__(self, last: int = 99) -> None:
        self.last, self.metrics, self.reported = last, {}, []

    def log_metrics(self, metrics, step=None):
        self.metrics[step] = sorted(metrics)

    def report_intermediate(self, metric, step, trial=None):
        self.reported.append((step, trial))
        return step < self.last


def line() -> "tf.keras.Model":
    model = tf.keras.Sequential([tf.keras.Input((1,)), tf.keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    return model


def fit(model, callback, epochs: int = 3) -> "tf.keras.callbacks.History":
    return model.fit(INPUTS, 2 * INPUTS, validation_split=0.25, epochs=epochs, verbose=0, callbacks=[callback])


def test_the_metrics_of_each_epoch_are_logged():
    notebook = Notebook()

    fit(line(), TensorFlowHelper.create_mlflow_callback(notebook))

    assert notebook.metrics == {epoch: ["loss", "val_loss"] for epoch in range(3)}


def test_a_pruned_trial_trains_no_further_epoch():
    notebook = Notebook(last=1)

    fit(line(), TensorFlowHelper.create_mlflow_callback(notebook, monitor="val_loss", trial="trial"), epochs=5)

    assert notebook.reported == [(0, "trial"), (1, "trial")]


def test_both_callbacks_are_keras_callbacks(tmp_path):
    checkpoint = TensorFlowHelper.create_checkpoint_callback(tmp_path / "best.keras")

    assert isinstance(checkpoint, tf.keras.callbacks.Callback)
    assert isinstance(TensorFlowHelper.create_mlflow_callback(Notebook()), tf.keras.callbacks.Callback)


def test_the_best_model_is_kept_and_can_be_loaded(tmp_path):
    path, model = tmp_path / "models/best.keras", line()

    losses = fit(model, TensorFlowHelper.create_checkpoint_callback(path)).history["val_loss"]

    kept = tf.keras.models.load_model(path).evaluate(INPUTS[-8:], 2 * INPUTS[-8:], verbose=0)
    assert np.isclose(kept, min(losses))


def test_the_same_seed_gives_the_same_weights():
    def weights() -> np.ndarray:
        TensorFlowHelper.setup_seed(7)
        return line().get_weights()[0]

    assert np.array_equal(weights(), weights())


def test_a_tensorflow_that_is_imported_is_seeded_unasked():
    set_seed(3)
    first = tf.random.uniform((2,)).numpy()
    set_seed(3)

    assert np.array_equal(first, tf.random.uniform((2,)).numpy())


def test_without_a_gpu_there_is_nothing_to_limit():
    assert TensorFlowHelper.setup_gpu() == len(tf.config.list_physical_devices("GPU"))


def test_what_it_runs_on_is_told():
    found = TensorFlowHelper.get_device_info()

    assert (found["tensorflow"], found["device_count"]) == (tf.__version__, len(found["devices"]))


def test_the_example_runs(tmp_path):
    pytest.importorskip("ml_skeleton.runner.experiment", reason="needs run_experiment")
    example = [sys.executable, str(ROOT / "examples/tensorflow_example.py")]
    done = subprocess.run(
        example,
        cwd=tmp_path,
        env={**os.environ, "MLFLOW_TRACKING_URI": "off"},
        capture_output=True,
        text=True,
        timeout=300,
    )

    assert done.returncode == 0, done.stderr
    assert "val_accuracy" in done.stdout
