"""Recipes: a YAML file of named playlists, so that one command makes the whole set."""

from collections.abc import Mapping
from dataclasses import replace
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from ml_skeleton.errors import InputError, UsageError

from ml_skeleton_recommend.options import days
from ml_skeleton_recommend.request import Request, check

SECTIONS = ("defaults", "playlists")
TEXT, NUMBER, YES, WHOLE, LIST, WEIGHTS, DAYS = (
    "a text",
    "a number",
    "true or false",
    "a whole number",
    "a list of songs",
    "part: number",
    "14d",
)
KEYS = {
    **dict.fromkeys(("kind", "title", "where", "order"), TEXT),
    **dict.fromkeys(("songs", "unlike"), LIST),
    **dict.fromkeys(("top", "per_artist", "per_album", "seed"), WHOLE),
    **dict.fromkeys(("minutes", "diversity", "variation", "max_speech", "max_length"), NUMBER),
    "hub_correction": YES,
    "weight": WEIGHTS,
    "fresh": DAYS,
}


def read_recipes(path: Path, base: Request) -> list[Request]:
    """Return the playlists of the file, all checked; what a recipe leaves out is as in `base`."""
    content = _section(path, "the file", _load(path))
    _refuse_unknown(path, "the file", content, SECTIONS)
    shared = _section(path, "defaults", content.get("defaults") or {})
    recipes = _section(path, "playlists", content.get("playlists") or {})
    if not recipes:
        raise UsageError(f"{path}: no playlists; expected `playlists:` with a name and settings for each")
    return [_request(path, str(name), shared, recipe or {}, base) for name, recipe in recipes.items()]


def _load(path: Path) -> Any:
    import yaml

    try:
        return yaml.safe_load(path.read_text(encoding="utf-8")) or {}
    except OSError as error:
        raise InputError(f"{path.absolute()}: cannot read the recipes: {error.strerror}") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise UsageError(f"{path}: not a YAML file: {' '.join(str(error).split())}") from None


def _request(path: Path, name: str, shared: Mapping[str, Any], recipe: Any, base: Request) -> Request:
    settings = {**_checked(path, "defaults", shared), **_checked(path, name, _section(path, name, recipe))}
    try:
        return check(replace(base, **settings, name=name))
    except UsageError as error:
        raise UsageError(f"{path}: {error}") from None


def _checked(path: Path, name: str, settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings as fields of a Request."""
    known = {str(key).replace("-", "_"): value for key, value in settings.items()}
    _refuse_unknown(path, name, known, tuple(KEYS))
    checked = {}
    for key, value in known.items():
        if not _fits(KEYS[key], value):
            raise UsageError(f"{path}: {name}: {key}: found {value!r}, expected {KEYS[key]}")
        if KEYS[key] == LIST:
            value = (value,) if isinstance(value, str) else tuple(map(str, value))
        checked["fresh_days" if key == "fresh" else key] = days(value) if KEYS[key] == DAYS else value
    return checked


def _fits(kind: str, value: Any) -> bool:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if kind == YES:
        return isinstance(value, bool)
    if kind in (TEXT, DAYS):
        return isinstance(value, str)
    if kind == LIST:
        return isinstance(value, str) or (isinstance(value, list) and all(isinstance(v, str | int) for v in value))
    if kind == WEIGHTS:
        return isinstance(value, dict) and all(_fits(NUMBER, weight) for weight in value.values())
    return number and (kind == NUMBER or isinstance(value, int))


def _section(path: Path, name: str, found: Any) -> dict[str, Any]:
    if not isinstance(found, dict):
        raise UsageError(f"{path}: {name}: found {type(found).__name__}, expected key: value lines")
    return found


def _refuse_unknown(path: Path, name: str, found: Mapping[str, Any], known: tuple[str, ...]) -> None:
    for key in found:
        if key not in known:
            near = get_close_matches(str(key), known, n=1)
            hint = f"did you mean {near[0]!r}?" if near else f"known are {', '.join(known)}"
            raise UsageError(f"{path}: {name}: unknown key {str(key)!r}; {hint}")
