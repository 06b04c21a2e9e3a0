"""Two half moons, told apart by a small network: one run, then a search for better settings.

    python examples/two_moons.py 20     # trials; 10 if left out
    just mlflow-ui                  # the runs, in the browser

`train_model` is all a training function has to be; configs/example.yaml runs the same one from the command line.
"""

import os
import sys

from ml_skeleton import (
    ExperimentConfig,
    MLflowConfig,
    TrainingContext,
    TrainingResult,
    TunerType,
    TuningConfig,
    run_experiment,
)
from ml_skeleton.core.config import SearchSpaceConfig
from ml_skeleton.tuning import SearchSpaceBuilder
from sklearn.datasets import make_moons
from sklearn.metrics import log_loss
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier


def train_model(ctx: TrainingContext) -> TrainingResult:
    """Train with the hyperparameters of the context, report every epoch, and return what was reached."""
    points, moons = make_moons(400, noise=0.25, random_state=ctx.seed)
    train_x, val_x, train_y, val_y = train_test_split(points, moons, random_state=ctx.seed)
    model = MLPClassifier(
        (ctx.hyperparameters["hidden"],),
        learning_rate_init=ctx.hyperparameters["lr"],
        random_state=ctx.seed,
    )
    epochs = ctx.hyperparameters.get("epochs", 30)
    for epoch in range(1, epochs + 1):
        model.partial_fit(train_x, train_y, classes=[0, 1])
        val_loss = log_loss(val_y, model.predict_proba(val_x))
        val_accuracy = model.score(val_x, val_y)
        ctx.tracker.log_metrics({"val_loss": val_loss, "val_accuracy": val_accuracy}, step=epoch)
        if not ctx.tracker.report_intermediate(val_loss, epoch, getattr(ctx, "_optuna_trial", None)):
            break  # the pruner sees no future in this trial
    return TrainingResult(
        primary_metric=val_loss,
        metrics={"val_accuracy": val_accuracy},
        epochs_completed=epoch,
        early_stopped=epoch < epochs,
    )


def main(trials: int = 10) -> None:
    """Run once, tune, and print both results."""
    space = SearchSpaceBuilder().loguniform("lr", 1e-3, 1e-1).categorical("hidden", [4, 16, 64]).build()
    config = ExperimentConfig(
        name="two-moons",
        hyperparameters={"lr": 0.003, "hidden": 16, "epochs": 30},
        mlflow=MLflowConfig(
            tracking_uri=os.environ.get("MLFLOW_TRACKING_URI", "sqlite:///mlflow.db"),
            experiment_name="two-moons",
        ),
        tuning=TuningConfig(
            tuner_type=TunerType.OPTUNA,
            n_trials=trials,
            max_concurrent_trials=2,
            resources_per_trial={"cpu": 1},
            search_space=SearchSpaceConfig(space),
        ),
    )
    result = run_experiment(train_model, config)
    print(f"one run: val_loss {result.primary_metric:.3f}, val_accuracy {result.metrics['val_accuracy']:.2f}")
    found = run_experiment(train_model, config, tune=True)
    print(f"{found['n_trials']} trials: val_loss {found['best_value']:.3f} with {found['best_params']}")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
