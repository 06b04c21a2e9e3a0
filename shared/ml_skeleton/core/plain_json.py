"""What a training function returns, as JSON that any program reads."""

import json
import math
from collections.abc import Mapping
from typing import Any


def as_json(found: Any) -> str:
    """Return one line: numbers of numpy and torch as numbers, NaN and infinity as null, what JSON lacks as its text."""
    return json.dumps(_plain(found), allow_nan=False)


def _plain(found: Any) -> Any:
    if isinstance(found, Mapping):
        return {str(name): _plain(value) for name, value in found.items()}
    if isinstance(found, list | tuple):
        return [_plain(one) for one in found]
    if isinstance(found, float):
        return float(found) if math.isfinite(found) else None
    if found is None or isinstance(found, str | int):
        return found
    try:
        return _plain(found.item())  # a number of numpy, a tensor of one
    except (AttributeError, ValueError, RuntimeError):
        return str(found)
