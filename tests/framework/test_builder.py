"""Search spaces built in Python."""

import pytest
from ml_skeleton.errors import UsageError
from ml_skeleton.tuning import SearchSpaceBuilder
from ml_skeleton.tuning.builder import original_choices, space_of_config
from ml_skeleton.tuning.space import Number, Options


def test_a_builder_collects_what_a_configuration_holds():
    built = (
        SearchSpaceBuilder()
        .categorical("opt", ["sgd", "adam"])
        .integer("layers", 1, 4)
        .uniform("dropout", 0.0, 0.5)
        .uniform("momentum", 0.0, 0.9, step=0.1)
        .loguniform("lr", 1e-5, 1e-1)
        .build()
    )

    assert built == {
        "opt": {"type": "categorical", "choices": ["sgd", "adam"]},
        "layers": {"type": "int", "low": 1, "high": 4, "step": 1, "log": False},
        "dropout": {"type": "float", "low": 0.0, "high": 0.5},
        "momentum": {"type": "float", "low": 0.0, "high": 0.9, "step": 0.1},
        "lr": {"type": "loguniform", "low": 1e-5, "high": 1e-1},
    }


def test_every_type_of_a_configuration_becomes_a_domain():
    space = space_of_config(
        {
            "a": {"type": "uniform", "low": 0, "high": 1},
            "b": {"type": "float", "low": 1, "high": 10, "log": True},
            "c": {"type": "integer", "low": 1, "high": 10, "step": 4},
            "seed": {"type": "int", "low": 1, "high": 8, "log": True},
            "d": {"type": "categorical", "choices": [None, 2]},
        }
    )

    assert {one.name: one.domain for one in space} == {
        "a": Number(0.0, 1.0),
        "b": Number(1.0, 10.0, log=True),
        "c": Number(1, 9, 4, whole=True),  # the last step inside the range
        "seed": Number(1, 8, log=True, whole=True),
        "d": Options(("None", "2"), ("None", "2")),
    }


def test_choices_that_look_alike_are_told_apart_and_come_back_as_they_were():
    parameters = {"k": {"type": "categorical", "choices": ["1", 1, (1, 2)]}}

    assert original_choices(parameters) == {"k": {"'1'": "1", "1": 1, "(1, 2)": (1, 2)}}


@pytest.mark.parametrize(
    ("long", "message"),
    [
        ({"type": "loguniforn", "low": 1, "high": 2}, "did you mean 'loguniform'"),
        ({"type": "uniform", "lo": 1, "high": 2}, "unknown key 'lo'; did you mean 'low'"),
        ({"type": "uniform", "low": 3, "high": 2}, "low 3.0 is above high 2.0"),
        ({"type": "loguniform", "low": 0, "high": 2}, "starts above 0"),
        ({"type": "int", "low": 0.5, "high": 2}, "expected a whole number"),
        ({"type": "categorical", "choices": []}, "expected a list"),
        ({"type": "categorical", "choices": [1, 1]}, "1 is there twice"),
    ],
)
def test_a_space_that_cannot_be_searched_is_refused(long, message):
    with pytest.raises(UsageError, match=f"search space: lr: .*{message}"):
        space_of_config({"lr": long})
