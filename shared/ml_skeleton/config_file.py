"""The configuration file: YAML with a section per tool, whose settings are the defaults of its options."""

from difflib import get_close_matches
from pathlib import Path
from typing import Any

from ml_skeleton.errors import InputError, UsageError


def as_typed(value: Any, multiple: bool) -> Any:
    """Return a setting as the shell would have handed it over: several values as a list, a ~/ expanded."""
    if isinstance(value, list):
        return [as_typed(one, False) for one in value]
    text = str(Path(value).expanduser()) if isinstance(value, str) and value.startswith("~/") else value
    return [text] if multiple and isinstance(text, str) else text


def read_section(path: Path, tool: str, options: set[str]) -> dict[str, Any]:
    """Return the settings of `tool` in the file at `path`, by option.

    Raises InputError for a file that cannot be read, UsageError for one that is no
    configuration, or that names an option which is not among `options`.
    """
    import yaml  # here, as most commands are given no file

    try:
        sections = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
    except OSError as error:
        raise InputError(f"{path}: cannot read the configuration: {error.strerror}") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise UsageError(f"{path}: not a YAML file: {' '.join(str(error).split())}") from None
    section = sections.get(tool) if isinstance(sections, dict) else sections
    if section is None and isinstance(sections, dict):
        for other in get_close_matches(tool, [str(name) for name in sections], n=1, cutoff=0.85):
            raise UsageError(f"{path}: section {other!r}: no such tool; did you mean {tool!r}?")
    if section is None:
        return {}
    if not isinstance(section, dict):
        raise UsageError(f"{path}: section {tool!r}: found {type(section).__name__}, expected option: value lines")
    known = {str(key).replace("-", "_"): value for key, value in section.items()}
    for unknown in sorted(known.keys() - options):
        near = get_close_matches(unknown, options, n=1)
        hint = f"; did you mean {near[0]!r}?" if near else f"; known are {', '.join(sorted(options))}"
        raise UsageError(f"{path}: section {tool!r}: unknown option {unknown!r}{hint}")
    return known
