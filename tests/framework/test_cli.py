"""`ml_skeleton run` and `ml_skeleton tune`: a function by its name, a configuration with single values replaced."""

import json
import math
from pathlib import Path

import numpy as np
import pytest
import torch
from ml_skeleton.core.config import ExperimentConfig, TunerType
from ml_skeleton.core.plain_json import as_json
from ml_skeleton.errors import InputError, UsageError
from ml_skeleton.runner.loading import load_config, load_function, with_tuning

TRAINER = """
from ml_skeleton import TrainingResult

def train_model(ctx):
    return TrainingResult(ctx.hyperparameters["lr"] * 2)
"""


@pytest.fixture
def trainer(tmp_path: Path) -> Path:
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "trainer.py").write_text(TRAINER)
    (tmp_path / "config.yaml").write_text(
        "name: cli\nhyperparameters: {lr: 1e-3}\nmlflow: {tracking_uri: 'off'}\n"
        "tuning: {n_trials: 50, search_space: {parameters: {lr: {type: uniform, low: 0, high: 1}}}}\n"
    )
    return tmp_path / "own" / "trainer.py"


def test_one_run_prints_its_result(trainer, run_tool):
    done = run_tool(
        "ml_skeleton", "run", "config.yaml", "--train-fn", f"{trainer}:train_model", "-o", "hyperparameters.lr=2"
    )

    assert done.returncode == 0
    assert json.loads(done.stdout)["primary_metric"] == 4


def test_a_result_is_json_whatever_kinds_of_numbers_it_holds():
    result = {"np": np.float32(0.25), "count": np.int64(3), "tensor": torch.tensor(2.0), "nan": math.nan, "yes": True}

    assert json.loads(as_json(result | {"list": [np.bool_(True), Path("a"), math.inf]})) == {
        **{"np": 0.25, "count": 3, "tensor": 2.0, "nan": None, "yes": True},
        "list": [True, "a", None],
    }


def test_a_search_prints_the_best(trainer, run_tool):
    done = run_tool("ml_skeleton", "tune", "config.yaml", "--train-fn", "own.trainer:train_model", "--n-trials", "2")

    assert done.returncode == 0
    found = json.loads(done.stdout)
    assert (found["n_trials"], found["best_value"]) == (2, found["best_params"]["lr"] * 2)


def test_values_are_put_over_a_configuration(trainer):
    config = load_config(Path("config.yaml"), ["hyperparameters.lr=1e-2", "tags.a=b", "tuning.n_trials=3"])

    assert (config.hyperparameters, config.tags, config.tuning.n_trials) == ({"lr": 0.01}, {"a": "b"}, 3)


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("tuning.n_trial=3", "tuning: unknown key 'n_trial'; did you mean 'n_trials'"),
        ("tuning.n_trials", "expected key.sub=value"),
        ("name.x=1", "name is no section"),
        ("name=[1", r"-o name=\[1: \[1 is no YAML"),
    ],
)
def test_a_value_that_has_no_place_is_refused(trainer, override, message):
    with pytest.raises(UsageError, match=message):
        load_config(Path("config.yaml"), [override])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("train_model", "expected module:function"),
        ("no.such:train_model", "no such module"),
        ("own/trainer.py:train", "no function train there; it has train_model"),
    ],
)
def test_a_function_that_is_not_there_is_refused(trainer, text, message):
    with pytest.raises(UsageError, match=message):
        load_function(text)


def test_a_file_that_is_not_there_is_named():
    with pytest.raises(InputError, match=r"nothing\.py: no such file"):
        load_function("nothing.py:train_model")


def test_tune_without_a_tuner_is_by_optuna():
    tuned = with_tuning(ExperimentConfig(), None, 7, 60.0)

    assert (tuned.tuning.tuner_type, tuned.tuning.n_trials, tuned.tuning.num_samples, tuned.tuning.timeout) == (
        TunerType.OPTUNA,
        7,
        7,
        60.0,
    )
