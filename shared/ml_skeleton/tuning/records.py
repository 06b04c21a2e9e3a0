"""What a study's folder says about its trials. Reads files only, so it works beside a run and needs no Optuna."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from ml_skeleton.tuning.lease import lease_lives
from ml_skeleton.tuning.objective import Objective
from ml_skeleton.tuning.trial_folder import Result, State, TrialFolder, trial_folders


@dataclass(frozen=True)
class TrialRecord:
    """A trial as `tune trials` shows it."""

    trial: int
    state: State | Literal["running", "interrupted"]
    value: float | None
    seconds: float | None
    exit_code: int | None
    reason: str
    params: dict[str, Any]
    argv: list[str]
    dir: str
    values: list[float] = field(default_factory=list)  # of all objectives
    feasible: bool = False  # complete, and keeps all constraints


def read_results(study: Path) -> dict[int, Result]:
    """Return the results of the trials that are over, by their number."""
    results = {folder.number: folder.read_result() for folder in trial_folders(study)}
    return {number: result for number, result in results.items() if result is not None}


def read_trials(study: Path) -> list[TrialRecord]:
    """Return all trials in their order."""
    return [_record(folder) for folder in trial_folders(study)]


def best_trial(trials: Iterable[TrialRecord], objective: Objective) -> TrialRecord | None:
    """Return the trial that keeps all constraints with the best value, the earlier of equals; None if there is none."""
    valued = [(objective.cost(trial.value), trial) for trial in trials if trial.feasible and trial.value is not None]
    return min(valued, key=lambda pair: pair[0], default=(0.0, None))[1]


def count_states(trials: Iterable[TrialRecord]) -> dict[str, int]:
    """Return how many trials are in each state, in the order of the states' names of `tune status`."""
    counts = Counter(trial.state for trial in trials)
    return {state: counts[state] for state in ("complete", "pruned", "failed", "infeasible", "running", "interrupted")}


def _record(folder: TrialFolder) -> TrialRecord:
    result = folder.read_result()
    params, argv, path = folder.read_params(), folder.read_argv(), str(folder.path)
    if result is None:
        state: Literal["running", "interrupted"] = "running" if lease_lives(folder.lease) else "interrupted"
        return TrialRecord(folder.number, state, None, None, None, "", params, argv, path)
    return TrialRecord(
        trial=result.trial,
        state=result.state,
        value=result.value,
        seconds=result.seconds,
        exit_code=result.exit_code,
        reason=result.reason,
        params=params,
        argv=argv,
        dir=path,
        values=result.values,
        feasible=result.feasible,
    )
