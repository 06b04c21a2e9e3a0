"""study.json: what a study searches, with which command, and what must not change while it goes on.

Format 1: the provenance of a study, whose settings hold the command with its
placeholders, the folder it runs in, the space, the objective and the seed.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from ml_skeleton.artifacts.files import fingerprint_of, make_folder, write_text
from ml_skeleton.artifacts.provenance import Provenance, parse_provenance, require
from ml_skeleton.console import warn
from ml_skeleton.errors import InputError, UsageError
from ml_skeleton.tuning.command import CommandTemplate, declare_all, parse_command
from ml_skeleton.tuning.grammar import describe, from_json, parse_assignment, read_space, to_json
from ml_skeleton.tuning.objective import ANY_METRIC, Objective
from ml_skeleton.tuning.space import Parameter, Space

KIND, FORMAT = "tuning study", 1
DEFAULT_SEED = 42


@dataclass(frozen=True)
class Plan:
    """What is searched: a command with placeholders, the space, the objective, the seed."""

    command: tuple[str, ...]
    space: Space
    objective: Objective
    seed: int
    cwd: Path

    @cached_property
    def template(self) -> CommandTemplate:
        return parse_command(self.command)

    @cached_property
    def fingerprint(self) -> str:
        """What the values of two trials must have in common to be compared."""
        parameters = {parameter.name: to_json(parameter) for parameter in self.space}
        return fingerprint_of(json.dumps([parameters, asdict(self.objective), self.seed], sort_keys=True))

    def terms(self) -> dict[str, str]:
        """Return the same in words, one term each."""
        parameters = {parameter.name: describe(parameter) for parameter in self.space}
        objective = {"-m": f"{self.objective.metric}:{self.objective.direction}", "--reduce": self.objective.reduce}
        return {**parameters, **objective, "--regex": self.objective.regex or "none", "--seed": str(self.seed)}


def space_of(command: Sequence[str], assignments: Sequence[str], space_file: Path | None) -> Space:
    """Return the space that a command, `-p` options and a file describe together; UsageError where they disagree."""
    given: dict[str, Parameter] = read_space(space_file) if space_file else {}
    for text in assignments:
        parameter = parse_assignment(text)
        if given.setdefault(parameter.name, parameter) != parameter:
            raise UsageError(f"-p {text}: {parameter.name} is described twice, and differently; describe it once")
    return declare_all(parse_command(command), given)


def new_plan(
    command: Sequence[str],
    assignments: Sequence[str] | None,
    space_file: Path | None,
    objective: Objective | None,
    seed: int | None,
) -> Plan:
    """Return the plan of a study in this folder; raise UsageError where the command line does not make sense."""
    if not command:
        raise UsageError("no COMMAND given; it comes last, after -- if you like")
    space = space_of(command, assignments or [], space_file)
    return Plan(tuple(command), space, objective or ANY_METRIC, DEFAULT_SEED if seed is None else seed, Path.cwd())


def plan_of(
    folder: Path,
    command: Sequence[str] | None,
    assignments: Sequence[str] | None,
    space_file: Path | None,
    objective: Objective | None,
    seed: int | None,
) -> Plan:
    """Return the plan that the command line describes; what it leaves out comes from the study in `folder`."""
    kept = read_study(folder) if (folder / "study.json").exists() else None
    if kept is None or command:
        if objective is None:
            raise UsageError("no metric given: say which figure counts with -m NAME:min or -m NAME:max")
        return new_plan(command or (), assignments, space_file, objective, kept.seed if kept and seed is None else seed)
    if assignments or space_file or objective:
        raise UsageError("without COMMAND all comes from the study: leave out -m, -p and --space, or give COMMAND too")
    return kept if seed is None else replace(kept, seed=seed)


def open_study(folder: Path, plan: Plan) -> Plan:
    """Make the study, or check that `plan` goes on with the one that is there; return the plan as kept.

    Raise UsageError with the differences if space, objective or seed have changed.
    """
    path = folder / "study.json"
    if path.exists():
        kept = read_study(folder)
        if kept.fingerprint != plan.fingerprint:
            raise UsageError(
                f"{folder}: the study was begun differently: {_differences(kept, plan)}; take another --study"
            )
        if kept.command == plan.command and kept.cwd == plan.cwd:
            return kept
        if kept.command != plan.command:
            warn(f"{folder}: the command has changed, and earlier trials ran the old one: {' '.join(kept.command)}")
    else:
        _refuse_other_files(folder)
    make_folder(folder)
    write_text(path, _to_json(plan))
    return plan


def rewrite_study(folder: Path, plan: Plan) -> None:
    """Replace the plan of a study by one that differs in nothing that a trial has depended on."""
    write_text(folder / "study.json", _to_json(plan))


def read_study(folder: Path) -> Plan:
    """Return the plan of the study in `folder`; raise InputError if there is none."""
    path = folder / "study.json"
    try:
        provenance = parse_provenance(path.read_bytes(), path)
    except (FileNotFoundError, NotADirectoryError):
        raise InputError(f"{folder}: no study here; tune run makes one") from None
    require(provenance, path, KIND, FORMAT, "tune run")
    try:
        return _from_settings(provenance.settings, provenance.seed or 0)
    except (KeyError, TypeError):
        raise InputError(f"{path}: incomplete; remove the folder and run the study again") from None


def _refuse_other_files(folder: Path) -> None:
    strangers = [entry.name for entry in folder.iterdir() if entry.name != ".lock"] if folder.is_dir() else []
    if strangers:
        raise UsageError(f"{folder}: holds {strangers[0]} and no study; give --study a folder of its own")


def _differences(kept: Plan, wanted: Plan) -> str:
    old, new = kept.terms(), wanted.terms()
    changed = [f"{name} was {old[name]}, now {new[name]}" for name in old if name in new and old[name] != new[name]]
    gone = [f"{name} ({old[name]}) is gone" for name in old if name not in new]
    added = [f"{name} ({new[name]}) is new" for name in new if name not in old]
    return "; ".join([*changed, *gone, *added]) or "the values of a choice"


def _to_json(plan: Plan) -> str:
    settings = {
        "command": list(plan.command),
        "cwd": str(plan.cwd),
        "space": {parameter.name: to_json(parameter) for parameter in plan.space},
        "objective": asdict(plan.objective),
        "fingerprint": plan.fingerprint,
    }
    provenance = Provenance(KIND, FORMAT, "tune", settings, plan.seed)
    return json.dumps(asdict(provenance), indent=2) + "\n"


def _from_settings(settings: Mapping[str, Any], seed: int) -> Plan:
    space = Space({name: from_json(name, long) for name, long in settings["space"].items()})
    return Plan(tuple(settings["command"]), space, Objective(**settings["objective"]), seed, Path(settings["cwd"]))
