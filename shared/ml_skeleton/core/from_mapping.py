"""Dataclasses from the mappings of a YAML file and back: every key must exist and every value fit."""

import dataclasses
from collections.abc import Mapping
from difflib import get_close_matches
from enum import Enum
from types import NoneType, UnionType
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

from ml_skeleton.errors import UsageError

T = TypeVar("T")


def from_mapping(kind: type[T], content: Mapping[str, Any], where: str) -> T:
    """Return a dataclass made of `content`; raise UsageError naming an unknown key and the nearest known one."""
    hints = get_type_hints(kind)
    for key in content:
        if key not in hints:
            raise UsageError(f"{where}: unknown key {key!r}{_nearest(str(key), list(hints))}")
    return kind(**{key: _value(hints[key], value, f"{where}: {key}") for key, value in content.items()})


def to_mapping(found: Any) -> Any:
    """Return a dataclass as what YAML has: mappings, lists, texts and numbers."""
    if dataclasses.is_dataclass(found) and not isinstance(found, type):
        return {one.name: to_mapping(getattr(found, one.name)) for one in dataclasses.fields(found)}
    return found.value if isinstance(found, Enum) else found


def _value(hint: Any, value: Any, where: str) -> Any:
    if get_origin(hint) is UnionType:
        if value is None and NoneType in get_args(hint):
            return None
        hint = next(one for one in get_args(hint) if one is not NoneType)
    if dataclasses.is_dataclass(hint) and isinstance(hint, type):
        return from_mapping(hint, _mapping(value, where), where)
    if get_origin(hint) is dict:
        inner = get_args(hint)[1]
        return {key: _value(inner, one, f"{where}.{key}") for key, one in _mapping(value, where).items()}
    if isinstance(hint, type) and issubclass(hint, Enum):
        return _member(hint, value, where)
    return value if hint is Any else _plain(hint, value, where)


def _mapping(value: Any, where: str) -> Mapping[Any, Any]:
    if not isinstance(value, Mapping | NoneType):
        raise UsageError(f"{where}: found {value!r}, expected a mapping")
    return value or {}


def _member(hint: type[Enum], value: Any, where: str) -> Enum:
    known = [str(member.value) for member in hint]
    if value not in known:
        raise UsageError(f"{where}: found {value!r}{_nearest(str(value), known)}")
    return hint(value)


def _plain(hint: type, value: Any, where: str) -> Any:
    if hint is str and isinstance(value, int | float | bool):
        return str(value)  # a tag `version: 2` is meant as text
    if hint is float and isinstance(value, int) and not isinstance(value, bool):
        return value
    if not isinstance(value, hint) or (hint is int and isinstance(value, bool)):
        expected = {str: "a text", int: "a whole number", float: "a number", bool: "true or false"}
        raise UsageError(f"{where}: found {value!r}, expected {expected.get(hint, hint.__name__)}")
    return value


def _nearest(name: str, known: list[str]) -> str:
    near = get_close_matches(name, known, n=1)
    return f"; did you mean {near[0]!r}?" if near else f"; known are {', '.join(known)}"
