"""The configuration of an experiment and its YAML file."""

from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from ml_skeleton.core.config import (
    ExperimentConfig,
    MLflowConfig,
    SearchSpaceConfig,
    TunerType,
    TuningConfig,
    config_of,
)
from ml_skeleton.core.trackers import tracker_of
from ml_skeleton.errors import UsageError
from ml_skeleton.tracking import NullTracker
from ml_skeleton.tuning import SearchSpaceBuilder

PLAIN = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8)
WORDS = st.text(st.characters(codec="utf-8", exclude_categories=("Cs", "Cc")), min_size=1, max_size=6)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60, deadline=None)
@given(
    hyperparameters=st.dictionaries(WORDS, PLAIN | st.lists(PLAIN, max_size=3) | st.just("1e-4"), max_size=4),
    tags=st.dictionaries(WORDS, st.text(max_size=6), max_size=2),
    tuner=st.sampled_from(list(TunerType)),
    timeout=st.none() | st.floats(0, 1e6),
)
@example(hyperparameters={"a\x85b": ["\x85", "a\x85"]}, tags={"a": "\x85b"}, tuner=TunerType.NONE, timeout=None)
def test_what_is_written_is_read_back(tmp_path, hyperparameters, tags, tuner, timeout):
    config = ExperimentConfig(hyperparameters=hyperparameters, tags=tags, tuning=TuningConfig(tuner, timeout=timeout))
    config.tuning.search_space.parameters = {"lr": {"type": "loguniform", "low": 1e-5, "high": 0.1}}

    config.to_yaml(tmp_path / "config.yaml")

    assert ExperimentConfig.from_yaml(tmp_path / "config.yaml") == config


def test_the_defaults_are_those_that_scripts_count_on():
    config = ExperimentConfig()

    assert config.mlflow == MLflowConfig(
        "http://localhost:5000", "./mlruns", "default", None, "sqlite:///mlflow.db", True
    )
    assert (config.name, config.seed, config.checkpoint_dir, config.artifact_dir) == (
        "experiment",
        42,
        "./checkpoints",
        "./artifacts",
    )
    assert config.tuning == TuningConfig(
        TunerType.NONE, 100, None, "TPESampler", "MedianPruner", "ASHAScheduler", "OptunaSearch", 100, 4
    )
    assert config.tuning.resources_per_trial == {"cpu": 4, "gpu": 1}


def test_a_number_with_an_exponent_is_a_number(tmp_path: Path):
    (tmp_path / "config.yaml").write_text("hyperparameters: {lr: 1e-4, name: '1e-4'}")

    assert ExperimentConfig.from_yaml(tmp_path / "config.yaml").hyperparameters == {"lr": 1e-4, "name": "1e-4"}


def test_a_bare_off_tracks_nowhere(tmp_path: Path):
    (tmp_path / "config.yaml").write_text("mlflow: {tracking_uri: off}")

    assert type(tracker_of(ExperimentConfig.from_yaml(tmp_path / "config.yaml"))) is NullTracker


def test_a_builder_stands_for_what_it_builds():
    builder = SearchSpaceBuilder().loguniform("lr", 1e-5, 0.1)

    assigned = SearchSpaceConfig()
    assigned.parameters = builder

    assert SearchSpaceConfig(builder) == assigned == SearchSpaceConfig(builder.build())


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"nane": "x"}, "c.yaml: unknown key 'nane'; did you mean 'name'?"),
        ({"mlflow": {"traking_uri": "x"}}, "c.yaml: mlflow: unknown key 'traking_uri'; did you mean 'tracking_uri'?"),
        ({"tuning": {"tuner_type": "optunna"}}, "c.yaml: tuning: tuner_type: found 'optunna'; did you mean 'optuna'?"),
        ({"tuning": {"n_trials": "many"}}, "c.yaml: tuning: n_trials: found 'many', expected a whole number"),
        ({"tuning": ["optuna"]}, "c.yaml: tuning: found ['optuna'], expected a mapping"),
    ],
)
def test_what_does_not_exist_or_fit_is_refused_by_name(content, message):
    with pytest.raises(UsageError) as refused:
        config_of(content, "c.yaml")

    assert str(refused.value) == message
