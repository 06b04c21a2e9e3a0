"""Tuning: any command line or function as an objective. Names are imported when first used."""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ml_skeleton.tuning.builder import SearchSpaceBuilder
    from ml_skeleton.tuning.optuna_tuner import OptunaTuner
    from ml_skeleton.tuning.ray_tuner import RayTuneTuner

__all__ = ["OptunaTuner", "RayTuneTuner", "SearchSpaceBuilder"]
_HOMES = {
    "OptunaTuner": "ml_skeleton.tuning.optuna_tuner",
    "RayTuneTuner": "ml_skeleton.tuning.ray_tuner",
    "SearchSpaceBuilder": "ml_skeleton.tuning.builder",
}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
