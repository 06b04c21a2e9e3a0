"""What `tune check, best, trials, status` print: a text for a person, JSON or CSV for a program."""

import csv
import io
import json
import shlex
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from ml_skeleton.errors import InputError, UsageError
from ml_skeleton.tuning.pareto import pareto_front
from ml_skeleton.tuning.records import TrialRecord, best_trial, count_states, read_trials
from ml_skeleton.tuning.space import text_of
from ml_skeleton.tuning.study import Plan, read_study
from ml_skeleton.tuning.verdict import exit_in_words

if TYPE_CHECKING:
    from ml_skeleton.tuning.check import Check  # which imports Optuna, that only `tune check` needs


def best_report(study: Path, as_json: bool) -> str:
    """Return the best trial of a study, of several objectives the front; raise InputError if none is complete."""
    plan = read_study(study)
    trials = read_trials(study)
    best = best_trial(trials, plan.objective)
    if best is None:
        complete = any(trial.state == "complete" for trial in trials)
        lack = "keeps the constraints" if complete else "is complete"
        raise InputError(f"{study}: none of {len(trials)} trials {lack}")
    if plan.further:
        front = pareto_front([trial for trial in trials if trial.feasible], plan.objectives)
        return json.dumps([asdict(trial) for trial in front]) if as_json else _table(plan, front)
    if as_json:
        return json.dumps(asdict(best))
    facts = {"trial": str(best.trial), plan.objective.metric: repr(best.value)}
    facts |= {name: text_of(value) for name, value in best.params.items()}
    facts |= {"command": shlex.join(best.argv), "folder": best.dir}
    return _aligned([[name, text] for name, text in facts.items()])


def trials_report(study: Path, as_json: bool, as_csv: bool) -> str:
    """Return all trials of a study."""
    if as_json and as_csv:
        raise UsageError("--json and --csv: choose one")
    plan = read_study(study)
    trials = read_trials(study)
    if as_json:
        return json.dumps([asdict(trial) for trial in trials])
    return _table(plan, trials, as_csv)


def status_report(study: Path, as_json: bool) -> str:
    """Return how many trials a study has in which state, and the best so far."""
    plan = read_study(study)
    trials = read_trials(study)
    counts = {state: count for state, count in count_states(trials).items() if count}
    best = best_trial(trials, plan.objective)
    if as_json:
        return json.dumps({"study": str(study), "states": counts, "best": asdict(best) if best else None})
    words = ", ".join(f"{count} {state}" for state, count in counts.items()) or "no trials yet"
    return f"{study}: {words}" + (
        f"; best {plan.objective.metric} {best.value!r} in trial {best.trial}" if best else ""
    )


def check_report(check: "Check") -> str:
    """Return what a dry trial was given and what was found in it."""
    lines = [f"argument {position}: {argument}" for position, argument in enumerate(check.argv)]
    lines += [f"{exit_in_words(check.exit_code)} after {check.seconds:.1f} s"]
    lines += [f"{name} = {value!r}" for name, value in check.metrics.items()] or ["no figures found"]
    lines += [f"{check.skipped_lines} lines of $TUNE_METRICS are not JSON"] if check.skipped_lines else []
    for name, text in (("stdout", check.stdout), ("stderr", check.stderr)):
        lines += [f"{name}: {line}" for line in text.splitlines()]
    return "\n".join(lines)


def _table(plan: Plan, trials: Sequence[TrialRecord], as_csv: bool = False) -> str:
    names = [parameter.name for parameter in plan.space]
    metrics = [objective.metric for objective in plan.objectives]
    header = ["trial", "state", *metrics, "seconds", "exit_code", *names, "reason"]
    table = [header, *(_row(trial, len(metrics), names) for trial in trials)]
    return _csv(table) if as_csv else _aligned(table)


def _row(trial: TrialRecord, metrics: int, names: Sequence[str]) -> list[str]:
    values = [repr(value) for value in trial.values] or [""] * metrics
    seconds = "" if trial.seconds is None else f"{trial.seconds:.3f}"
    code = "" if trial.exit_code is None else str(trial.exit_code)
    params = [text_of(trial.params[name]) if name in trial.params else "" for name in names]
    return [str(trial.trial), trial.state, *values, seconds, code, *params, trial.reason]


def _csv(table: Sequence[Sequence[str]]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(table)
    return text.getvalue().rstrip("\n")


def _aligned(table: Sequence[Sequence[str]]) -> str:
    widths = [max(len(cell) for cell in column) for column in zip(*table, strict=True)]
    rows = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in table]
    return "\n".join(row.rstrip() for row in rows)
