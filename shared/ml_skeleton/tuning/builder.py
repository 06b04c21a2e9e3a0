"""Search spaces for functions: built in Python, or from the dictionaries of a configuration."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, Self

from ml_skeleton.errors import UsageError
from ml_skeleton.tuning.space import Number, Options, Parameter, Space, nearest

KINDS = {"loguniform": "log", "uniform": "float", "float": "float", "int": "int", "integer": "int"}
CATEGORICAL = "categorical"
_KEYS = ("type", "low", "high", "step", "log", "choices")


class SearchSpaceBuilder:
    """Collects hyperparameters to vary; every method but the last returns the builder itself."""

    def __init__(self) -> None:
        self._parameters: dict[str, dict[str, Any]] = {}

    def categorical(self, name: str, choices: Sequence[Any]) -> Self:
        """Add a choice."""
        return self._add(name, {"type": CATEGORICAL, "choices": list(choices)})

    def integer(self, name: str, low: int, high: int, step: int = 1, log: bool = False) -> Self:
        """Add a whole number, both ends included."""
        return self._add(name, {"type": "int", "low": low, "high": high, "step": step, "log": log})

    def uniform(self, name: str, low: float, high: float, step: float | None = None) -> Self:
        """Add a number, each value as likely as any other."""
        return self._add(name, {"type": "float", "low": low, "high": high} | ({} if step is None else {"step": step}))

    def loguniform(self, name: str, low: float, high: float) -> Self:
        """Add a number above 0, each order of magnitude as likely as any other."""
        return self._add(name, {"type": "loguniform", "low": low, "high": high})

    def build(self) -> dict[str, dict[str, Any]]:
        """Return the space as a configuration holds it; raise UsageError for what cannot be searched."""
        space_of_config(self._parameters)
        return {name: dict(long) for name, long in self._parameters.items()}

    def _add(self, name: str, long: dict[str, Any]) -> Self:
        self._parameters[name] = long
        return self


def space_of_config(parameters: Mapping[str, Mapping[str, Any]]) -> Space:
    """Return the space of `{name: {type: …}}`; raise UsageError naming the parameter that cannot be read."""
    return Space({name: _parameter(name, long) for name, long in parameters.items()})


def original_choices(parameters: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """Return the choices of each parameter by their texts: a trial's files hold texts, a function wants the objects."""
    return {
        name: dict(zip(_texts(long["choices"]), long["choices"], strict=True))
        for name, long in parameters.items()
        if long["type"] == CATEGORICAL
    }


def _parameter(name: str, long: Mapping[str, Any]) -> Parameter:
    where = f"search space: {name}"
    if not isinstance(long, Mapping):
        raise UsageError(f"{where}: found {long!r}, expected type, low and high, or type and choices")
    for key in long:
        if key not in _KEYS:
            raise UsageError(f"{where}: unknown key {key!r}{nearest(str(key), list(_KEYS))}")
    kind = str(long.get("type"))
    if kind == CATEGORICAL:
        return Parameter(name, "choice", _options(where, long.get("choices")))
    if kind not in KINDS:
        raise UsageError(f"{where}: type {kind!r}{nearest(kind, [*KINDS, CATEGORICAL])}")
    log = bool(long.get("log")) or kind == "loguniform"
    whole = KINDS[kind] == "int"
    names = {(False, False): "float", (False, True): "int", (True, False): "log", (True, True): "logint"}
    return Parameter(name, names[log, whole], _number(where, long, log, whole))


def _options(where: str, choices: object) -> Options:
    if not isinstance(choices, Sequence) or isinstance(choices, str) or not choices:
        raise UsageError(f"{where}: found choices {choices!r}, expected a list")
    texts = tuple(_texts(choices))
    double = next((text for text in texts if texts.count(text) > 1), None)
    if double is not None:
        raise UsageError(f"{where}: {double} is there twice")
    return Options(texts, texts)


def _texts(choices: Sequence[Any]) -> list[str]:
    """Return what stands for the choices in files: strings as they are, unless one of them looks like a number."""
    plain = [choice if isinstance(choice, str) else repr(choice) for choice in choices]
    return plain if len(set(plain)) == len(plain) else [repr(choice) for choice in choices]


def _number(where: str, long: Mapping[str, Any], log: bool, whole: bool) -> Number:
    low, high = (_end(where, key, long.get(key), whole) for key in ("low", "high"))
    step = None if log or long.get("step") is None else _end(where, "step", long["step"], whole)
    if low > high:
        raise UsageError(f"{where}: low {low} is above high {high}")
    if log and low <= 0:
        raise UsageError(f"{where}: low is {low}; a logarithmic range starts above 0")
    if step is None:
        return Number(low, high, None, log, whole)
    if step <= 0:
        raise UsageError(f"{where}: step is {step}; it must be above 0")
    beyond = (Decimal(str(high)) - Decimal(str(low))) % Decimal(str(step))  # as Optuna: the last step inside the range
    return Number(low, type(low)(Decimal(str(high)) - beyond), step, log, whole)


def _end(where: str, key: str, found: Any, whole: bool) -> float:
    fits = isinstance(found, int | float) and not isinstance(found, bool)
    if not fits or (whole and found != int(found)):
        raise UsageError(f"{where}: {key} is {found!r}, expected {'a whole number' if whole else 'a number'}")
    return int(found) if whole else float(found)
