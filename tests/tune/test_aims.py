"""What is wanted of a study: several objectives, constraints, values to try first; and results that serve twice."""

import json

import pytest
from ml_skeleton.errors import UsageError
from ml_skeleton.tuning.constraints import parse_constraint
from ml_skeleton.tuning.enqueue import read_enqueued
from ml_skeleton.tuning.objective import parse_objective
from ml_skeleton.tuning.outcome import NoTrialComplete
from ml_skeleton.tuning.pareto import pareto_front
from ml_skeleton.tuning.study import space_of
from ml_skeleton.tuning.trial_folder import Result

TWO = 'echo "{\\"loss\\": $1, \\"size_mb\\": $2}"'


def result_of(trial: int, *values: float) -> Result:
    return Result(trial, "complete", values[0], "", 0, 0.0, "", "", None, values=list(values))


def test_the_front_is_what_nothing_else_beats_in_every_objective():
    trials = [result_of(*one) for one in [(0, 1, 5), (1, 2, 6), (2, 2, 4), (3, 3, 9), (4, 3, 9), (5, 4, 1)]]
    objectives = [parse_objective("loss:min", "last", None), parse_objective("score:max", "last", None)]

    assert [trial.trial for trial in pareto_front(trials, objectives)] == [0, 1, 3]


def test_a_study_with_two_objectives_has_a_front_as_its_best(tune, study, script):
    command = ("sh", script(TWO), "{x:int:1:3}", "{y:int:1:3}")
    outcome = study.run(*command, n=12, metric=["loss:min", "size_mb:min"])
    best = json.loads(tune("best", study.folder, "--json").stdout)

    assert [one["trial"] for one in best] == [one.trial for one in outcome.front]
    pairs = {tuple(trial.values) for trial in study.trials()}
    assert {tuple(one["values"]) for one in best} == {
        one for one in pairs if not any(other != one and other[0] <= one[0] and other[1] <= one[1] for other in pairs)
    }
    assert "on the Pareto front" in str(outcome)
    assert len(tune("best", study.folder).stdout.splitlines()) == len(best) + 1
    status = tune("status", study.folder).stdout
    assert f"; {len(best)} on the Pareto front; best loss " in status and ", size_mb " in status


def test_a_trial_that_lacks_one_of_two_objectives_has_failed(study, script):
    outcome = study.run("sh", script("echo '{\"loss\": 1}'"), metric=["loss:min", "size_mb:min"])

    assert outcome.results[0].reason.startswith("no size_mb: found loss")


def test_a_stop_is_a_pruned_trial_with_two_objectives_too(study, script):
    text = 'if [ "$1" = 0 ]; then touch "$TUNE_STOP"; echo \'{"step": 1, "loss": 3}\'; exit 75; fi\n' + TWO
    outcome = study.run("sh", script(text), "{trial}", "{x:float:0:1}", n=12, metric=["loss:min", "size_mb:max"])

    assert (outcome.count("pruned"), outcome.count("complete")) == (1, 11)


def test_the_best_trial_keeps_the_constraints(tune, study, script):
    command = ("sh", script(TWO), "{x:choice:1,2,3}", "{y:choice:60,40}")
    first = ['{"x": 1, "y": 60}', '{"x": 2, "y": 40}', '{"x": 3, "y": 40}']
    outcome = study.run(*command, n=3, constraints=["size_mb<=50"], enqueue=first)
    best = json.loads(tune("best", study.folder, "--json").stdout)

    assert (outcome.best.trial, best["trial"], best["value"]) == (1, 1, 2)
    assert outcome.results[0].reason == "size_mb is 60, wanted size_mb<=50"
    assert outcome.results[0].violations == [10]


def test_a_study_in_which_no_trial_keeps_the_constraints_says_so(study, script):
    outcome = study.run("sh", script(TWO), "1", "60", constraints=["size_mb<=50"])

    with pytest.raises(NoTrialComplete, match="none of 1 trials keeps the constraints; trial 0: size_mb is 60"):
        outcome.leave_if_bad(None)


def test_a_trial_without_the_figure_of_a_constraint_has_failed(study, script):
    outcome = study.run("sh", script("echo '{\"loss\": 1}'"), constraints=["size_mb>=5"])

    assert outcome.results[0].reason == "no size_mb, which --constraint size_mb>=5 needs"


def test_the_search_keeps_away_from_where_constraints_are_broken(study, script):
    """The smaller x the better, but below 5 it is forbidden."""
    outcome = study.run(
        "sh", script('echo "{\\"loss\\": $1, \\"x\\": $1}"'), "{x:float:0:10}", n=40, constraints=["x>=5"]
    )
    late = [result for number, result in outcome.results.items() if number >= 20]

    assert sum(result.feasible for result in late) > len(late) / 2


@pytest.mark.parametrize("text", ["size_mb", "size_mb<50", "size_mb<=many", "<=5", "x<=nan"])
def test_what_is_no_constraint_is_refused(text):
    with pytest.raises(UsageError, match="expected NAME<=NUMBER"):
        parse_constraint(text)


def test_values_to_try_first_are_tried_first_and_only_once(study, script):
    command = ("sh", script('echo "{\\"loss\\": $1}"'), "{x:float:0:1}", "{opt:choice:sgd,adam}", "{n:int:1:9}")
    first = ['{"x": 0.25, "opt": "adam", "n": 3}', '[{"x": 0.5}]']
    study.run(*command, n=2, enqueue=first)
    study.run(*command, n=4, enqueue=first)

    params = [trial.params for trial in study.trials()]
    assert params[0] == {"x": 0.25, "opt": "adam", "n": 3} and params[1]["x"] == 0.5
    assert 0.25 not in [one["x"] for one in params[1:]]


def test_the_parameters_of_another_study_are_values_to_try_first(study, script, tmp_path):
    path = tmp_path / "params.json"
    path.write_text('{"net": {"lr": 0.001}, "batch": 64}')
    study.run("sh", script("echo '{\"loss\": 1}'"), "{net.lr:log:1e-5:1}", "{batch:choice:32,64}", enqueue=[str(path)])

    assert study.trials()[0].params == {"net.lr": 0.001, "batch": 64}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('{"y": 1}', "y: no such parameter"),
        ('{"x": 2}', "x: found 2, which is not in float:0.0:1.0"),
        ('{"x": true}', "x: found true"),
        ('{"opt": "lion"}', "opt: found lion, which is not in choice:sgd,adam"),
        ('{"n": 1.5}', "n: found 1.5"),
        ("{x: 1}", "not JSON"),
        ("[1]", "expected an object"),
    ],
)
def test_values_that_the_space_does_not_hold_are_refused(text, expected):
    space = space_of(["{x:float:0:1}", "{opt:choice:sgd,adam}", "{n:int:1:9}"], [], None)

    with pytest.raises(UsageError, match=expected):
        read_enqueued([text], space)


def test_a_command_line_that_was_complete_is_not_run_again(study, script):
    text = 'echo x >>"$TUNE_STUDY/runs"; echo "{\\"loss\\": $1}"'
    outcome = study.run("sh", script(text), "{x:choice:1,2}", "{dir}", n=8, reuse=True)

    assert (study.folder / "runs").read_text() == "x\nx\n"
    assert {(trial.params["x"], trial.value) for trial in study.trials()} == {(1, 1.0), (2, 2.0)}
    assert sum("not run again" in result.reason for result in outcome.results.values()) == 6


@pytest.mark.parametrize("hole", ["{seed}", "{trial}"])
def test_a_command_that_takes_its_seed_or_number_is_always_run(study, script, hole):
    study.run("sh", script('echo x >>"$TUNE_STUDY/runs"; echo \'{"loss": 1}\''), hole, n=3, reuse=True)

    assert (study.folder / "runs").read_text() == "x\nx\nx\n"


def test_a_command_whose_input_file_has_changed_is_run_again(study, script, tmp_path):
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "a").write_text("1")
    command = ("sh", script('echo x >>"$TUNE_STUDY/runs"; echo \'{"loss": 1}\''), f"--data={tmp_path}/data")
    study.run(*command, n=2, reuse=True)
    (tmp_path / "data" / "a").write_text("22")
    study.run(*command, n=4, reuse=True)

    assert (study.folder / "runs").read_text() == "x\nx\n"


def test_a_failed_command_line_is_run_again(study, script):
    study.run("sh", script('echo x >>"$TUNE_STUDY/runs"; exit 1'), n=2, reuse=True)

    assert (study.folder / "runs").read_text() == "x\nx\n"
