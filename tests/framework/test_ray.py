"""Trials in workers of Ray. The one test that starts Ray takes minutes of two cores, and runs when RAY_TESTS is set."""

import os
from pathlib import Path

import pytest
from ml_skeleton import TrainingContext, TrainingResult, TunerType, run_experiment
from ml_skeleton.tuning.live_trial import TrialPruned
from ml_skeleton.tuning.ray_trial import RayTask, RayTrial, run_ray_trial


def train_model(ctx: TrainingContext) -> TrainingResult:
    checkpoint = Path(ctx.checkpoint_dir) / "step.txt"
    start = int(checkpoint.read_text()) if checkpoint.exists() else 0
    for step in range(start, 3):
        checkpoint.write_text(str(step + 1))
        ctx.tracker.report_intermediate(ctx.hyperparameters["x"] + step, step, getattr(ctx, "_optuna_trial", None))
    return TrainingResult(ctx.hyperparameters["x"], "acc", minimize=False)


def test_a_worker_reports_each_step_and_the_result(make_config, tmp_path):
    reports = []
    task = RayTask(train_model, make_config(), None)

    run_ray_trial(task, 4, tmp_path / "trial", {"x": 0.5}, lambda figures, _: reports.append(figures), None)

    assert reports == [
        *({"objective": 0.5 + step, "step": step} for step in range(3)),
        {"objective": 0.5, "metric": "acc", "minimize": False, "complete": True},
    ]


def test_a_worker_goes_on_from_the_checkpoints_of_another(make_config, tmp_path):
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "step.txt").write_text("2")
    reports = []
    task = RayTask(train_model, make_config(), None)

    run_ray_trial(task, 0, tmp_path / "trial", {"x": 0.5}, lambda one, _: reports.append(one), tmp_path / "other")

    assert [one.get("step") for one in reports] == [2, None]


def test_a_trial_that_ray_ends_is_pruned(tmp_path):
    def ends(*_: object) -> None:
        raise SystemExit

    with pytest.raises(TrialPruned):
        RayTrial(0, {}, tmp_path, ends).report(1.0, 0)


@pytest.mark.skipif(not os.environ.get("RAY_TESTS"), reason="starts Ray: set RAY_TESTS=1")
@pytest.mark.parametrize("scheduler", ["ASHAScheduler", "PopulationBasedTraining"])
def test_ray_finds_the_best(make_config, scheduler):
    config = make_config(tuner_type=TunerType.RAY_TUNE, num_samples=4, scheduler=scheduler)
    config.tuning.resources_per_trial = {"cpu": 1, "gpu": 1}

    found = run_experiment(train_model, config, tune=True)

    assert found["n_trials"] == 4
    assert found["best_value"] == found["best_params"]["x"]
