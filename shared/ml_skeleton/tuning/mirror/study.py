"""A study as a run in MLflow, with the runs of its trials nested in it."""

import shlex
import sys
import time
from pathlib import Path

from ml_skeleton.tracking.mlflow_runs import Figure, MlflowRuns, Status
from ml_skeleton.tuning.mirror.sent import sent_file
from ml_skeleton.tuning.mirror.trial import TrialMirror
from ml_skeleton.tuning.records import best_trial, read_trials
from ml_skeleton.tuning.study import Plan, read_study
from ml_skeleton.tuning.trial_folder import trial_folders


class StudyMirror:
    """Sends a study, and what is new in its trials at each call."""

    def __init__(self, study: Path, uri: str, experiment: str) -> None:
        """Open the run of the study, or begin it; raise TrackingError if the server does not take it."""
        self._study, self._uri = study, uri
        self._plan: Plan = read_study(study)
        self._runs = MlflowRuns(uri, experiment)
        file = sent_file(study, uri)
        if file.sent.run and self._runs.exists(file.sent.run):
            self._run = file.sent.run
            self._runs.go_on(self._run)
        else:
            self._run = self._begin()
            file.update(run=self._run)
        self._trials: dict[str, TrialMirror] = {}
        self._names_told: set[str] = set()

    def send(self) -> None:
        """Send what is new in the trials."""
        for folder in trial_folders(self._study):
            name = folder.path.name
            if name not in self._trials:
                self._trials[name] = TrialMirror(folder, self._runs, self._uri, self._run)
            if not self._trials[name].ended:
                self._trials[name].send()
        self._tell_names()

    def end(self, status: Status) -> None:
        """Send the best trial and end the run."""
        for trial in self._trials.values():
            trial.leave()
        best = best_trial(read_trials(self._study), self._plan.objective)
        if best and best.value is not None:
            self._runs.tag(self._run, {"tune.best_trial": str(best.trial)})
            name = f"best_{self._plan.objective.metric}"
            self._runs.log(self._run, [Figure(name, best.value, best.trial, round(time.time() * 1000))])
        self._runs.end(self._run, status)

    def _begin(self) -> str:
        objective = self._plan.objective
        tags = {
            "tune.study": str(self._study),
            "tune.command": shlex.join(self._plan.command),
            "tune.objective": f"{objective.metric}:{objective.direction}",
        }
        return self._runs.begin(self._study.name, tags, {})

    def _tell_names(self) -> None:
        for name, legal in self._runs.renamed.items():
            if name not in self._names_told:
                self._names_told.add(name)
                print(f"tune: MLflow takes no metric named {name}; it is {legal} there", file=sys.stderr, flush=True)
