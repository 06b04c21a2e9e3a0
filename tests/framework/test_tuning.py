"""A training function as the objective of a study."""

import math
import os
import signal
import threading
import time
from pathlib import Path

import pytest
from ml_skeleton import TrainingContext, TrainingResult, run_experiment
from ml_skeleton.errors import UsageError, UserError
from ml_skeleton.tuning import OptunaTuner
from ml_skeleton.tuning.live_trial import LiveTrial
from ml_skeleton.tuning.records import read_trials
from ml_skeleton.tuning.trial_folder import trial_folder

NOT_TO_BE_PICKLED = threading.Lock()  # whoever holds it runs in forks, which start much faster


def accuracy(ctx: TrainingContext) -> TrainingResult:
    with NOT_TO_BE_PICKLED:
        x = ctx.hyperparameters["x"]
    trial = getattr(ctx, "_optuna_trial", None)
    for step in range(4):
        if not ctx.tracker.report_intermediate(step - abs(x - 3), step, trial):
            break
    return TrainingResult(3 - abs(x - 3), "acc", minimize=False, metrics={"x": x})


def test_the_greatest_value_is_the_best_when_the_function_says_so(make_config):
    found = run_experiment(accuracy, make_config(n_trials=8, sampler="RandomSampler"), tune=True)

    trials = found["study"].trials
    complete = [trial for trial in trials if trial.state.name == "COMPLETE"]
    assert found["n_trials"] == len(trials) == 8
    assert found["best_value"] == max(trial.value for trial in complete) == found["study"].best_value
    assert found["best_params"] == found["study"].best_params
    assert found["study"].direction.name == "MAXIMIZE"


def test_hopeless_trials_are_told_so_in_their_own_process(make_config):
    found = run_experiment(accuracy, make_config(n_trials=8, sampler="RandomSampler"), tune=True)

    states = [trial.state.name for trial in found["study"].trials]
    assert "PRUNED" in states[5:] and "PRUNED" not in states[:5]  # the median pruner sees five trials first


def test_a_trial_may_ask_before_its_lease_is_written(tmp_path):
    folder = trial_folder(tmp_path, 0)
    folder.path.mkdir(parents=True)
    folder.stop.touch()
    unwritten = LiveTrial(folder, {}).should_prune()
    folder.lease.touch()

    assert unwritten and LiveTrial(folder, {}).should_prune()


def test_a_process_that_is_killed_fails_one_trial_and_not_the_study(make_config):
    def train_model(ctx: TrainingContext) -> TrainingResult:
        with NOT_TO_BE_PICKLED:
            if ctx.trial_number == 1:
                os.kill(os.getpid(), signal.SIGKILL)
        return TrainingResult(ctx.hyperparameters["x"])

    found = run_experiment(train_model, make_config(), tune=True)

    assert [trial.state.name for trial in found["study"].trials] == ["COMPLETE", "FAIL", "COMPLETE"]


def test_a_closure_runs_in_a_fresh_process_with_the_choices_as_they_were(make_config, tmp_path):
    offset = 10
    parent = os.getpid()

    def train_model(ctx: TrainingContext) -> TrainingResult:
        layers, name = ctx.hyperparameters["layers"], ctx.hyperparameters["name"]
        assert isinstance(layers, tuple) and name in ("1", 1) and os.getpid() != parent
        return TrainingResult(offset + len(layers), metrics={"is_text": float(isinstance(name, str))})

    space = {
        "layers": {"type": "categorical", "choices": [(1,), (1, 2)]},
        "name": {"type": "categorical", "choices": ["1", 1]},
    }
    found = run_experiment(train_model, make_config(space, n_trials=2), tune=True)

    assert [trial.state for trial in read_trials(tmp_path / found["study_folder"])] == ["complete", "complete"]
    assert found["best_value"] == offset + len(found["best_params"]["layers"])


def test_an_interrupted_search_goes_on_where_it_stopped(make_config):
    def train_model(ctx: TrainingContext) -> TrainingResult:
        with NOT_TO_BE_PICKLED:
            return TrainingResult(ctx.hyperparameters["x"])

    first = run_experiment(train_model, make_config(n_trials=2), tune=True)
    second = run_experiment(train_model, make_config(n_trials=4), tune=True)

    assert second["study_folder"] == first["study_folder"]
    assert [trial.params for trial in second["study"].trials[:2]] == [trial.params for trial in first["study"].trials]


def test_sigterm_ends_a_script_that_searches_with_its_own_exit_code(make_config):
    def train_model(ctx: TrainingContext) -> TrainingResult:
        with NOT_TO_BE_PICKLED:
            os.kill(os.getppid(), signal.SIGTERM)
        time.sleep(30)
        return TrainingResult(ctx.hyperparameters["x"])

    with pytest.raises(SystemExit) as left:
        run_experiment(train_model, make_config(), tune=True)

    assert left.value.code == 143


def test_a_search_that_is_done_is_begun_anew(make_config):
    def train_model(ctx: TrainingContext) -> TrainingResult:
        with NOT_TO_BE_PICKLED:
            return TrainingResult(ctx.hyperparameters["x"])

    folders = [run_experiment(train_model, make_config(n_trials=1), tune=True)["study_folder"] for _ in range(2)]

    assert [folder[-3:] for folder in folders] == ["001", "002"]


def test_each_of_two_trials_at_once_has_a_gpu_of_its_own(make_config, monkeypatch):
    """The function waits until both run, which they do only at the same time."""
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "6,7")

    def train_model(ctx: TrainingContext) -> TrainingResult:
        with NOT_TO_BE_PICKLED:
            gpu = os.environ["CUDA_VISIBLE_DEVICES"]
        if ctx.trial_number:
            Path(f"gpu-{gpu}").touch()
            end = time.monotonic() + 30
            while len(list(Path().glob("gpu-*"))) < 2 and time.monotonic() < end:
                time.sleep(0.01)
        return TrainingResult(0.0 if ctx.trial_number == 0 else len(list(Path().glob("gpu-*"))))

    found = OptunaTuner(train_model, make_config(n_trials=3), jobs=2).optimize()

    assert [trial.value for trial in found["study"].trials] == [0.0, 2.0, 2.0]


def test_a_study_in_a_database_is_found_again(make_config, tmp_path):
    url = f"sqlite:///{tmp_path}/optuna.db"

    found = run_experiment(accuracy, make_config(n_trials=2, optuna_storage=url), tune=True)
    again = run_experiment(accuracy, make_config(n_trials=3, optuna_storage=url), tune=True)

    assert [trial.value for trial in again["study"].trials[:2]] == [trial.value for trial in found["study"].trials]
    assert (again["n_trials"], again["study"].direction.name) == (3, "MAXIMIZE")


def test_no_complete_trial_is_an_error_that_names_the_first_reason(make_config):
    def train_model(ctx: TrainingContext) -> TrainingResult:
        with NOT_TO_BE_PICKLED:
            raise ValueError("out of luck")

    with pytest.raises(UserError, match="none of 2 trials is complete; trial 0: exit 1: ValueError: out of luck"):
        run_experiment(train_model, make_config(n_trials=2), tune=True)


@pytest.mark.parametrize(
    ("returned", "reason"),
    [
        (TrainingResult(math.nan), "val_loss is nan, expected a finite number"),
        (0.5, "train_model returned float, expected a TrainingResult"),
    ],
)
def test_what_is_no_result_to_compare_fails_its_trial_and_says_why(make_config, returned, reason):
    def train_model(ctx: TrainingContext) -> TrainingResult:
        with NOT_TO_BE_PICKLED:
            return returned

    with pytest.raises(UserError, match=f"trial 0: exit 1: {reason}"):
        run_experiment(train_model, make_config(n_trials=1), tune=True)


def test_trials_are_runs_inside_the_run_of_their_study(server, make_config):
    def train_model(ctx: TrainingContext) -> TrainingResult:
        with NOT_TO_BE_PICKLED:
            if ctx.trial_number == 1:
                os.kill(os.getpid(), signal.SIGKILL)
        return TrainingResult(ctx.hyperparameters["x"])

    run_experiment(train_model, make_config(n_trials=2, uri=server.uri), tune=True)

    parent = next(name for name, run in server.runs.items() if run.name == "study")
    assert {run.name: run.status for run in server.runs.values()} == {
        "study": "FINISHED",
        "trial 0": "FINISHED",
        "trial 1": "FAILED",
    }
    assert {run.tags.get("mlflow.parentRunId") for run in server.runs.values()} == {None, parent}


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ({"sampler": "TPESamler"}, "sampler TPESamler: Optuna has no such class; did you mean 'TPESampler'"),
        ({"pruner": "ThresholdPruner"}, "pruner ThresholdPruner: cannot be made without further settings"),
    ],
)
def test_a_class_that_optuna_does_not_have_is_refused(make_config, setting, message):
    with pytest.raises(UsageError, match=message):
        OptunaTuner(accuracy, make_config(**setting)).optimize()


def test_an_empty_space_is_refused(make_config):
    config = make_config()
    config.tuning.search_space.parameters = {}

    with pytest.raises(UsageError, match="build one with SearchSpaceBuilder"):
        OptunaTuner(accuracy, config).optimize()


def test_a_space_without_a_type_is_refused_by_its_name(make_config):
    with pytest.raises(UsageError, match="search space: x: "):
        OptunaTuner(accuracy, make_config(space={"x": {"low": 0.0, "high": 1.0}}))
