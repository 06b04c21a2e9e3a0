"""One training: what it is given, and what is kept of it."""

import random

import pytest
from ml_skeleton import ExperimentConfig, TrainFunction, TrainingContext, TrainingResult, run_experiment
from ml_skeleton.core.protocols import Framework
from ml_skeleton.errors import UsageError, UserError
from ml_skeleton.tracking import ExplrTracker, NullTracker


def tracked(server, **settings) -> ExperimentConfig:
    config = ExperimentConfig(name="exp", **settings)
    config.mlflow.tracking_uri, config.mlflow.auto_start = server.uri, False
    return config


def test_a_training_function_gets_its_context(make_config):
    seen = []

    def train_model(ctx: TrainingContext) -> TrainingResult:
        seen.append(ctx)
        return TrainingResult(0.5)

    config = make_config()
    config.hyperparameters = {"lr": 0.1, "layers": 2}
    result = run_experiment(train_model, config, hyperparameters={"lr": 0.2})

    assert isinstance(train_model, TrainFunction)
    assert result == TrainingResult(0.5, "val_loss", True, {}, None, {}, 0, False)
    assert seen[0].hyperparameters == {"lr": 0.2, "layers": 2}
    assert (seen[0].framework, seen[0].seed, seen[0].trial_number) == (Framework.PYTORCH, 42, None)
    assert type(seen[0].tracker) is NullTracker


def test_parameters_tags_metrics_model_and_artifacts_are_kept(server, tmp_path):
    """With the sender's own process: all is there when the function returns."""

    def train_model(ctx: TrainingContext) -> TrainingResult:
        ctx.tracker.log_params(ctx.hyperparameters)  # again, as scripts do
        (tmp_path / "best.pt").write_bytes(b"model")
        (tmp_path / "notes.txt").write_bytes(b"notes")
        assert isinstance(ctx.tracker, ExplrTracker) and ctx.tracker.run_id == "run0"
        return TrainingResult(
            0.9, "acc", False, {"loss": 0.1}, str(tmp_path / "best.pt"), {"notes": str(tmp_path / "notes.txt")}, 3
        )

    run_experiment(train_model, tracked(server, hyperparameters={"lr": 0.1}, tags={"a": "b"}))

    run = server.runs["run0"]
    assert (run.experiment, run.status, run.params) == ("exp", "FINISHED", {"lr": "0.1"})
    assert run.metrics == [("loss", 0.1, 0), ("acc", 0.9, 0)]
    assert run.artifacts == {"model/best.pt": b"model", "notes/notes.txt": b"notes"}
    assert run.tags["a"] == "b"


def test_the_same_seed_gives_the_same_result(make_config):
    def train_model(ctx: TrainingContext) -> TrainingResult:
        return TrainingResult(random.random())

    assert run_experiment(train_model, make_config()) == run_experiment(train_model, make_config())


def test_something_else_than_a_result_is_refused(make_config):
    with pytest.raises(UserError, match="returned float, expected a TrainingResult"):
        run_experiment(lambda ctx: 0.5, make_config())


@pytest.mark.parametrize(
    ("setting", "value", "message"),
    [
        ("seed", -1, "seed -1: expected 0 to 4294967295"),
        ("checkpoint_dir", "taken/checkpoints", "taken/checkpoints: cannot make the folder: Not a directory"),
    ],
)
def test_a_configuration_that_no_run_can_have_is_one_line(make_config, tmp_path, setting, value, message):
    (tmp_path / "taken").touch()
    config = make_config()
    setattr(config, setting, value)

    with pytest.raises(UserError, match=message):
        run_experiment(lambda ctx: TrainingResult(1.0), config)


def test_a_framework_that_there_is_none_of_is_refused(make_config):
    config = make_config()
    config.framework = "jax"

    with pytest.raises(UsageError, match="found 'jax', known are pytorch, tensorflow"):
        run_experiment(lambda ctx: TrainingResult(1.0), config)


def test_tuning_without_a_tuner_is_refused():
    with pytest.raises(UsageError, match="expected optuna or ray_tune"):
        run_experiment(lambda ctx: TrainingResult(1.0), ExperimentConfig(), tune=True)
