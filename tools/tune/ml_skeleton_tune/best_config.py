"""The best parameters of a study as a section of a configuration file, for the --config of the tool that was tuned."""

from pathlib import Path
from typing import Any

from ml_skeleton.artifacts.files import write_text
from ml_skeleton.errors import InputError, UserError

from ml_skeleton_tune.report import best_trials


def best_config(study: Path, section: str, base: Path | None) -> str:
    """Return YAML whose `section` holds the parameters of the best trial, over what `base` says of it and all else.

    Raise InputError if no trial is complete, UserError if `base` is no configuration file.
    """
    import yaml

    best = best_trials(study)[0]
    sections = _sections(base) if base else {}
    sections[section] = (sections.get(section) or {}) | best.params
    return str(yaml.safe_dump(sections, sort_keys=False, allow_unicode=True))


def write_config(text: str, out: Path) -> Path:
    """Write a configuration file and return where it is."""
    write_text(out, text)
    return out


def _sections(path: Path) -> dict[str, Any]:
    import yaml

    try:
        found = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
    except OSError as error:
        raise InputError(f"{path}: cannot read the configuration: {error.strerror}") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise UserError(f"{path}: not a YAML file: {' '.join(str(error).split())}") from None
    if not isinstance(found, dict) or not all(isinstance(one, dict | None) for one in found.values()):
        raise UserError(f"{path}: expected a section per tool, with option: value lines")
    return found
