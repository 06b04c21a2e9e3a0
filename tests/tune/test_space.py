"""The space and the ways to write it."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ml_skeleton.errors import InputError, UsageError
from ml_skeleton.tuning.grammar import describe, from_mapping, parse_assignment, parse_parameter, read_space, to_json
from ml_skeleton.tuning.space import Condition, Number, Options, Parameter, Setting, Space

TEXT = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=8)
FINITE = st.floats(allow_nan=False, allow_infinity=False, width=32)


def space_of(**parameters: str) -> Space:
    return Space({name: parse_parameter(name, text) for name, text in parameters.items()})


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("float:-1:1", Number(-1.0, 1.0)),
        ("float:0.1:0.5:step=0.1", Number(0.1, 0.5, step=0.1)),
        ("log:1e-5:1e-2", Number(1e-5, 1e-2, log=True)),
        ("int:2:6:step=2", Number(2, 6, step=2, whole=True)),
        ("logint:1:1000", Number(1, 1000, log=True, whole=True)),
        ("bool", Options(("false", "true"), (False, True))),
        ("fixed:a:b, {c}", Options(("a:b, {c}",), ("a:b, {c}",))),
        ("choice:1e-5,007,,null,x y", Options(("1e-5", "007", "", "null", "x y"), (1e-5, "007", "", None, "x y"))),
        ('choice:["a,b",[1,2],"c if d==e"]', Options(("a,b", "[1,2]", "c if d==e"), ("a,b", [1, 2], "c if d==e"))),
    ],
)
def test_a_parameter_is_read_as_it_is_written(text, expected):
    assert parse_parameter("x", text).domain == expected


def test_a_condition_follows_a_description_of_any_kind():
    assert parse_parameter("x", "bool if opt==sgd").condition == Condition("opt", "sgd")
    assert parse_parameter("x", 'choice:["a if b==c"] if opt==s g d').condition == Condition("opt", "s g d")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("flaot:0:1", "did you mean 'float'"),
        ("float:0", "expected a number"),
        ("float:0:1:2", "expected float:LOW:HIGH"),
        ("float:0:nan", "expected a number"),
        ("float:0:1:step=0.3", "write 0.9 for 1.0"),
        ("float:2:1", "the lower end comes first"),
        ("int:1.5:2", "expected a whole number"),
        ("log:0:1", "starts above 0"),
        ("log:1:2:step=1", "takes no step"),
        ("choice:a,b,a", "'a' is there twice"),
        ('choice:["a"', "not a JSON list"),
        ('choice:["a"]b', "after the list"),
        ("choice", "expected choice:A,B"),
        ("bool:yes", "takes nothing more"),
    ],
)
def test_a_wrong_description_is_refused_with_what_was_expected(text, expected):
    with pytest.raises(UsageError, match=expected):
        parse_parameter("x", text)


@pytest.mark.parametrize(
    ("text", "expected"), [("lr", "expected NAME=KIND"), ("1r=bool", "a name is"), ("seed=bool", "built in")]
)
def test_a_wrong_assignment_is_refused(text, expected):
    with pytest.raises(UsageError, match=expected):
        parse_assignment(text)


@given(st.lists(TEXT, min_size=1, max_size=4, unique=True), st.none() | TEXT)
def test_choices_of_any_text_survive_the_long_form(texts, other):
    condition = None if other is None else Condition("other", other)
    parameter = Parameter("x", "choice", Options(tuple(texts), tuple(texts)), condition)

    read = from_mapping("x", to_json(parameter))

    assert (read.domain.texts, read.condition) == (parameter.domain.texts, condition)


@given(FINITE, FINITE)
def test_a_range_survives_its_description(one, other):
    parameter = Parameter("x", "float", Number(min(one, other), max(one, other)))

    assert parse_parameter("x", describe(parameter)) == parameter


def test_a_space_file_may_nest_names_and_use_every_form(tmp_path):
    path = tmp_path / "space.yaml"
    path.write_text(
        "optimizer:\n  lr: log:1e-5:1e-2\n  name: [sgd, adam]\nwidth: {kind: int, low: 1, high: 4}\n"
        "mom: {kind: float, low: 0, high: 1, if: optimizer.name==sgd}\nwarm: [1e-5, 1e-4]\nepochs: 20\n"
    )

    space = Space(read_space(path))

    assert {parameter.name: describe(parameter) for parameter in space} == {
        "optimizer.lr": "log:1e-05:0.01",
        "optimizer.name": "choice:sgd,adam",
        "width": "int:1:4",
        "mom": "float:0.0:1.0 if optimizer.name==sgd",
        "warm": "choice:1e-5,1e-4",
        "epochs": "fixed:20",
    }
    assert space.parameters["warm"].domain.values == (1e-5, 1e-4)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("- 1", "expected lines"),
        ("a: [", "not a YAML file"),
        ("a: sgd", "unknown kind 'sgd'"),
        ("a: {kind: int, lo: 1}", "unknown key 'lo'; did you mean 'low'"),
        ("a: {kind: choice}", "expected choices"),
        ("a: {kind: bool, if: b}", "expected if: other==value"),
        ("a: [2020-01-01]", "is a date, which JSON does not have"),
    ],
)
def test_a_wrong_space_file_is_refused_with_its_name(tmp_path, content, expected):
    path = tmp_path / "space.yaml"
    path.write_text(content)

    with pytest.raises(UsageError, match=f"space.yaml: .*{expected}"):
        read_space(path)


def test_a_missing_space_file_is_no_input(tmp_path):
    with pytest.raises(InputError, match="No such file"):
        read_space(tmp_path / "none.yaml")


@pytest.mark.parametrize(
    ("parameters", "expected"),
    [
        ({"x": "bool if opt==sgd"}, "no parameter of that name"),
        ({"x": "bool if opt==sdg", "opt": "choice:sgd,adam"}, "opt can only be sgd, adam"),
        ({"x": "bool if lr==0.5", "lr": "float:0:1"}, "a condition needs a choice"),
        ({"x": "bool if y==true", "y": "bool if x==true"}, "in a circle"),
        ({"x": "bool if n==7", "n": "int:1:6"}, "a whole number that n can be"),
    ],
)
def test_a_condition_that_can_never_hold_is_refused(parameters, expected):
    with pytest.raises(UsageError, match=expected):
        space_of(**parameters)


def test_a_name_cannot_be_a_value_and_a_group():
    with pytest.raises(UsageError, match="a value and a group"):
        Space({name: parse_parameter(name, "bool") for name in ("opt", "opt.lr")})


def test_a_parameter_does_not_exist_where_its_condition_fails_nor_do_those_that_hang_on_it():
    space = space_of(nesterov="bool if mom==0.9", mom="choice:0,0.9 if opt==sgd", opt="choice:sgd,adam", n="fixed:3")

    adam = space.settle(lambda parameter: {"opt": "adam"}[parameter.name])
    sgd = space.settle(lambda parameter: {"opt": "sgd", "mom": "0.9", "nesterov": "true"}[parameter.name])

    assert adam == {"opt": Setting("adam", "adam"), "n": Setting("3", 3)}
    assert sgd.keys() == {"opt", "mom", "nesterov", "n"}


@given(st.floats(min_value=1e-300, max_value=1e300))
def test_a_number_keeps_all_its_digits(value):
    setting = space_of(x="float:-1e308:1e308").settle(lambda parameter: value)["x"]

    assert float(setting.text) == setting.value == value and math.isfinite(value)
