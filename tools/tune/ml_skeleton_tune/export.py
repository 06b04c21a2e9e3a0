"""All that a study knows of its trials, as rows: one trial a row."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ml_skeleton.tuning.curves import read_curves
from ml_skeleton.tuning.records import TrialRecord, read_results, read_trials
from ml_skeleton.tuning.study import Plan, read_study
from ml_skeleton.tuning.trial_folder import Result, trial_folder

from ml_skeleton_tune.formats import Table

_FACTS = ("trial", "state", "reason", "feasible", "seconds", "started", "host", "commit", "exit_code", "argv", "dir")


def nested_table(study: Path) -> Table:
    """Return the trials as they are: parameters, values, metrics and curves as objects of their own."""
    plan, results = read_study(study), read_results(study)
    rows = [_nested(plan, trial, results.get(trial.trial), study) for trial in read_trials(study)]
    return Table(list(rows[0]) if rows else [], rows)


def flat_table(study: Path) -> Table:
    """Return the same with a column for each value (`values.loss`), parameter and metric.

    `curves` is a list of points with metric, step and value.
    """
    plan, rows = read_study(study), nested_table(study).rows
    groups = {
        "values": [objective.metric for objective in plan.objectives],
        "params": [parameter.name for parameter in plan.space],
        "metrics": sorted({name for row in rows for name in row["metrics"]}),
    }
    spread = [f"{group}.{name}" for group, names in groups.items() for name in names]
    return Table([*_FACTS, *spread, "curves"], [_flat(row, groups) for row in rows])


def _nested(plan: Plan, trial: TrialRecord, result: Result | None, study: Path) -> dict[str, Any]:
    curves = read_curves(trial_folder(study, trial.trial))
    names = [objective.metric for objective in plan.objectives]
    return {
        "trial": trial.trial,
        "state": trial.state,
        "reason": trial.reason,
        "feasible": trial.feasible,
        "seconds": trial.seconds,
        "started": result.started if result else None,
        "host": result.host if result else None,
        "commit": result.commit if result else None,
        "exit_code": trial.exit_code,
        "argv": trial.argv,
        "dir": trial.dir,
        "values": dict(zip(names, trial.values, strict=False)),  # no values but of a complete trial
        "params": trial.params,
        "metrics": result.metrics if result else {},
        "curves": {name: [(point.step, point.value) for point in curve] for name, curve in curves.items()},
    }


def _flat(row: Mapping[str, Any], groups: Mapping[str, Sequence[str]]) -> dict[str, Any]:
    facts = {name: row[name] for name in _FACTS}
    for group, names in groups.items():
        facts |= {f"{group}.{name}": row[group].get(name) for name in names}
    curves = row["curves"].items()
    points = [{"metric": name, "step": step, "value": value} for name, curve in curves for step, value in curve]
    return facts | {"curves": points}
