"""Sending a study to MLflow at any later time, from its files alone."""

import os
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

from ml_skeleton.artifacts.files import only_run
from ml_skeleton.errors import UserError
from ml_skeleton.tracking.errors import TrackingError
from ml_skeleton.tracking.probe import knock
from ml_skeleton.tracking.runs import MLFLOW_SETTINGS, is_server, open_runs
from ml_skeleton.tuning.mirror.launch import experiment_name
from ml_skeleton.tuning.mirror.sent import sent_file
from ml_skeleton.tuning.records import best_trial, read_trials
from ml_skeleton.tuning.study import read_study
from ml_skeleton.tuning.trial_folder import trial_folders

if TYPE_CHECKING:
    from ml_skeleton.tuning.mirror.study import StudyMirror


def rebuild_runs(study: Path, uri: str) -> int:
    """Send what MLflow at `uri` lacks of a study, all of it if it has lost the study's run; return how many trials.

    Raise UserError if the server does not take it, BusyError while a run sends there.
    """
    plan = read_study(study)
    with only_run(study / "mlflow"), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # MLflow's own, of the packages it uses
        try:
            mirror = _connected(study, uri)
            lacking = [folder for folder in trial_folders(study) if not sent_file(folder.path, uri).sent.ended]
            mirror.send()
            mirror.end("FINISHED" if best_trial(read_trials(study), plan.objective) else "FAILED")
        except TrackingError as error:
            raise UserError(f"MLflow at {uri}: {error}; what was sent is kept, run the same command again") from None
    return len(lacking)


def _connected(study: Path, uri: str) -> "StudyMirror":
    if is_server(uri):
        answer = knock(uri)
        if answer.who not in ("mlflow", "stranger"):
            raise TrackingError(answer.said)
    os.environ.update({name: text for name, text in MLFLOW_SETTINGS.items() if name not in os.environ})
    from ml_skeleton.tuning.mirror.study import StudyMirror  # here, as mlflow takes seconds to import

    known = sent_file(study, uri).sent.run
    if known and not open_runs(uri, experiment_name(), None, None).exists(known):
        for folder in trial_folders(study):
            sent_file(folder.path, uri).update(run=None, lines=0, step=0, ended=False)
    return StudyMirror(study, uri, experiment_name())
