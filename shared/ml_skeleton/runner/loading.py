"""A training function by its name on a command line, and a configuration with single values replaced."""

import sys
from dataclasses import replace
from importlib import import_module
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Any

from ml_skeleton.core.config import ExperimentConfig, TunerType, config_of, read_config
from ml_skeleton.core.protocols import TrainFunction
from ml_skeleton.errors import InputError, UsageError


def load_function(text: str) -> TrainFunction:
    """Return the function that `module:function` or `path/to/file.py:function` names; raise UsageError for none.

    Modules are looked for in the current folder first, as `python -m` does.
    """
    place, colon, name = text.rpartition(":")
    if not colon or not place or not name:
        raise UsageError(f"--train-fn {text}: expected module:function, such as train:train_model")
    if str(Path.cwd()) not in sys.path:
        sys.path.insert(0, str(Path.cwd()))
    module = _load_file(Path(place)) if place.endswith(".py") else _load_module(place)
    found = getattr(module, name, None)
    if not callable(found):
        functions = [one for one, value in vars(module).items() if getattr(value, "__module__", "") == module.__name__]
        raise UsageError(f"--train-fn {text}: no function {name} there; it has {', '.join(functions) or 'none'}")
    function: TrainFunction = found
    return function


def load_config(path: Path, overrides: list[str]) -> ExperimentConfig:
    """Return the configuration in a file, with `key.sub=value` put over it; values are read as YAML.

    Raises InputError or UsageError.
    """
    content = read_config(path)
    for text in overrides:
        key, equals, value = text.partition("=")
        if not equals or not key:
            raise UsageError(f"-o {text}: expected key.sub=value, such as hyperparameters.lr=0.01")
        _put(content, key.split("."), _value(value, text), text)
    return config_of(content, str(path))


def with_tuning(
    config: ExperimentConfig, tuner: str | None, n_trials: int | None, timeout_s: float | None
) -> ExperimentConfig:
    """Return a configuration that tunes: by `tuner`, by the one it names, or by Optuna; None leaves a setting alone."""
    named = TunerType(tuner) if tuner else config.tuning.tuner_type
    chosen = TunerType.OPTUNA if named == TunerType.NONE else named
    tuning = replace(config.tuning, tuner_type=chosen)
    if n_trials is not None:
        tuning.n_trials = tuning.num_samples = n_trials
    if timeout_s is not None:
        tuning.timeout = timeout_s
    return replace(config, tuning=tuning)


def _value(value: str, text: str) -> Any:
    import yaml

    from ml_skeleton.core.yaml_text import read_yaml

    try:
        return read_yaml(value)
    except yaml.YAMLError:
        raise UsageError(f"-o {text}: {value} is no YAML; a text that looks like it is quoted, '\"{value}\"'") from None


def _put(content: dict[str, Any], keys: list[str], value: Any, text: str) -> None:
    *outer, last = keys
    for key in outer:
        if content.get(key) is None:
            content[key] = {}
        content = content[key]
        if not isinstance(content, dict):
            raise UsageError(f"-o {text}: {key} is no section")
    content[last] = value


def _load_module(name: str) -> ModuleType:
    try:
        return import_module(name)
    except ModuleNotFoundError as error:
        if error.name and not f"{name}.".startswith(f"{error.name}."):
            raise  # the module is there; something it imports is not, and its traceback says where
        raise UsageError(f"--train-fn {name}: no such module here or in this environment") from None


def _load_file(path: Path) -> ModuleType:
    if not path.is_file():
        raise InputError(f"--train-fn {path}: no such file")
    sys.path.insert(0, str(path.parent.resolve()))  # where its own imports are
    spec = spec_from_file_location(path.stem, path)
    assert spec is not None and spec.loader is not None
    module = sys.modules[path.stem] = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
