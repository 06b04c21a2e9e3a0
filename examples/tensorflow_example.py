"""Two half moons with TensorFlow: GPU memory, seed, and the callbacks that log and keep the best model.

pip install tensorflow
python examples/tensorflow_example.py
"""

import os
from pathlib import Path

import numpy as np
import tensorflow as tf
from ml_skeleton import ExperimentConfig, MLflowConfig, TrainingContext, TrainingResult, run_experiment
from ml_skeleton.frameworks.tensorflow import TensorFlowHelper


def moons(count: int, seed: int | None) -> tuple[np.ndarray, np.ndarray]:
    """Return points (N, 2) on two half circles that reach into each other, and on which one (N,)."""
    random = np.random.default_rng(seed)
    angle, moon = random.uniform(0, np.pi, count), random.integers(0, 2, count)
    x = np.where(moon, 1 - np.cos(angle), np.cos(angle))
    y = np.where(moon, 0.5 - np.sin(angle), np.sin(angle))
    return np.stack([x, y], 1) + random.normal(0, 0.15, (count, 2)), moon


def train_model(ctx: TrainingContext) -> TrainingResult:
    """Train, keep the model of the best epoch, and return what it reached."""
    TensorFlowHelper.setup_gpu()
    TensorFlowHelper.setup_seed(ctx.seed)
    points, labels = moons(1000, ctx.seed)
    hidden = tf.keras.layers.Dense(ctx.hyperparameters["hidden"], activation="relu")
    model = tf.keras.Sequential([tf.keras.Input((2,)), hidden, tf.keras.layers.Dense(1, activation="sigmoid")])
    model.compile(tf.keras.optimizers.Adam(ctx.hyperparameters["lr"]), "binary_crossentropy", metrics=["accuracy"])

    best_path = Path(ctx.checkpoint_dir) / "moons.keras"
    callbacks = [
        TensorFlowHelper.create_mlflow_callback(
            ctx.tracker, monitor="val_loss", trial=getattr(ctx, "_optuna_trial", None)
        ),
        TensorFlowHelper.create_checkpoint_callback(best_path),
    ]
    epochs = ctx.hyperparameters["epochs"]
    history = model.fit(points, labels, validation_split=0.25, epochs=epochs, verbose=0, callbacks=callbacks).history
    best = int(np.argmin(history["val_loss"]))
    return TrainingResult(
        history["val_loss"][best],
        metrics={name: values[best] for name, values in history.items()},
        best_model_path=str(best_path),
        epochs_completed=len(history["val_loss"]),
    )


def main() -> None:
    """Run once and print the result."""
    config = ExperimentConfig(
        name="moons",
        framework="tensorflow",
        hyperparameters={"hidden": 32, "lr": 0.01, "epochs": 15},
        mlflow=MLflowConfig(
            tracking_uri=os.environ.get("MLFLOW_TRACKING_URI", "sqlite:///mlflow.db"),
            experiment_name="moons",
        ),
    )
    result = run_experiment(train_model, config)
    print(f"val_accuracy {result.metrics['val_accuracy']:.3f}; the best model: {result.best_model_path}")


if __name__ == "__main__":
    main()
