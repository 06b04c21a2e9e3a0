"""The samplers and pruners of Optuna, by the names of the command line or of their classes."""

from importlib.util import find_spec
from types import ModuleType
from typing import Any

import optuna

from ml_skeleton.errors import UsageError, UserError
from ml_skeleton.tuning.space import nearest

_SAMPLERS = {"tpe": "TPESampler", "random": "RandomSampler", "gp": "GPSampler", "cmaes": "CmaEsSampler"}
_PRUNERS = {
    "median": "MedianPruner",
    "asha": "SuccessiveHalvingPruner",
    "hyperband": "HyperbandPruner",
    "none": "NopPruner",
}
_NEEDS = {"GPSampler": ("scipy", "torch"), "CmaEsSampler": ("cmaes",)}


def check_sampler(name: str) -> None:
    """Raise UserError if a package is missing that the sampler needs; Optuna finds out in the middle of the study."""
    for package in _NEEDS.get(_SAMPLERS.get(name, name), ()):
        if find_spec(package) is None:
            raise UserError(f"sampler {name}: needs the package {package}; install it first")


def new_sampler(name: str, seed: int, parallel: bool) -> optuna.samplers.BaseSampler:
    """Return a sampler; with `parallel`, one that keeps away from where trials are running, if it can."""
    name = _SAMPLERS.get(name, name)
    more = {"constant_liar": parallel} if name == "TPESampler" else {}
    sampler: optuna.samplers.BaseSampler = _made(optuna.samplers, name, "Sampler", seed=seed, **more)
    return sampler


def new_pruner(name: str) -> optuna.pruners.BasePruner:
    """Return a pruner."""
    pruner: optuna.pruners.BasePruner = _made(optuna.pruners, _PRUNERS.get(name, name), "Pruner")
    return pruner


def _made(module: ModuleType, name: str, ending: str, **arguments: Any) -> Any:
    """Return an object of a class of Optuna; raise UsageError for one that does not exist or wants to know more."""
    if not name.endswith(ending) or name.startswith("Base") or not hasattr(module, name):
        known = sorted(one for one in dir(module) if one.endswith(ending) and not one.startswith("Base"))
        raise UsageError(f"{ending.lower()} {name}: Optuna has no such class{nearest(name, known)}")
    try:
        return getattr(module, name)(**arguments)
    except TypeError as error:
        raise UsageError(f"{ending.lower()} {name}: cannot be made without further settings: {error}") from None
