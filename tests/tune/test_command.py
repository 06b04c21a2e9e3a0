"""A command with placeholders, and what reaches the program."""

import json

import pytest
from ml_skeleton.errors import UsageError
from ml_skeleton.tuning.command import declare_all, parse_command
from ml_skeleton.tuning.grammar import describe, parse_parameter

# printf reads its own arguments only, so that nothing but the wanted value can spoil the file
SHOW = ("sh", "-c", 'printf "%s\\0" "$@" >"$TUNE_TRIAL_DIR/got"; echo "{{\\"loss\\": 1}}"', "sh")


def fill(*command: str, **texts: str) -> list[str]:
    return parse_command(command).fill(texts)


def declare(*command: str, **given: str) -> dict[str, str]:
    parameters = {name: parse_parameter(name, text) for name, text in given.items()}
    return {parameter.name: describe(parameter) for parameter in declare_all(parse_command(command), parameters)}


@pytest.mark.parametrize(
    "value",
    [
        "two words",
        "a'b\"c",
        "{x} {{}}",
        "a\nb\n",
        "grüße 音楽 🎵",
        "",
        "-1",
        "--flag=1",
        "$HOME `ls` ;|&",
        "*",
        "\\n",
        "%s",
        "1e-05",
    ],
)
def test_a_value_reaches_the_program_as_it_is(study, value):
    study.run(*SHOW, "{x}", "--x={x}", params=[f"x=choice:{json.dumps([value])}"])

    assert study.file(0, "got").read_bytes() == f"{value}\0--x={value}\0".encode()


def test_a_long_list_reaches_the_program_as_json(study):
    values = list(range(5000))
    study.run(*SHOW, "{x}", params=[f"x=choice:{json.dumps([values])}"])

    assert json.loads(study.file(0, "got").read_bytes().rstrip(b"\0")) == values


def test_a_number_reaches_the_program_with_all_its_digits(study):
    study.run(*SHOW, "{lr:log:1e-5:1e-2}")

    params = json.loads(study.file(0, "params.json").read_text())
    assert float(study.file(0, "got").read_bytes().rstrip(b"\0")) == params["lr"]


def test_an_argument_whose_parameter_does_not_exist_is_left_out_whole():
    command = ("train", "--opt", "{opt}", "--mom={mom}", "--nesterov", "{nesterov}", "x{mom}y", "{rest}", "end")

    assert fill(*command, opt="adam") == ["train", "--opt", "adam", "end"]


def test_a_flag_or_literal_argument_before_a_missing_value_stays_unless_it_is_its_option():
    assert fill("train", "crops/", "{mom}", "--", "{mom}", "--a=1", "{mom}") == ["train", "crops/", "--", "--a=1"]


def test_a_flag_is_there_only_if_true():
    assert fill("train", "{?augment}", augment="true") == ["train", "--augment"]
    assert fill("train", "{?augment}", augment="false") == ["train"]
    assert fill("train", "{?augment}") == ["train"]


def test_the_option_form_joins_name_and_value():
    assert fill("train", "{batch-size!}", **{"batch-size": "-3"}) == ["train", "--batch-size=-3"]


def test_doubled_braces_are_braces():
    assert fill("awk", "{{print ${n}}}", n="1") == ["awk", "{print $1}"]


def test_holes_declare_their_parameters_in_place():
    assert declare(
        "train", "--lr={lr:log:1e-5:1e-2}", "{opt!:choice:a,b}", "{?augment}", "{mom:float:0:1 if opt==a}"
    ) == {
        "lr": "log:1e-05:0.01",
        "opt": "choice:a,b",
        "augment": "bool",
        "mom": "float:0.0:1.0 if opt==a",
    }


def test_a_parameter_that_only_a_condition_uses_is_used():
    assert declare("train", "{mom}", mom="float:0:1 if opt==a", opt="choice:a,b").keys() == {"mom", "opt"}


def test_config_uses_every_parameter():
    assert declare("train", "--config", "{config}", lr="float:0:1").keys() == {"lr"}


@pytest.mark.parametrize(
    ("command", "given", "expected"),
    [
        (("train", "{widht}"), {"width": "int:1:2"}, "no such parameter; did you mean 'width'"),
        (("train",), {"lr": "float:0:1"}, "does not use lr"),
        (("train", "{lr:float:0:1}", "{lr:float:0:2}"), {}, "described twice"),
        (("train", "{lr:float:0:1}"), {"lr": "float:0:2"}, "describe lr differently"),
        (("train", "{?lr}"), {"lr": "float:0:1"}, "only a bool can be a flag"),
        (("train", "{?seed}"), {}, "only a bool can be a flag"),
        (("train", "a{?x}"), {}, "stand alone"),
        (("awk", "{print $1}"), {}, "is no placeholder"),
        (("train", "a}"), {}, "single brace"),
        (("train", "{seed:int:1:2}"), {}, "built in"),
    ],
)
def test_a_command_that_does_not_fit_its_parameters_is_refused(command, given, expected):
    with pytest.raises(UsageError, match=expected):
        declare(*command, **given)


def test_the_built_in_names_and_the_environment_say_the_same(study, script):
    show = script('for name in DIR TRIAL STUDY SEED CONFIG METRICS; do echo "$1"; shift; done >"$TUNE_TRIAL_DIR/got"\n'
                  'echo "$TUNE_TRIAL_DIR\n$TUNE_TRIAL\n$TUNE_STUDY\n$TUNE_SEED\n$CUDA_VISIBLE_DEVICES\n$TUNE_METRICS" '
                  '>"$TUNE_TRIAL_DIR/environment"\necho \'{"loss": 1}\'\n')  # fmt: skip

    study.run("sh", show, "{dir}", "{trial}", "{study}", "{seed}", "{gpu}", "{metrics}", gpus=("3",))

    assert study.file(0, "got").read_text() == study.file(0, "environment").read_text()
    assert study.file(0, "got").read_text().splitlines()[4] == "3"


def test_the_configuration_file_holds_nested_names_and_typed_values(study):
    study.run(
        *SHOW,
        "{config}",
        params=["model.dim=choice:64", "model.opt.name=choice:sgd", "augment=fixed:true", "eps=fixed:1e-08"],
    )

    expected = {"model": {"dim": 64, "opt": {"name": "sgd"}}, "augment": True, "eps": 1e-08}
    assert json.loads(study.file(0, "config.json").read_text()) == expected


def test_params_json_is_where_the_environment_says(study, script):
    copy = script('cp "$TUNE_PARAMS" "$TUNE_TRIAL_DIR/got"\necho \'{"loss": 1}\'\n')
    study.run("sh", copy, "{dim:choice:64}", "{name:choice:x}")

    assert json.loads(study.file(0, "got").read_text()) == {"dim": 64, "name": "x"}
