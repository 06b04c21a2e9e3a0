"""A function as the objective of a study: its plan, its folder, and how its trials are started."""

import inspect
import marshal
import os
import pickle
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from ml_skeleton.artifacts.files import complete_or_absent, fingerprint_of, make_folder, only_run
from ml_skeleton.console import note
from ml_skeleton.errors import BusyError, InputError
from ml_skeleton.tuning.forked import forked
from ml_skeleton.tuning.function_trial import FunctionTask, run_trial
from ml_skeleton.tuning.live_trial import OBJECTIVE
from ml_skeleton.tuning.objective import Objective
from ml_skeleton.tuning.pickled import pickled
from ml_skeleton.tuning.process import Start, start_program
from ml_skeleton.tuning.records import read_results
from ml_skeleton.tuning.space import Space
from ml_skeleton.tuning.study import Plan, read_study

PICKLE = "function.pkl"
_DIGEST_CHARS = 8


def plan_of_function(train_fn: Callable[..., object], space: Space, seed: int) -> Plan:
    """Return the plan of a study of `train_fn`; which way is better is not known before a trial has returned."""
    name = getattr(train_fn, "__qualname__", type(train_fn).__name__)
    label = f"{getattr(train_fn, '__module__', '')}.{name}@{_digest(train_fn)}"
    python = [sys.executable, "-m", "ml_skeleton.tuning.function_trial"]
    command = [_literal(word) for word in python] + [f"{{study}}{os.sep}{PICKLE}", _literal(label)]
    return Plan(tuple(command), space, Objective(OBJECTIVE, "min"), seed, Path.cwd())


def folder_for(base: Path, plan: Plan, target: int) -> Path:
    """Return the folder of the newest study under `base` if it is unfinished and the same, else a new one's."""
    make_folder(base)
    former = sorted(entry for entry in base.iterdir() if entry.is_dir() and entry.name.isdigit())
    if former and _goes_on(former[-1], plan, target):
        return former[-1]
    return base / f"{int(former[-1].name) + 1 if former else 1:03d}"


def prepare(folder: Path, task: FunctionTask) -> Start:
    """Put the function where trials find it, and return how to start them.

    Each trial is a fresh interpreter that unpickles the function; a function that
    cannot be pickled (it holds a lock, a socket, a generator) runs in forks of this
    process instead, which works as long as no thread or CUDA context is in the way.
    """
    try:
        content = {"sys_path": [str(Path(entry).resolve()) for entry in sys.path], "task": pickled(task, task.train_fn)}
    except Exception as error:  # whatever the objects that it holds raise
        note(f"the function cannot be pickled ({error}); trials run in forks of this process")
        return forked(lambda: run_trial(task))
    with complete_or_absent(folder / PICKLE) as partial:
        partial.write_bytes(pickle.dumps(content))
    return start_program


def _goes_on(folder: Path, plan: Plan, target: int) -> bool:
    try:
        kept = read_study(folder)
        with only_run(folder / PICKLE):
            finished = len(read_results(folder))
    except (InputError, BusyError):
        return False
    same = replace(kept, objective=plan.objective).fingerprint == plan.fingerprint and kept.command == plan.command
    if same and 0 < finished < target:
        note(f"{folder}: going on with {finished} of {target} trials finished")
    return same and finished < target


def _digest(train_fn: Callable[..., object]) -> str:
    """Return what tells a function from the same one after its file was edited."""
    module = inspect.getmodule(train_fn)
    try:
        text = inspect.getsource(module) if module else ""
    except (OSError, TypeError):  # typed into an interpreter or a notebook
        text = ""
    code = getattr(train_fn, "__code__", None)
    return fingerprint_of(text or (marshal.dumps(code) if code else repr(type(train_fn))))[:_DIGEST_CHARS]


def _literal(word: str) -> str:
    return word.replace("{", "{{").replace("}", "}}")
