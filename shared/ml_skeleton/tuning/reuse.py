"""Which trials of a study are the same, so that one result serves both: same command line, same input files."""

import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path

from ml_skeleton.artifacts.files import fingerprint_of
from ml_skeleton.tuning.attempts import Attempt
from ml_skeleton.tuning.space import Setting
from ml_skeleton.tuning.study import Plan
from ml_skeleton.tuning.trial_folder import Result

_OWN_PATHS = ("dir", "study", "config", "metrics", "gpu")  # differ between trials, and say nothing of the result
_OWN_NUMBERS = ("trial", "seed")  # differ, and may well change the result
_ENTRIES_LOOKED_AT = 1000  # of a folder


def identity_of(plan: Plan, settings: Mapping[str, Setting], number: int) -> str:
    """Return what a trial shares with those that must have the same result; empty if there can be none.

    A file or folder in the command line stands for its content, by size and time
    of change.
    """
    names = plan.template.names()
    if not plan.command or names.intersection(_OWN_NUMBERS):
        return ""
    texts = {name: setting.text for name, setting in settings.items()}
    argv = plan.template.fill(texts | {name: f"{{{name}}}" for name in _OWN_PATHS})
    values = {name: setting.value for name, setting in settings.items()}  # which $TUNE_PARAMS tells, too
    inputs = [found for argument in argv for found in _content(plan.cwd, argument)]
    return fingerprint_of(json.dumps([argv, values, inputs], sort_keys=True))


def reused(known: Result, attempt: Attempt) -> Result:
    """Return the result of an attempt at the same as in a trial that is over."""
    return replace(
        known,
        trial=attempt.number,
        attempt=attempt.attempt,
        reason=known.reason or f"the same as trial {known.trial}, not run again",
        seconds=0.0,
        started=datetime.now(UTC).isoformat(timespec="milliseconds"),
    )


def _content(cwd: Path, argument: str) -> Iterator[tuple[str, int, int]]:
    """Yield name, size and time of change of the files behind an argument, or behind the value of `--name=value`."""
    for name in sorted({argument, argument.rpartition("=")[2]} - {""}):
        path = os.path.join(cwd, name)
        try:
            entries = [path, *islice(_below(path), _ENTRIES_LOOKED_AT)] if os.path.isdir(path) else [path]
            for entry in entries:
                facts = os.stat(entry)
                yield entry, facts.st_size, facts.st_mtime_ns
        except (OSError, ValueError):  # no path at all
            continue


def _below(folder: str) -> Iterator[str]:
    for root, folders, files in os.walk(folder):
        folders.sort()
        yield from (os.path.join(root, name) for name in sorted(files))
