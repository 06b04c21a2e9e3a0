"""The loop of a study in the hands of a shell script: ask, report, tell; and retry."""

import json

import pytest

NEW = ("-p", "x=float:0:1", "-p", "kind=choice:a,b", "-m", "loss:min")


@pytest.fixture
def asked(tune):
    """Ask for a trial and return what is printed."""
    return lambda *options: json.loads(tune("ask", "s", *options).stdout)


def test_a_script_that_asks_and_tells_makes_a_study(tune, asked):
    first = asked(*NEW)
    told = json.loads(tune("tell", "s", 0, '{"loss": 0.5}').stdout)
    second = asked()

    assert first["trial"] == 0 and first["params"].keys() == {"x", "kind"}
    assert (told["state"], told["value"]) == ("complete", 0.5)
    assert second["trial"] == 1 and second["params"]["x"] != first["params"]["x"]
    assert json.loads(tune("status", "s", "--json").stdout)["states"] == {"complete": 1, "running": 1}


def test_a_script_whose_trials_are_all_finished_or_taken_is_told_so(tune, asked):
    asked(*NEW, "-n", 1)
    assert "are being worked on" in tune("ask", "s", "-n", 1, code=75).stderr
    tune("tell", "s", 0, '{"loss": 0.5}')

    assert "no more were wanted" in tune("ask", "s", "-n", 1, code=3).stderr


def test_a_script_is_told_when_to_give_a_trial_up(tune, asked):
    for number in range(5):
        asked(*(NEW if number == 0 else ()))
        good = tune("report", "s", number, '{"step": 1, "loss": 1}').stdout
        tune("tell", "s", number)
    asked()

    assert json.loads(good) == {"prune": False}
    assert json.loads(tune("report", "s", 5, '{"step": 1, "loss": 9}').stdout) == {"prune": True}
    tune("tell", "s", 5, "--state", "pruned")
    assert json.loads(tune("status", "s", "--json").stdout)["states"] == {"complete": 5, "pruned": 1}


def test_a_trial_without_its_figure_has_failed(tune, asked):
    asked(*NEW)

    assert json.loads(tune("tell", "s", 0, '{"los": 1}').stdout)["reason"].startswith("no loss: found los")


def test_a_trial_whose_time_ran_out_is_asked_for_again_with_its_parameters(tune, asked):
    first = asked(*NEW, "--lease", "0")

    assert asked() == first
    tune("tell", "s", 0, '{"loss": 1}')
    assert "trial 0 is over" in tune("tell", "s", 0, '{"loss": 2}', code=1).stderr


@pytest.mark.parametrize(
    ("arguments", "code", "expected"),
    [
        (("ask", "s", "-p", "x=float:0:1"), 2, "a new study needs a parameter"),
        (("ask", "s"), 3, "no study here"),
        (("tell", "t", 0, '{"loss": 1}'), 3, "no study here"),
    ],
)
def test_what_a_script_cannot_ask_is_one_line_and_a_code(tune, arguments, code, expected):
    assert expected in tune(*arguments, code=code).stderr


@pytest.mark.parametrize(
    ("arguments", "code", "expected"),
    [
        (("tell", "s", 7, '{"loss": 1}'), 3, "no trial 7 was asked for"),
        (("tell", "s", 0, "loss=1"), 2, "not JSON"),
        (("tell", "s", 0, "[1]"), 2, "expected an object"),
        (("report", "s", 0, '{"loss": 1}'), 2, 'expected a "step" in it'),
        (("report", "s", 0, '{"step": "one", "loss": 1}'), 2, "expected a whole number"),
        (("report", "s", 0, '{"step": 1.5, "loss": 1}'), 2, "expected a whole number"),
        (("ask", "s", "-p", "x=float:0:2", "-m", "loss:min"), 2, "begun differently"),
        (("join", "s"), 2, "the study has no command"),
    ],
)
def test_what_a_script_cannot_say_is_one_line_and_a_code(tune, asked, arguments, code, expected):
    asked(*NEW)

    assert expected in tune(*arguments, code=code).stderr


def test_failed_trials_are_queued_again_and_run_once_more(tune, study, script):
    command = ("sh", script('[ "$1" = 2 ] || [ -e "$TUNE_STUDY/go" ] || exit 1\necho \'{"loss": 1}\''), "{trial}")
    study.run(*command, n=3)
    (study.folder / "go").touch()
    tune("retry", study.folder)
    assert study.states() == ["interrupted", "interrupted", "complete"]
    study.run(*command, n=3)

    assert study.states() == ["complete"] * 3


def test_a_trial_that_is_named_is_queued_again_whatever_its_end_and_keeps_its_number(tune, study, script):
    command = ("sh", script('echo x >>"$TUNE_TRIAL_DIR/runs"; echo \'{"loss": 1}\''), "{x:float:0:1}")
    study.run(*command, n=2)
    before = study.trials()[1].params
    tune("retry", study.folder, 1)
    study.run(*command, n=2)

    assert study.file(1, "runs").read_text() == "x\nx\n" and study.trials()[1].params == before
    assert "no trial 9" in tune("retry", study.folder, 9, code=3).stderr
