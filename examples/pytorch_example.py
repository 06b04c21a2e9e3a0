"""Handwritten digits, read by a small convolutional network: device, seed, the two loops, the best model.

python examples/pytorch_example.py
"""

import os
from pathlib import Path

import torch
from ml_skeleton import ExperimentConfig, MLflowConfig, TrainingContext, TrainingResult, run_experiment
from ml_skeleton.frameworks.pytorch import PyTorchHelper, train_epoch, validate
from sklearn.datasets import load_digits
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset, random_split


def digits() -> TensorDataset:
    """Return 1,797 images (1, 8, 8) from 0 to 1, and what they show."""
    images, labels = load_digits(return_X_y=True)
    return TensorDataset(torch.tensor(images / 16, dtype=torch.float32).view(-1, 1, 8, 8), torch.tensor(labels))


def network(channels: int) -> nn.Module:
    """Return a network from images (B, 1, 8, 8) to the scores of ten digits (B, 10)."""
    return nn.Sequential(
        *(nn.Conv2d(1, channels, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)),
        *(nn.Conv2d(channels, 2 * channels, 3, padding=1), nn.ReLU(), nn.AdaptiveAvgPool2d(2)),
        *(nn.Flatten(), nn.Linear(8 * channels, 10)),
    )


def accuracy(scores: Tensor, labels: Tensor) -> Tensor:
    """Return the share of digits that were read right."""
    return (scores.argmax(1) == labels).float().mean()


def train_model(ctx: TrainingContext) -> TrainingResult:
    """Train, keep the weights of the best epoch, and return what they reached."""
    device = PyTorchHelper.setup_device(ctx.device)
    reproducible = PyTorchHelper.setup_seed(ctx.seed)
    train, val = random_split(digits(), [0.8, 0.2])
    train_batches = DataLoader(train, batch_size=64, shuffle=True, **reproducible)
    val_batches = DataLoader(val, batch_size=256)

    model = network(ctx.hyperparameters["channels"]).to(device)
    optimizer = torch.optim.AdamW(model.parameters(), lr=ctx.hyperparameters["lr"])
    log = PyTorchHelper.create_mlflow_callback(ctx.tracker)
    best_path = Path(ctx.checkpoint_dir) / "digits.pt"
    best_path.parent.mkdir(parents=True, exist_ok=True)
    best: dict[str, float] = {}
    for epoch in range(1, ctx.hyperparameters["epochs"] + 1):
        metrics = train_epoch(model, train_batches, optimizer, nn.functional.cross_entropy, device)
        metrics |= validate(model, val_batches, nn.functional.cross_entropy, device, {"accuracy": accuracy})
        log(epoch, metrics)
        if not best or metrics["val_loss"] < best["val_loss"]:
            best = metrics
            torch.save(model.state_dict(), best_path)
        if not ctx.tracker.report_intermediate(metrics["val_loss"], epoch, getattr(ctx, "_optuna_trial", None)):
            break
    return TrainingResult(best["val_loss"], metrics=best, best_model_path=str(best_path), epochs_completed=epoch)


def main() -> None:
    """Run once and print the result."""
    config = ExperimentConfig(
        name="digits",
        hyperparameters={"channels": 8, "lr": 1e-2, "epochs": 8},
        mlflow=MLflowConfig(
            tracking_uri=os.environ.get("MLFLOW_TRACKING_URI", "sqlite:///mlflow.db"),
            experiment_name="digits",
        ),
    )
    result = run_experiment(train_model, config)
    print(f"val_accuracy {result.metrics['val_accuracy']:.3f}; the best weights: {result.best_model_path}")


if __name__ == "__main__":
    main()
