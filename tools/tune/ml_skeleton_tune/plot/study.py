"""What a page shows of a study, read from its files."""

from dataclasses import dataclass
from pathlib import Path

from ml_skeleton.tuning.curves import read_curves
from ml_skeleton.tuning.importance import Importance, importance
from ml_skeleton.tuning.objective import Objective, Point
from ml_skeleton.tuning.pareto import pareto_front
from ml_skeleton.tuning.records import TrialRecord, best_trial, read_results, read_trials
from ml_skeleton.tuning.space import Parameter
from ml_skeleton.tuning.study import Plan, read_study
from ml_skeleton.tuning.trial_folder import Result, trial_folder


@dataclass(frozen=True)
class SeenStudy:
    """A study at the moment it was read."""

    folder: Path
    plan: Plan
    trials: list[TrialRecord]
    results: dict[int, Result]
    curves: dict[int, list[Point]]  # of the first objective, by trial
    importances: list[Importance]  # one for each objective

    @property
    def objectives(self) -> tuple[Objective, ...]:
        return self.plan.objectives

    @property
    def searched(self) -> list[Parameter]:
        """The parameters that can have more than one value."""
        return [parameter for parameter in self.plan.space if parameter.only is None]

    @property
    def complete(self) -> list[TrialRecord]:
        """The trials that have a value for each objective, those that break a constraint included."""
        return [trial for trial in self.trials if len(trial.values) == len(self.objectives)]

    @property
    def winners(self) -> list[TrialRecord]:
        """The best trial; of several objectives, the front."""
        best = best_trial(self.trials, self.plan.objective)
        if best is None or not self.plan.further:
            return [best] if best else []
        return pareto_front([trial for trial in self.complete if trial.feasible], self.objectives)


def see_study(folder: Path) -> SeenStudy:
    """Read the study in `folder`, which may be running; raise InputError if there is none."""
    plan = read_study(folder)
    trials, results = read_trials(folder), read_results(folder)
    metric = plan.objective.metric
    curves = {trial.trial: read_curves(trial_folder(folder, trial.trial)).get(metric, []) for trial in trials}
    importances = [importance(plan, trials, position) for position in range(len(plan.objectives))]
    return SeenStudy(folder, plan, trials, results, curves, importances)
