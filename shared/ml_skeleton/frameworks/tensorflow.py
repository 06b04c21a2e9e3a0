"""TensorFlow: GPU memory, seed, and Keras callbacks that log and keep the best model."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

import tensorflow as tf

from ml_skeleton.utils.memory import memory_limit_gb
from ml_skeleton.utils.seed import setup_reproducibility

MB_PER_GB = 1024


class Reports(Protocol):
    """What takes metrics and says whether to go on, such as `ctx.tracker`."""

    def log_metrics(self, metrics: Mapping[str, float], step: int | None = None) -> None:
        """Note values of one step."""

    def report_intermediate(self, metric: float, step: int, trial: Any = None) -> bool:
        """Return False if the trial is to end here."""


class TensorFlowHelper:
    """What is the same in every training function; nothing is kept between the calls."""

    @staticmethod
    def setup_gpu(max_memory_gb: float | None = None) -> int:
        """Hold this process to so many GiB of each GPU, and return how many GPUs there are.

        The argument, else ML_SKELETON_GPU_MEMORY_GB, else 24; 0 lets it grow as needed. To be called before
        TensorFlow first uses a GPU; it raises RuntimeError afterwards.
        """
        limit = memory_limit_gb(max_memory_gb)
        gpus = tf.config.list_physical_devices("GPU")
        for gpu in gpus:
            if limit:
                logical = tf.config.LogicalDeviceConfiguration(memory_limit=int(limit * MB_PER_GB))
                tf.config.set_logical_device_configuration(gpu, [logical])
            else:
                tf.config.experimental.set_memory_growth(gpu, True)
        return len(gpus)

    @staticmethod
    def setup_seed(seed: int | None = 42, deterministic: bool = True) -> None:
        """Seed all that is random; None, as in a context, seeds nothing."""
        if seed is not None:
            setup_reproducibility(seed, deterministic, ["tensorflow"])

    @staticmethod
    def create_mlflow_callback(tracker: Reports, monitor: str | None = None, trial: Any = None) -> Any:
        """Return a Keras callback that logs the metrics of each epoch.

        With `monitor` it also offers that metric to the pruner, and ends the training where the pruner says so.
        """

        def log(epoch: int, logs: Mapping[str, Any] | None) -> None:
            metrics = {name: float(value) for name, value in (logs or {}).items()}
            tracker.log_metrics(metrics, step=epoch)
            if monitor is not None and not tracker.report_intermediate(metrics[monitor], epoch, trial):
                callback.model.stop_training = True

        callback = tf.keras.callbacks.LambdaCallback(on_epoch_end=log)
        return callback

    @staticmethod
    def create_checkpoint_callback(path: str | Path, monitor: str = "val_loss", mode: str = "min") -> Any:
        """Return a Keras callback that keeps the best model in the file `path`, whose name ends in .keras."""
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        return tf.keras.callbacks.ModelCheckpoint(str(path), monitor=monitor, mode=mode, save_best_only=True)

    @staticmethod
    def get_device_info() -> dict[str, Any]:
        """Return `tensorflow`, `cuda` (that it was built for, or None), `available`, `device_count` and `devices`."""
        gpus = tf.config.list_physical_devices("GPU")
        return {
            "tensorflow": tf.__version__,
            "cuda": tf.sysconfig.get_build_info().get("cuda_version"),
            "available": bool(gpus),
            "device_count": len(gpus),
            "devices": [gpu.name for gpu in gpus],
        }
