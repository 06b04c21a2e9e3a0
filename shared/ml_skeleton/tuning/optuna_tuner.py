"""Tuning a training function with Optuna: each trial in a process of its own, by the runner of `tune run`."""

import json
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from ml_skeleton.artifacts.files import make_folder, only_run
from ml_skeleton.core.config import ExperimentConfig
from ml_skeleton.core.devices import gpu_ids, trials_at_once
from ml_skeleton.core.protocols import TrainFunction
from ml_skeleton.core.trackers import NOWHERE, experiment_name, tracker_of
from ml_skeleton.errors import UsageError, UserError
from ml_skeleton.tracking.explr_tracker import ExplrTracker
from ml_skeleton.tracking.null_tracker import NullTracker
from ml_skeleton.tuning.builder import original_choices, space_of_config
from ml_skeleton.tuning.function_study import PICKLE, folder_for, plan_of_function, prepare
from ml_skeleton.tuning.function_trial import RETURNED, FunctionTask
from ml_skeleton.tuning.loop import Limits
from ml_skeleton.tuning.objective import Direction
from ml_skeleton.tuning.opening import begin_study
from ml_skeleton.tuning.outcome import Outcome
from ml_skeleton.tuning.process import Start
from ml_skeleton.tuning.records import read_results
from ml_skeleton.tuning.runner import run_study
from ml_skeleton.tuning.search import SearchSettings
from ml_skeleton.tuning.study import Plan, read_study, rewrite_study
from ml_skeleton.tuning.trial import Allowance
from ml_skeleton.tuning.trial_folder import trial_folder
from ml_skeleton.tuning.whole_study import direction_of, finished_in, plain_study, turn

JOURNAL = "journal.log"


class OptunaTuner:
    """A search over the hyperparameters of one training function."""

    def __init__(
        self,
        train_fn: TrainFunction,
        config: ExperimentConfig,
        mlflow_tracking_uri: str | None = None,
        study_name: str | None = None,
        storage: str | None = None,
        jobs: int | None = None,
    ) -> None:
        """Only take note; raise UsageError for a search space that cannot be read. What is left out is as configured.

        `jobs` trials run at once: left out, as many as `max_concurrent_trials` allows and
        `resources_per_trial` lets this machine bear. Each gets a GPU of its own where there are enough.
        """
        uri = config.mlflow.tracking_uri if mlflow_tracking_uri is None else mlflow_tracking_uri
        self._config = replace(config, mlflow=replace(config.mlflow, tracking_uri=uri))
        self._train_fn = train_fn
        fitting = trials_at_once(config.tuning.max_concurrent_trials, config.tuning.resources_per_trial)
        self._jobs = fitting if jobs is None else jobs
        self._gpus = gpu_ids() if 1 < self._jobs <= len(gpu_ids()) else ()
        self._name = study_name or config.name
        self._storage = storage or config.tuning.optuna_storage
        self._target = config.tuning.n_trials
        self._space = space_of_config(config.tuning.search_space.parameters)
        self._choices = original_choices(config.tuning.search_space.parameters)

    def optimize(self) -> dict[str, Any]:
        """Run trials until there are `n_trials`, those of an interrupted call included, and return the best.

        The keys are best_params, best_value, n_trials, study (of Optuna, in memory) and
        study_folder. Raises UserError if no trial is complete.
        """
        if not self._space.parameters:
            raise UsageError("tuning.search_space: empty; build one with SearchSpaceBuilder")
        plan = plan_of_function(self._train_fn, self._space, self._config.seed)
        folder = folder_for(Path(self._config.artifact_dir) / "studies" / self._name, plan, self._target)
        with tracker_of(self._config, self._name) as tracker:
            tracker.set_tags({**self._config.tags, "tune.study": str(folder.resolve())})
            make_folder(folder)
            with only_run(folder / PICKLE):  # nobody else may run trials here: the direction may turn
                plan = begin_study(folder, self._as_begun(folder, plan), self._settings()).plan
                start = prepare(folder, self._task(tracker))
                outcome = self._search(folder, plan, start)
                found = self._result(folder, outcome)
            tracker.log_metrics({"best_value": found["best_value"]})
            tracker.log_params({f"best_{name}": value for name, value in found["best_params"].items()})
        return found

    def _as_begun(self, folder: Path, plan: Plan) -> Plan:
        """Return the plan with the direction that is known already, from this study's folder or its database."""
        if (folder / "study.json").exists():
            return replace(plan, objective=read_study(folder).objective)
        former = direction_of(self._storage, self._name) if self._storage else None
        return _directed(plan, former) if former else plan

    def _task(self, tracker: NullTracker) -> FunctionTask:
        uri = self._config.mlflow.tracking_uri
        return FunctionTask(
            self._train_fn,
            self._config,
            self._choices,
            None if uri in NOWHERE else uri,
            experiment_name(self._config),
            tracker.folder_name if isinstance(tracker, ExplrTracker) else None,
        )

    def _search(self, folder: Path, plan: Plan, start: Start) -> Outcome:
        """Run the trials. The first complete one runs alone: only its result says which way is better."""
        timeout = self._config.tuning.timeout
        end = None if timeout is None else time.monotonic() + timeout
        earlier = finished_in(self._storage, self._name) if self._storage else 0
        direction = _direction(folder)
        while direction is None and max(earlier, len(read_results(folder))) < self._target:
            outcome = self._run(folder, plan, start, len(read_results(folder)) + 1 + earlier, end)
            direction = _direction(folder)
            if outcome.out_of_time:
                break
        if direction is not None and direction != plan.objective.direction:
            plan = self._turn(folder, plan, direction)
        return self._run(folder, plan, start, self._target, end)

    def _turn(self, folder: Path, plan: Plan, direction: Direction) -> Plan:
        place = self._storage or folder / JOURNAL
        if finished_in(place, self._name_in(place)) > len(read_results(folder)):
            raise UserError(
                f"study {self._name} in the database of optuna_storage: its trials were compared the other way round; "
                "choose another study_name"
            )
        turn(place, self._name_in(place), direction)
        plan = _directed(plan, direction)
        rewrite_study(folder, plan)
        return plan

    def _run(self, folder: Path, plan: Plan, start: Start, target: int, end: float | None) -> Outcome:
        left = None if end is None else max(0.0, end - time.monotonic())
        outcome = run_study(
            folder,
            plan,
            self._settings(),
            Limits(target, self._jobs, self._gpus, left, reuse=False),
            Allowance(start=start),
            "off",
            copies=False,  # each trial here has files of its own beside those of tune
        )
        if outcome.signal_code is not None:
            replace(outcome, target=len(outcome.results) + 1).leave_if_bad(None)
        return outcome

    def _settings(self) -> SearchSettings:
        tuning = self._config.tuning
        return SearchSettings(
            tuning.sampler,
            tuning.pruner,
            self._config.seed,
            self._jobs > 1,
            self._storage,
            self._name_in(self._storage),
        )

    def _name_in(self, place: Path | str | None) -> str:
        return self._name if isinstance(place, str) else SearchSettings.name

    def _result(self, folder: Path, outcome: Outcome) -> dict[str, Any]:
        place = self._storage or folder / JOURNAL
        study = plain_study(place, self._name_in(place), self._choices)
        if not any(trial.value is not None for trial in study.trials):
            outcome.leave_if_bad(None)
        fixed = {name: next(iter(one.values())) for name, one in self._choices.items() if len(one) == 1}
        return {
            "best_params": {**fixed, **study.best_params},
            "best_value": study.best_value,
            "n_trials": sum(trial.state.is_finished() for trial in study.trials),
            "study": study,
            "study_folder": str(folder),
        }


def _directed(plan: Plan, direction: Direction) -> Plan:
    return replace(plan, objective=replace(plan.objective, direction=direction))


def _direction(folder: Path) -> Direction | None:
    """Return which way is better as the function says, or None while no trial is complete."""
    for number, result in read_results(folder).items():
        if result.state == "complete":
            said: Mapping[str, Any] = json.loads((trial_folder(folder, number).path / RETURNED).read_bytes())
            return "min" if said["minimize"] else "max"
    return None
