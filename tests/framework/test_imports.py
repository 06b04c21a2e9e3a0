"""What the framework costs those who do not use it."""

import subprocess
import sys

import pytest


@pytest.mark.parametrize(
    ("statement", "absent"),
    [
        ("import ml_skeleton", ["ml_skeleton.core", "typer", "yaml", "numpy"]),
        (
            "from ml_skeleton import TrainingContext, TrainingResult, TrainFunction",
            ["mlflow", "torch", "numpy", "typer"],
        ),
        ("from ml_skeleton import ExperimentConfig, run_experiment", ["mlflow", "torch", "optuna", "ray", "numpy"]),
        ("from ml_skeleton.tracking import ExplrTracker", ["mlflow", "torch", "numpy", "yaml"]),
        ("from ml_skeleton.tuning import SearchSpaceBuilder", ["optuna", "ray", "mlflow", "torch"]),
    ],
)
def test_a_name_brings_in_no_more_than_it_needs(statement, absent):
    code = f"import sys; {statement}; print([name for name in {absent} if name in sys.modules])"

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)

    assert (done.stdout, done.stderr) == ("[]\n", "")


def test_a_name_that_is_not_there_is_an_attribute_error():
    import ml_skeleton

    with pytest.raises(AttributeError, match="no attribute 'Experimemt'"):
        ml_skeleton.Experimemt  # noqa: B018
    assert "Experiment" in dir(ml_skeleton)
