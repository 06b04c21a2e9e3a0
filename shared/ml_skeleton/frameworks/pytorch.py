"""PyTorch: device, seed, logging, and the two loops that every training function writes."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from ml_skeleton.console import note
from ml_skeleton.utils.gpu import get_gpu_info
from ml_skeleton.utils.memory import get_gpu_memory_info
from ml_skeleton.utils.seed import setup_reproducibility

Batches = Iterable[tuple[Tensor, Tensor]]
Score = Callable[[Tensor, Tensor], Tensor]


class MetricsLog(Protocol):
    """What takes metrics, such as `ctx.tracker`."""

    def log_metrics(self, metrics: Mapping[str, float], step: int | None = None) -> None:
        """Note values of one step."""


class PyTorchHelper:
    """What is the same in every training function; nothing is kept between the calls."""

    @staticmethod
    def setup_device(device: str = "auto") -> torch.device:
        """Return the device of that name, such as `ctx.device`; where there is no CUDA, the CPU, which is said."""
        if device == "auto":
            return torch.device("cuda" if torch.cuda.is_available() else "cpu")
        wanted = torch.device(device)
        if wanted.type == "cuda" and (wanted.index or 0) >= torch.cuda.device_count():
            note(f"device {device}: this machine has {torch.cuda.device_count()} CUDA devices; the CPU is used")
            return torch.device("cpu")
        return wanted

    @staticmethod
    def setup_seed(seed: int | None = 42, deterministic: bool = True) -> dict[str, Any]:
        """Seed all that is random, and return what a DataLoader needs for it; None, as in a context, seeds nothing."""
        return {} if seed is None else setup_reproducibility(seed, deterministic, ["torch"])

    @staticmethod
    def create_mlflow_callback(tracker: MetricsLog, prefix: str = "") -> Callable[[int, Mapping[str, Any]], None]:
        """Return a function that logs an epoch: `callback(epoch, {"val_loss": loss})`; tensors of one value will do."""

        def log(epoch: int, metrics: Mapping[str, Any]) -> None:
            tracker.log_metrics({f"{prefix}{name}": float(value) for name, value in metrics.items()}, step=epoch)

        return log

    @staticmethod
    def get_device_info() -> dict[str, Any]:
        """Return `torch`, `cuda` (its version or None), `available`, `device_count`, `memory`, and `driver`.

        `memory` is a list of what `get_gpu_memory_info` returns, one entry a device.
        """
        count = torch.cuda.device_count()
        return {
            "torch": torch.__version__,
            "cuda": torch.version.cuda,
            "available": torch.cuda.is_available(),
            "device_count": count,
            "memory": [get_gpu_memory_info(index) for index in range(count)],
            "driver": get_gpu_info()["driver"],
        }


def train_epoch(
    model: nn.Module,
    loader: Batches,
    optimizer: torch.optim.Optimizer,
    criterion: Score,
    device: torch.device | str = "cpu",
    max_grad_norm: float | None = None,
) -> dict[str, float]:
    """Take one step per batch, and return {"train_loss": mean over the examples}; raise ValueError without a batch."""
    model.train()
    total, examples = torch.zeros((), device=device), 0
    for inputs, targets in loader:
        inputs, targets = inputs.to(device, non_blocking=True), targets.to(device, non_blocking=True)
        loss = criterion(model(inputs), targets)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        if max_grad_norm is not None:
            nn.utils.clip_grad_norm_(model.parameters(), max_grad_norm)
        optimizer.step()
        total += loss.detach() * len(inputs)  # stays on the device, as reading it would wait for the GPU
        examples += len(inputs)
    return {"train_loss": _mean(total, examples)}


@torch.no_grad()
def validate(
    model: nn.Module,
    loader: Batches,
    criterion: Score,
    device: torch.device | str = "cpu",
    metrics: Mapping[str, Score] | None = None,
) -> dict[str, float]:
    """Return {"val_loss": …} and one "val_NAME" per entry of `metrics`, means over the examples.

    A metric gets outputs and targets of a batch and gives its mean. Raises ValueError without a batch.
    """
    model.eval()
    scores: dict[str, Score] = {"loss": criterion, **(metrics or {})}
    totals = {name: torch.zeros((), device=device) for name in scores}
    examples = 0
    for inputs, targets in loader:
        outputs, targets = model(inputs.to(device, non_blocking=True)), targets.to(device, non_blocking=True)
        for name, score in scores.items():
            totals[name] += score(outputs, targets) * len(inputs)
        examples += len(inputs)
    return {f"val_{name}": _mean(total, examples) for name, total in totals.items()}


def _mean(total: Tensor, examples: int) -> float:
    if not examples:
        raise ValueError("the loader gave no batch: expected at least one example")
    return float(total) / examples
