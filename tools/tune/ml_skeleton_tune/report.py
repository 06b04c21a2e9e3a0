"""What `tune check, best, trials, status` print: a text for a person, JSON, CSV or Parquet for a program."""

import json
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ml_skeleton.errors import InputError
from ml_skeleton.tuning.pareto import pareto_front
from ml_skeleton.tuning.records import TrialRecord, best_trial, count_states, read_trials
from ml_skeleton.tuning.space import text_of
from ml_skeleton.tuning.study import Plan, read_study
from ml_skeleton.tuning.verdict import exit_in_words

from ml_skeleton_tune.formats import Format, Table, cell, print_table

if TYPE_CHECKING:
    from ml_skeleton.tuning.check import Check  # which imports Optuna, that only `tune check` needs


def best_trials(study: Path) -> list[TrialRecord]:
    """Return the best trial of a study, of several objectives the front; raise InputError if none is complete."""
    plan, trials = read_study(study), read_trials(study)
    best = best_trial(trials, plan.objective)
    if best is None:
        complete = any(trial.state == "complete" for trial in trials)
        lack = "keeps the constraints" if complete else "is complete"
        raise InputError(f"{study}: none of {len(trials)} trials {lack}")
    return pareto_front([trial for trial in trials if trial.feasible], plan.objectives) if plan.further else [best]


def best_report(study: Path, written: Format | None) -> None:
    """Print the best trial of a study, of several objectives the front."""
    plan, best = read_study(study), best_trials(study)
    if written == "json":
        print(json.dumps([asdict(trial) for trial in best] if plan.further else asdict(best[0])))
    elif written:
        print_table(_table(plan, best), written)
    elif plan.further:
        print(_aligned(_table(plan, best)))
    else:
        facts = {"trial": str(best[0].trial), plan.objective.metric: repr(best[0].value)}
        facts |= {name: text_of(value) for name, value in best[0].params.items()}
        facts |= {"command": shlex.join(best[0].argv)} if best[0].argv else {}  # a script has none
        facts |= {"folder": best[0].dir}
        print(_lined_up([[name, text] for name, text in facts.items()]))


def trials_report(study: Path, written: Format | None) -> None:
    """Print all trials of a study."""
    plan, trials = read_study(study), read_trials(study)
    if written == "json":
        print(json.dumps([asdict(trial) for trial in trials]))
    elif written:
        print_table(_table(plan, trials), written)
    else:
        print(_aligned(_table(plan, trials)))


def status_report(study: Path, written: Format | None) -> None:
    """Print how many trials a study has in which state, and the best so far."""
    plan, trials = read_study(study), read_trials(study)
    counts, best = count_states(trials), best_trial(trials, plan.objective)
    there = {state: count for state, count in counts.items() if count}
    if written == "json":
        print(json.dumps({"study": str(study), "states": there, "best": asdict(best) if best else None}))
    elif written:
        ahead = {"best_trial": best.trial if best else None, "best_value": best.value if best else None}
        row = {"study": str(study), **counts, **ahead}
        print_table(Table(list(row), [row]), written)
    else:
        words = ", ".join(f"{count} {state}" for state, count in there.items()) or "no trials yet"
        print("; ".join([f"{study}: {words}", *_praised(plan, trials, best)]))


def check_report(check: "Check") -> str:
    """Return what a dry trial was given and what was found in it."""
    lines = [f"argument {position}: {argument}" for position, argument in enumerate(check.argv)]
    lines += [f"{exit_in_words(check.exit_code)} after {check.seconds:.1f} s"]
    lines += [f"{name} = {value!r}" for name, value in check.metrics.items()] or ["no figures found"]
    lines += [f"{check.skipped_lines} lines of $TUNE_METRICS are not JSON"] if check.skipped_lines else []
    for name, text in (("stdout", check.stdout), ("stderr", check.stderr)):
        lines += [f"{name}: {line}" for line in text.splitlines()]
    return "\n".join(lines)


def _praised(plan: Plan, trials: Sequence[TrialRecord], best: TrialRecord | None) -> list[str]:
    if best is None:
        return []
    front = pareto_front([trial for trial in trials if trial.feasible], plan.objectives) if plan.further else []
    pairs = zip(plan.objectives, best.values, strict=True)
    values = ", ".join(f"{objective.metric} {value!r}" for objective, value in pairs)
    return [*([f"{len(front)} on the Pareto front"] if front else []), f"best {values} in trial {best.trial}"]


def _table(plan: Plan, trials: Sequence[TrialRecord]) -> Table:
    metrics = [objective.metric for objective in plan.objectives]
    taken = ["trial", "state", *metrics, "seconds", "exit_code", "reason"]
    params = {one.name: f"params.{one.name}" if one.name in taken else one.name for one in plan.space}
    columns = ["trial", "state", *metrics, "seconds", "exit_code", *params.values(), "reason"]
    return Table(columns, [_row(trial, metrics, params) for trial in trials])


def _row(trial: TrialRecord, metrics: Sequence[str], params: Mapping[str, str]) -> dict[str, Any]:
    found = {column: trial.params.get(name) for name, column in params.items()}
    found |= {params[name]: "null" for name, value in trial.params.items() if value is None}  # which is no absence
    values = dict.fromkeys(metrics) | dict(zip(metrics, trial.values, strict=False))
    facts = {"trial": trial.trial, "state": trial.state, "reason": trial.reason}
    return facts | values | {"seconds": trial.seconds, "exit_code": trial.exit_code} | found


def _aligned(table: Table) -> str:
    rows = [[cell(row[name]) for name in table.columns] for row in table.rows]
    return _lined_up([table.columns, *rows])


def _lined_up(rows: Sequence[Sequence[str]]) -> str:
    widths = [max(len(text) for text in column) for column in zip(*rows, strict=True)]
    lines = ["  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)) for row in rows]
    return "\n".join(line.rstrip() for line in lines)
