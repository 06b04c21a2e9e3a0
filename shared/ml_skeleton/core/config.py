"""The configuration of an experiment, and its YAML file."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

from ml_skeleton.core.from_mapping import from_mapping, to_mapping
from ml_skeleton.errors import InputError, UsageError


class TunerType(StrEnum):
    """Who chooses the hyperparameters of the next trial."""

    NONE = "none"
    OPTUNA = "optuna"
    RAY_TUNE = "ray_tune"


@dataclass
class SearchSpaceConfig:
    """Hyperparameters to vary: name to `{type, low, high, step, choices}`.

    The type is loguniform, uniform, float, int, integer or categorical.
    """

    parameters: dict[str, dict[str, Any]] = field(default_factory=dict)

    def __setattr__(self, name: str, value: Any) -> None:
        """Take a SearchSpaceBuilder, too, for what it builds."""
        build = getattr(value, "build", None)
        super().__setattr__(name, value if build is None else build())


@dataclass
class MLflowConfig:
    """Where runs are tracked."""

    tracking_uri: str = "http://localhost:5000"  # any URI of MLflow; "off" tracks nowhere
    artifact_location: str = "./mlruns"
    experiment_name: str = "default"
    registry_uri: str | None = None
    backend_store_uri: str = "sqlite:///mlflow.db"  # of a server that is started here
    auto_start: bool = True  # start a server if the URI is this machine's and none answers


@dataclass
class TuningConfig:
    """How hyperparameters are searched."""

    tuner_type: TunerType = TunerType.NONE
    n_trials: int = 100
    timeout: float | None = None  # seconds, of the whole search
    sampler: str = "TPESampler"  # this and the pruner: classes of Optuna
    pruner: str = "MedianPruner"
    scheduler: str = "ASHAScheduler"  # from here on: Ray Tune
    search_alg: str = "OptunaSearch"
    num_samples: int = 100
    max_concurrent_trials: int = 4
    resources_per_trial: dict[str, float] = field(default_factory=lambda: {"cpu": 4, "gpu": 1})
    search_space: SearchSpaceConfig = field(default_factory=SearchSpaceConfig)
    optuna_storage: str | None = None  # URL of a database; None: a journal in the folder of the study


@dataclass
class ExperimentConfig:
    """All that is decided before a training function is called."""

    name: str = "experiment"
    description: str = ""
    tags: dict[str, str] = field(default_factory=dict)
    framework: str = "pytorch"
    hyperparameters: dict[str, Any] = field(default_factory=dict)
    mlflow: MLflowConfig = field(default_factory=MLflowConfig)
    tuning: TuningConfig = field(default_factory=TuningConfig)
    seed: int = 42
    deterministic: bool = True
    checkpoint_dir: str = "./checkpoints"
    artifact_dir: str = "./artifacts"

    @classmethod
    def from_yaml(cls, path: str | Path) -> ExperimentConfig:
        """Return the configuration in a file; raise UsageError for an unknown key or a value that does not fit."""
        return config_of(read_config(Path(path)), str(path))

    def to_yaml(self, path: str | Path) -> None:
        """Write a file from which `from_yaml` makes an equal configuration."""
        from ml_skeleton.artifacts.files import write_text
        from ml_skeleton.core.yaml_text import write_yaml

        write_text(Path(path), write_yaml(to_mapping(self)))


def read_config(path: Path) -> dict[str, Any]:
    """Return the content of a configuration file; raise InputError or UsageError where there is none."""
    import yaml

    from ml_skeleton.core.yaml_text import read_yaml

    try:
        content = read_yaml(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"{path}: cannot read the configuration: {error.strerror}") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise UsageError(f"{path}: not a YAML file: {' '.join(str(error).split())}") from None
    if content is not None and not isinstance(content, dict):
        raise UsageError(f"{path}: found {type(content).__name__}, expected lines such as name: my-experiment")
    return content or {}


def config_of(content: dict[str, Any], where: str) -> ExperimentConfig:
    """Return the configuration that a mapping describes; `where` begins the message of a UsageError."""
    return from_mapping(ExperimentConfig, content, where)
