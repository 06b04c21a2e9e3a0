"""study.json: what a study searches, with which command, and what must not change while it goes on.

Format 1: the provenance of a study, whose settings hold the command with its
placeholders, the folder it runs in, the space, the objectives, the constraints
and the seed; and under "run" how it was last run, which `tune join` goes by.
"""

import json
import re
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
from ml_skeleton.tuning.constraints import Constraint
from ml_skeleton.tuning.grammar import describe, from_json, parse_assignment, read_space, to_json
from ml_skeleton.tuning.objective import ANY_METRIC, Objective
from ml_skeleton.tuning.space import Parameter, Space

KIND, FORMAT = "tuning study", 1
DEFAULT_SEED = 42
LOCK_NAME = re.compile(r"\..*\.?lock")


@dataclass(frozen=True)
class Plan:
    """What is searched: a command with placeholders, the space, the objectives, the seed."""

    command: tuple[str, ...]  # empty: a script asks for the trials and runs them
    space: Space
    objective: Objective  # the first, and nearly always the only one
    seed: int
    cwd: Path
    further: tuple[Objective, ...] = ()
    constraints: tuple[Constraint, ...] = ()

    @property
    def objectives(self) -> tuple[Objective, ...]:
        return (self.objective, *self.further)

    @cached_property
    def template(self) -> CommandTemplate:
        return parse_command(self.command)

    @cached_property
    def fingerprint(self) -> str:
        """What the values of two trials must have in common to be compared."""
        parameters = {parameter.name: to_json(parameter) for parameter in self.space}
        terms: list[Any] = [parameters, asdict(self.objective), self.seed]
        terms += [*map(asdict, self.further), *map(asdict, self.constraints)]
        return fingerprint_of(json.dumps(terms, sort_keys=True))

    def terms(self) -> dict[str, str]:
        """Return the same in words, one term each."""
        parameters = {parameter.name: describe(parameter) for parameter in self.space}
        objective = {"-m": " ".join(map(str, self.objectives)), "--reduce": self.objective.reduce}
        constraints = {"--constraint": " ".join(map(str, self.constraints)) or "none"}
        others = {"--regex": self.objective.regex or "none", "--seed": str(self.seed)}
        return {**parameters, **objective, **constraints, **others}


@dataclass(frozen=True)
class RunTerms:
    """How a study was last run; what `tune join` goes by, as it says nothing of it itself."""

    trials: int
    sampler: str = "tpe"
    pruner: str = "median"
    timeout_s: float | None = None
    grace_s: float = 10.0
    max_fail: int | None = None
    retries: int = 0
    reuse: bool = True


@dataclass(frozen=True)
class KeptStudy:
    """What study.json holds."""

    plan: Plan
    terms: RunTerms | None  # None: it was begun by `tune ask`
    storage: str | None  # address of a database, without password; None: the journal in the folder
    name: str = "study"  # there

    def to_json(self) -> str:
        """Return the content of study.json."""
        plan = self.plan
        settings = {
            "command": list(plan.command),
            "cwd": str(plan.cwd),
            "space": {parameter.name: to_json(parameter) for parameter in plan.space},
            "objective": asdict(plan.objective),
            "further_objectives": [asdict(one) for one in plan.further],
            "constraints": [asdict(one) for one in plan.constraints],
            "fingerprint": plan.fingerprint,
            "storage": self.storage,
            "name": self.name,
            "run": asdict(self.terms) if self.terms else None,
        }
        provenance = Provenance(KIND, FORMAT, "tune", settings, plan.seed)
        return json.dumps(asdict(provenance), indent=2) + "\n"


def space_of(command: Sequence[str], assignments: Sequence[str], space_file: Path | None) -> Space:
    """Return the space that a command, `-p` options and a file describe together; UsageError where they disagree."""
    return declare_all(parse_command(command), _given(assignments, space_file))


def _given(assignments: Sequence[str], space_file: Path | None) -> dict[str, Parameter]:
    given: dict[str, Parameter] = read_space(space_file) if space_file else {}
    for text in assignments:
        parameter = parse_assignment(text)
        if given.setdefault(parameter.name, parameter) != parameter:
            raise UsageError(f"-p {text}: {parameter.name} is described twice, and differently; describe it once")
    return given


def new_plan(
    command: Sequence[str],
    assignments: Sequence[str] | None,
    space_file: Path | None,
    objectives: Objective | Sequence[Objective] | None,
    seed: int | None,
    constraints: Sequence[Constraint] = (),
) -> Plan:
    """Return the plan of a study in this folder; raise UsageError where the command line does not make sense."""
    if not command:
        raise UsageError("no COMMAND given; it comes last, after -- if you like")
    space = space_of(command, assignments or [], space_file)
    return _plan(tuple(command), space, objectives, seed, constraints)


def _plan(
    command: tuple[str, ...],
    space: Space,
    objectives: Objective | Sequence[Objective] | None,
    seed: int | None,
    constraints: Sequence[Constraint],
) -> Plan:
    first, *further = [objectives] if isinstance(objectives, Objective) else objectives or [ANY_METRIC]
    number = DEFAULT_SEED if seed is None else seed
    return Plan(command, space, first, number, Path.cwd(), tuple(further), tuple(constraints))


def plan_of(
    folder: Path,
    command: Sequence[str] | None,
    assignments: Sequence[str] | None,
    space_file: Path | None,
    objectives: Objective | Sequence[Objective] | None,
    seed: int | None,
    constraints: Sequence[Constraint] = (),
) -> Plan:
    """Return the plan that the command line describes; what it leaves out comes from the study in `folder`.

    Raise InputError where it describes nothing and there is no study.
    """
    kept = read_study(folder) if (folder / "study.json").exists() else None
    if kept is None and not (command or objectives):
        raise InputError(f"{folder}: no study here to go on with; give -m NAME:min and COMMAND to begin one")
    if kept is None or command:
        if not objectives:
            raise UsageError("no metric given: say which figure counts with -m NAME:min or -m NAME:max")
        seed = kept.seed if kept and seed is None else seed
        return new_plan(command or (), assignments, space_file, objectives, seed, constraints)
    if assignments or space_file or objectives or constraints:
        raise UsageError(
            "without COMMAND all comes from the study: leave out -m, -p, --space and --constraint, or give COMMAND too"
        )
    return kept if seed is None else replace(kept, seed=seed)


def script_plan(
    folder: Path,
    assignments: Sequence[str] | None,
    space_file: Path | None,
    objectives: Sequence[Objective],
    seed: int | None,
    constraints: Sequence[Constraint] = (),
) -> Plan:
    """Return the plan of a study whose trials a script runs; without parameters and metric, that of the one there."""
    given = _given(assignments or [], space_file)
    if not (given or objectives or constraints):
        return read_study(folder) if seed is None else replace(read_study(folder), seed=seed)
    if not given or not objectives:
        raise UsageError("a new study needs a parameter (-p or --space) and a metric (-m NAME:min or -m NAME:max)")
    kept = read_study(folder) if (folder / "study.json").exists() else None
    return _plan(kept.command if kept else (), Space(given), objectives, seed, constraints)


def open_study(
    folder: Path, plan: Plan, terms: RunTerms | None = None, storage: str | None = None, name: str = "study"
) -> KeptStudy:
    """Make the study, or check that `plan` goes on with the one that is there; return it as kept.

    Raise UsageError with the differences if space, objective, seed or storage have changed.
    """
    wanted = KeptStudy(plan, terms, storage, name)
    path = folder / "study.json"
    if path.exists():
        kept = read_kept(folder)
        check_same(str(folder), kept.plan, plan)
        if storage not in (None, kept.storage):
            raise UsageError(f"{folder}: the study is kept in {kept.storage or 'its journal'}, not in {storage}")
        if kept.plan.command != plan.command:
            old = " ".join(kept.plan.command)
            warn(f"{folder}: the command has changed, and earlier trials ran the old one: {old}")
        wanted = KeptStudy(plan, terms or kept.terms, kept.storage, kept.name)
        if _parts(wanted) == _parts(kept):
            return kept
    else:
        _refuse_other_files(folder)
    make_folder(folder)
    write_text(path, wanted.to_json())
    return wanted


def rewrite_study(folder: Path, plan: Plan) -> None:
    """Replace the plan of a study by one that differs in nothing that a trial has depended on."""
    write_text(folder / "study.json", replace(read_kept(folder), plan=plan).to_json())


def check_same(where: str, kept: Plan, plan: Plan) -> None:
    """Raise UsageError with the differences unless the trials of both plans can be compared."""
    if kept.fingerprint != plan.fingerprint:
        raise UsageError(f"{where}: the study was begun differently: {_differences(kept, plan)}; take another --study")


def read_study(folder: Path) -> Plan:
    """Return the plan of the study in `folder`; raise InputError if there is none."""
    return read_kept(folder).plan


def read_kept(folder: Path) -> KeptStudy:
    """Return all that study.json of `folder` holds; raise InputError if there is none."""
    path = folder / "study.json"
    try:
        text = path.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        raise InputError(f"{folder}: no study here; tune run makes one") from None
    return parse_study(text, path)


def parse_study(text: str | bytes, path: Path) -> KeptStudy:
    """Return what `KeptStudy.to_json` wrote; raise InputError naming `path` for anything else."""
    provenance = parse_provenance(text, path)
    require(provenance, path, KIND, FORMAT, "tune run")
    try:
        return _from_settings(provenance.settings, provenance.seed or 0)
    except (KeyError, TypeError):
        raise InputError(f"{path}: incomplete; remove the folder and run the study again") from None


def _parts(kept: KeptStudy) -> tuple[object, ...]:
    return (kept.plan.command, kept.plan.cwd, kept.plan.fingerprint, kept.terms, kept.storage)


def _refuse_other_files(folder: Path) -> None:
    entries = [entry.name for entry in folder.iterdir()] if folder.is_dir() else []
    strangers = [name for name in entries if not LOCK_NAME.fullmatch(name)]
    if strangers:
        raise UsageError(f"{folder}: holds {strangers[0]} and no study; give --study a folder of its own")


def _differences(kept: Plan, wanted: Plan) -> str:
    old, new = kept.terms(), wanted.terms()
    changed = [f"{name} was {old[name]}, now {new[name]}" for name in old if name in new and old[name] != new[name]]
    gone = [f"{name} ({old[name]}) is gone" for name in old if name not in new]
    added = [f"{name} ({new[name]}) is new" for name in new if name not in old]
    return "; ".join([*changed, *gone, *added]) or "the values of a choice"


def _from_settings(settings: Mapping[str, Any], seed: int) -> KeptStudy:
    plan = Plan(
        command=tuple(settings["command"]),
        space=Space({name: from_json(name, long) for name, long in settings["space"].items()}),
        objective=Objective(**settings["objective"]),
        seed=seed,
        cwd=Path(settings["cwd"]),
        further=tuple(Objective(**one) for one in settings["further_objectives"]),
        constraints=tuple(Constraint(**one) for one in settings["constraints"]),
    )
    run = settings["run"]
    return KeptStudy(plan, RunTerms(**run) if run else None, settings["storage"], settings["name"])
