"""Tracking: runs, parameters and metrics in MLflow, and a server for them. Names are imported when first used."""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ml_skeleton.tracking.explr_tracker import ExplrTracker
    from ml_skeleton.tracking.null_tracker import NullTracker
    from ml_skeleton.tracking.server import MLflowServer

__all__ = ["ExplrTracker", "MLflowServer", "NullTracker"]
_HOMES = {
    "ExplrTracker": "ml_skeleton.tracking.explr_tracker",
    "MLflowServer": "ml_skeleton.tracking.server",
    "NullTracker": "ml_skeleton.tracking.null_tracker",
}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
