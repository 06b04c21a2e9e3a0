"""What the tools that learn a listener's taste have in common, and a framework for experiments.

The names of the framework are imported when they are first used, so that `import
ml_skeleton` costs next to nothing and none of them brings in more than it needs.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ml_skeleton.core.config import ExperimentConfig, MLflowConfig, TunerType, TuningConfig
    from ml_skeleton.core.protocols import TrainFunction, TrainingContext, TrainingResult
    from ml_skeleton.runner.experiment import Experiment, run_experiment

__version__ = "0.1.0"

__all__ = [
    "Experiment",
    "ExperimentConfig",
    "MLflowConfig",
    "TrainFunction",
    "TrainingContext",
    "TrainingResult",
    "TunerType",
    "TuningConfig",
    "__version__",
    "run_experiment",
]

_HOMES = {
    **dict.fromkeys(("ExperimentConfig", "MLflowConfig", "TunerType", "TuningConfig"), "ml_skeleton.core.config"),
    **dict.fromkeys(("TrainFunction", "TrainingContext", "TrainingResult"), "ml_skeleton.core.protocols"),
    **dict.fromkeys(("Experiment", "run_experiment"), "ml_skeleton.runner.experiment"),
}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
