"""Values to try first: `--enqueue` takes JSON, or a file of JSON such as a trial's params.json."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ml_skeleton.errors import InputError, UsageError
from ml_skeleton.tuning.grammar import describe
from ml_skeleton.tuning.space import Number, Parameter, Space, nearest, text_of


def read_enqueued(written: Sequence[str], space: Space) -> list[dict[str, Any]]:
    """Return the values to try first as the search keeps them; raise UsageError for one that the space does not hold.

    Each of `written` is a JSON object, a JSON list of them, or the path of a file
    that holds one.
    """
    found: list[dict[str, Any]] = []
    for text in written:
        content = _parsed(text)
        for values in content if isinstance(content, list) else [content]:
            if not isinstance(values, dict):
                raise UsageError(f'--enqueue {text}: expected an object such as {{"lr": 0.001}}, or a list of them')
            try:
                found.append(_chosen(_flat("", values), space))
            except UsageError as error:
                raise UsageError(f"--enqueue {text}: {error}") from None
    return found


def _parsed(text: str) -> Any:
    is_json = text.lstrip().startswith(("{", "["))
    try:
        return json.loads(text if is_json else Path(text).read_bytes())
    except OSError as error:
        raise InputError(f"--enqueue {text}: cannot read: {error.strerror}") from None
    except ValueError as error:
        raise UsageError(f"--enqueue {text}: not JSON: {error}") from None


def _flat(prefix: str, values: Mapping[str, Any]) -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for name, value in values.items():
        flat |= _flat(f"{prefix}{name}.", value) if isinstance(value, dict) else {f"{prefix}{name}": value}
    return flat


def _chosen(values: Mapping[str, Any], space: Space) -> dict[str, Any]:
    for name in values:
        if name not in space.parameters:
            raise UsageError(f"{name}: no such parameter{nearest(name, list(space.parameters))}")
    chosen = {name: _kept(space.parameters[name], value) for name, value in values.items()}
    return {name: value for name, value in chosen.items() if space.parameters[name].only is None}


def _kept(parameter: Parameter, value: Any) -> float | str:
    domain = parameter.domain
    if isinstance(domain, Number):
        number = isinstance(value, int | float) and not isinstance(value, bool)
        whole = not domain.whole or (number and value == int(value))
        if number and whole and domain.low <= value <= domain.high:
            return int(value) if domain.whole else float(value)
    else:
        same = [known for known in zip(domain.values, domain.texts, strict=True) if repr(known[0]) == repr(value)]
        if same or text_of(value) in domain.texts:
            return same[0][1] if same else text_of(value)
    raise UsageError(f"{parameter.name}: found {text_of(value)}, which is not in {describe(parameter)}")
