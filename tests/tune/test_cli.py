"""The installed command."""

import csv
import io
import json
import subprocess
import sys

import pytest

DOUBLE = "import os, json; print(json.dumps(dict(loss={x} * 2)))"


@pytest.fixture
def finished(tune, tmp_path, script):
    """A study of four trials, the last of which failed."""
    text = '[ "$TUNE_TRIAL" != 3 ] || exit 1\necho "{\\"loss\\": $1}"'
    options = ("-n", 4, "-m", "loss:min", "--study", "study", "--no-reuse")
    tune("run", *options, "--", "sh", script(text), "{x:choice:1,2}", "{?fast}")
    return tmp_path / "study"


def test_standard_output_is_the_path_of_the_study_alone(installed_tune):
    done = installed_tune(
        "run", "-n", "2", "-m", "loss:min", "--study", "runs/a", "-p", "x=float:0:1", sys.executable, "-c", DOUBLE
    )  # fmt: skip

    assert (done.code, done.stdout) == (0, "runs/a\n"), done.stderr


def test_the_shell_sees_the_exit_code_and_one_line(installed_tune, script):
    done = installed_tune("run", "-n", 1, "-m", "loss:min", "--study", "s", "--quiet", "sh", script("exit 7"))

    assert (done.code, done.stdout) == (3, "")
    assert done.stderr.splitlines()[-1].startswith("tune: s: none of 1 trials is complete; trial 0: exit 7; its output")


def test_options_after_the_command_belong_to_it(tune, tmp_path, script):
    script_path = script('printf "%s\\n" "$*" >got; echo \'{"loss": 1}\'')
    tune("run", "-n", 1, "-m", "loss:min", "--study", "s", "sh", script_path, "-n", "7", "--study", "t", "--", "--help")

    assert (tmp_path / "got").read_text() == "-n 7 --study t -- --help\n"


@pytest.mark.parametrize(
    ("text", "options", "code"),
    [("exit 1", (), 3), ("exit 1", ("--max-fail", "0"), 4), ('echo "{\\"loss\\": 1}"', ("--max-fail", "0"), 0)],
)
def test_the_exit_code_says_how_the_study_ended(tune, script, text, options, code):
    tune("run", "-n", 2, "-m", "loss:min", "--study", "s", *options, "sh", script(text), code=code)


@pytest.mark.parametrize(
    ("arguments", "code", "expected"),
    [
        (("run", "-n", 1, "--study", "s", "true"), 2, "no metric given"),
        (("run", "-n", 1, "--study", "s", "-m", "loss:min"), 2, "no COMMAND given"),
        (("run", "-n", 1, "--study", "nowhere"), 3, "no study here to go on with"),
        (("run", "-n", 1, "--study", "s", "-m", "loss", "true"), 2, "expected NAME:min or NAME:max"),
        (("run", "-n", 1, "--study", "s", "-m", "loss:min", "--timeout", "soon", "true"), 2, "expected a duration"),
        (
            ("run", "-n", 1, "--study", "s", "-m", "loss:min", "--sampler", "cmaes", "true"),
            1,
            "needs the package cmaes",
        ),
        (("best", "nowhere"), 3, "no study here"),
        (("trials", "nowhere"), 3, "no study here"),
        (("status", "nowhere"), 3, "no study here"),
    ],
)
def test_what_cannot_be_done_is_one_line_and_a_code(tune, arguments, code, expected):
    done = tune(*arguments, code=code)

    assert done.stdout == "" and expected in done.stderr and "Traceback" not in done.stderr


def test_check_runs_one_trial_and_keeps_nothing(tune, tmp_path, script):
    done = tune(
        "check", "-m", "loss:min", "sh", script('echo "{\\"loss\\": 0.5}"; pwd >&2'), "{x:choice:a b}", "{?fast:bool}"
    )

    assert "argument 2: a b\n" in done.stdout and "loss = 0.5\n" in done.stdout and f"stderr: {tmp_path}" in done.stdout
    assert [path.name for path in tmp_path.iterdir()] == ["script-0.sh"]


def test_check_shows_the_values_of_the_first_trial(tune, script):
    arguments = ("-m", "loss:min", "sh", script('echo "{\\"loss\\": $1}"'), "{x:float:0:1}")
    tune("run", "-n", 1, "--study", "s", *arguments)
    best = json.loads(tune("best", "s", "--json").stdout)

    assert f"loss = {best['value']!r}\n" in tune("check", *arguments).stdout


def test_check_fails_where_the_trial_would(tune, script):
    done = tune("check", "-m", "los:min", "sh", script('echo "{\\"loss\\": 0.5}"'), code=1)

    assert "no los: found loss" in done.stderr and "loss = 0.5" in done.stdout


def test_best_is_the_trial_with_the_smallest_value(tune, finished):
    best = json.loads(tune("best", "study", "--json").stdout)

    assert (best["value"], best["params"]["x"], best["argv"][2]) == (1, 1, "1")
    assert tune("best", "study").stdout.startswith(f"trial    {best['trial']}\nloss     1.0\n")


def test_trials_are_a_table_json_and_csv(tune, finished):
    as_json = json.loads(tune("trials", "study", "--json").stdout)
    rows = list(csv.DictReader(io.StringIO(tune("trials", "study", "--csv").stdout)))
    table = tune("trials", "study").stdout.splitlines()

    assert [trial["state"] for trial in as_json] == ["complete"] * 3 + ["failed"]
    assert [row["state"] for row in rows] == [trial["state"] for trial in as_json]
    assert rows[3]["reason"] == "exit 1" and float(rows[0]["loss"]) == as_json[0]["value"]
    assert len(table) == 5 and table[0].split()[:5] == ["trial", "state", "loss", "seconds", "exit_code"]


def test_status_counts_the_states(tune, finished):
    assert json.loads(tune("status", "study", "--json").stdout)["states"] == {"complete": 3, "failed": 1}
    assert tune("status", "study").stdout.startswith("study: 3 complete, 1 failed; best loss 1.0 in trial ")


def test_best_of_a_study_without_values_is_no_input(tune, script):
    tune("run", "-n", 1, "-m", "loss:min", "--study", "s", "sh", script("exit 1"), code=3)

    assert "none of 1 trials is complete" in tune("best", "s", code=3).stderr


@pytest.mark.parametrize("arguments", [["--help"], ["run", "--help"], ["best", "--help"]])
def test_help_imports_neither_optuna_nor_mlflow(arguments):
    code = (
        f"import sys; sys.argv = ['tune', *{arguments}]\n"
        "from ml_skeleton_tune.cli import app\n"
        "try: app()\n"
        "except SystemExit: pass\n"
        "heavy = ('optuna', 'mlflow', 'numpy', 'yaml', 'sqlalchemy', 'torch')\n"
        "print([name for name in heavy if name in sys.modules], file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.startswith("Usage") and done.stderr == "[]\n"
