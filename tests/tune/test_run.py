"""Studies run to their end in this process."""

import json

import pytest
from ml_skeleton.errors import InputError, UsageError, UserError
from ml_skeleton.tuning.loop import INTERRUPTIONS_ALLOWED
from ml_skeleton.tuning.outcome import NoTrialComplete, TooManyFailures

MEET = """cd "$TUNE_STUDY"; touch met-$1
while [ ! -e met-{a} ] || [ ! -e met-{b} ]; do sleep 0.01; done
"""
LOSS = 'echo "{\\"loss\\": $1}"\n'


@pytest.fixture
def loss(script):
    """A command whose result is its argument."""
    return ("sh", script(LOSS))


def test_a_study_runs_until_so_many_trials_are_finished_and_a_second_run_is_a_no_op(study, loss):
    study.run(*loss, "{x:float:0:1}", n=3)
    before = {trial.trial: trial for trial in study.trials()}
    study.run(*loss, "{x:float:0:1}", n=3)
    outcome = study.run(*loss, "{x:float:0:1}", n=5)

    after = {trial.trial: trial for trial in study.trials()}
    assert len(outcome.results) == len(after) == 5
    assert before == {number: after[number] for number in before}


def test_the_best_trial_is_the_smallest_or_the_largest_as_asked(study, loss):
    outcome = study.run(*loss, "{x:choice:1,2,3}", n=6, metric="loss:max")

    assert outcome.best.value == max(trial.value for trial in study.trials())


def test_the_same_seed_makes_the_same_study_and_another_seed_another(study, loss, tmp_path):
    def values(name: str, seed: int) -> list[float]:
        study.folder = tmp_path / name
        study.run(*loss, "{x:float:0:1}", n=12, seed=seed)
        return [trial.value for trial in study.trials()]

    assert values("a", 1) == values("b", 1) != values("c", 2)


def test_a_study_that_was_broken_off_ends_as_one_that_was_not(study, loss, tmp_path):
    def values(name: str, *stops: int) -> list[float]:
        study.folder = tmp_path / name
        for n in stops:
            study.run(*loss, "{x:float:0:1}", n=n)
        return [trial.value for trial in study.trials()]

    assert len(set(values("a", 14))) == 14
    assert values("a", 14) == values("b", 1, 6, 12, 14)


def test_the_seed_of_a_trial_does_not_depend_on_the_number_of_jobs(study, loss, tmp_path):
    def seeds(name: str, jobs: int) -> list[float]:
        study.folder = tmp_path / name
        study.run(*loss, "{seed}", n=6, jobs=jobs)
        return [trial.value for trial in study.trials()]

    assert seeds("one", 1) == seeds("four", 4)


def test_a_study_without_command_goes_on_with_its_own(study, loss):
    study.run(*loss, "{x:float:0:1}", n=1, seed=7)

    assert len(study.run(n=2, metric=None).results) == 2


def test_a_changed_space_is_refused_with_the_differences(study, loss):
    study.run(*loss, "{x:float:0:1}", "{gone:bool}", "{opt:choice:a,b}")

    with pytest.raises(UsageError) as refused:
        study.run(*loss, "{x:float:0:2}", "{new:int:1:2}", "{opt:choice:a,b}", metric="loss:max", n=2)

    assert str(refused.value) == (
        f"{study.folder}: the study was begun differently: x was float:0.0:1.0, now float:0.0:2.0; "
        "-m was loss:min, now loss:max; gone (bool) is gone; new (int:1:2) is new; take another --study"
    )


def test_a_changed_seed_is_refused(study, loss):
    study.run(*loss, "{x:float:0:1}", seed=1)

    with pytest.raises(UsageError, match="--seed was 1, now 2"):
        study.run(*loss, "{x:float:0:1}", seed=2, n=2)


def test_a_changed_command_with_the_same_space_is_said_and_goes_on(study, loss, capsys):
    study.run(*loss, "{x:float:0:1}")
    outcome = study.run(*loss, "{x:float:0:1}", "--epochs=5", n=2)

    assert len(outcome.results) == 2
    assert "the command has changed" in capsys.readouterr().err


def test_a_folder_of_something_else_is_refused(study, loss):
    study.folder.mkdir()
    (study.folder / "thesis.tex").touch()

    with pytest.raises(UsageError, match=r"holds thesis.tex and no study"):
        study.run(*loss, "1")


def test_a_study_file_of_another_format_is_refused(study, loss):
    study.run(*loss, "1")
    path = study.folder / "study.json"
    path.write_text(path.read_text().replace('"format": 1', '"format": 9'))

    with pytest.raises(InputError, match="format 9, this version reads format 1"):
        study.run(*loss, "1", n=2)


def test_a_study_without_its_journal_is_refused(study, loss):
    study.run(*loss, "{x:float:0:1}", n=2)
    (study.folder / "journal.log").unlink()

    with pytest.raises(UserError, match="the search does not know trial 0"):
        study.run(*loss, "{x:float:0:1}", n=3)


def test_a_program_that_does_not_exist_is_refused_before_the_first_trial(study):
    with pytest.raises(UsageError, match="trian: no such program"):
        study.run("trian", "{x:float:0:1}")
    assert not study.folder.exists()


def test_a_program_that_is_a_parameter_may_be_missing_in_one_trial(study, loss, script):
    outcome = study.run("{program:choice:no-such-program}", "1", n=2)

    assert outcome.results[0].reason == "no-such-program: cannot start: No such file or directory"
    with pytest.raises(NoTrialComplete):
        outcome.leave_if_bad(None)


@pytest.mark.parametrize(
    ("text", "state", "reason"),
    [
        ("echo oops >&2; exit 3", "failed", "exit 3: oops"),
        ("echo locked >&2; exit 75", "failed", "exit 75 without a stop: busy, or out of something for now: locked"),
        ('touch "$TUNE_STOP"; exit 75', "pruned", "it found the stop file and stopped (exit 75)"),
        (
            'echo \'{"step": 1, "loss": 1}\'; echo \'{"loss": null}\'',
            "failed",
            "loss is null, expected a finite number",
        ),
        ("echo too wide >&2; exit 64", "infeasible", "infeasible parameters (exit 64): too wide"),
        ("kill -9 $$", "failed", "killed by SIGKILL"),
        ("true", "failed", "no loss: found no metrics at all in $TUNE_METRICS, metrics.json and stdout"),
        ("echo '{\"loss\": NaN}'", "failed", "loss is NaN, expected a finite number"),
        ("echo '{\"loss\": -Infinity}'", "failed", "loss is -Infinity, expected a finite number"),
    ],
)
def test_the_end_of_a_command_is_the_state_of_its_trial(study, script, text, state, reason):
    outcome = study.run("sh", script(text))

    assert (outcome.results[0].state, outcome.results[0].reason) == (state, reason)


def test_a_failed_trial_is_tried_again_in_its_folder_as_often_as_asked(study, script):
    text = (
        'echo x >>"$TUNE_TRIAL_DIR/tries"; [ $(wc -l <"$TUNE_TRIAL_DIR/tries") = 3 ] || exit 1; echo "{\\"loss\\": $1}"'
    )
    outcome = study.run("sh", script(text), "{x:float:0:1}", n=2, retries=2)

    assert [result.state for result in outcome.results.values()] == ["complete", "complete"]
    assert [study.file(number, "tries").read_text() for number in outcome.results] == ["x\nx\nx\n"] * 2


def test_a_trial_that_is_tried_again_keeps_its_parameters_and_seed(study, script):
    text = 'echo "$@" >>"$TUNE_TRIAL_DIR/tries"; exit 1'
    study.run("sh", script(text), "{x:float:0:1}", "{opt:choice:a,b}", "{seed}", "{trial}", retries=2)

    tries = study.file(0, "tries").read_text().splitlines()
    assert len(tries) == 3 and len(set(tries)) == 1


@pytest.mark.parametrize("text", ["exit 64", "echo 'CUDA out of memory' >&2; exit 1"])
def test_what_would_fail_again_is_not_tried_again(study, script, text):
    study.run("sh", script(f'echo x >>"$TUNE_TRIAL_DIR/tries"; {text}'), retries=2)

    assert study.file(0, "tries").read_text() == "x\n"


@pytest.mark.parametrize("text", ["exit 130", "exit 143", "kill $$"])
def test_an_interrupted_command_runs_again_and_costs_no_trial(study, script, text):
    outcome = study.run(
        "sh", script(f'[ -e "$TUNE_TRIAL_DIR/x" ] && {LOSS.strip()} && exit; touch "$TUNE_TRIAL_DIR/x"; {text}'), "1"
    )

    assert [result.state for result in outcome.results.values()] == ["complete"]


def test_a_command_that_is_interrupted_each_time_fails_in_the_end(study, script):
    outcome = study.run("sh", script('echo x >>"$TUNE_TRIAL_DIR/tries"; exit 143'))

    assert outcome.results[0].reason == f"interrupted {INTERRUPTIONS_ALLOWED} times (exit 143)"
    assert study.file(0, "tries").read_text() == "x\n" * INTERRUPTIONS_ALLOWED


def test_too_many_failures_end_the_study_and_do_so_again(study, script):
    command = ("sh", script("exit 1"), "{x:float:0:1}")
    outcome = study.run(*command, n=10, max_fail=2)

    assert len(outcome.results) == len(study.run(*command, n=10, max_fail=2).results) == 3
    with pytest.raises(TooManyFailures, match="3 trials failed"):
        outcome.leave_if_bad(2)


def test_jobs_run_at_the_same_time(study, script):
    """Each of the two waits for the other."""
    outcome = study.run("sh", script(MEET.format(a=0, b=1) + LOSS), "{trial}", n=2, jobs=2, timeout_s=20)

    assert outcome.count("complete") == 2


def test_each_command_has_a_gpu_of_its_own(study, script):
    command = ("sh", script(MEET.format(a=2, b=5) + LOSS), "{gpu}")
    outcome = study.run(*command, n=2, jobs=2, gpus=("2", "5"), timeout_s=20)

    assert sorted(result.value for result in outcome.results.values()) == [2, 5]


def test_commands_share_a_gpu_only_when_told_and_spread_over_all(study, script):
    """All four wait until the fourth is there."""
    text = 'cd "$TUNE_STUDY"; touch met-$2; while [ ! -e met-3 ]; do sleep 0.01; done\n'
    command = ("sh", script(text + LOSS), "{gpu}", "{trial}")
    outcome = study.run(*command, n=4, jobs=4, gpus=("2", "5"), per_gpu=2, timeout_s=20)

    assert sorted(result.value for result in outcome.results.values()) == [2, 2, 5, 5]


@pytest.mark.parametrize(
    ("command", "limits", "expected"),
    [(("true", "{gpu}"), {}, "needs --gpus"), (("true",), {"jobs": 3, "gpus": ("0", "1")}, "--jobs 3: --gpus names 2")],
)
def test_more_commands_than_gpus_are_refused(study, command, limits, expected):
    with pytest.raises(UsageError, match=expected):
        study.run(*command, **limits)


def test_the_time_of_a_study_is_a_limit_and_its_running_trial_is_queued_again(study, script):
    text = '[ $TUNE_TRIAL != 1 ] || [ -e "$TUNE_TRIAL_DIR/x" ] || { touch "$TUNE_TRIAL_DIR/x"; sleep 30; }\n'
    command = ("sh", script(text + LOSS), "1")

    first = study.run(*command, n=3, study_timeout_s=1)
    second = study.run(*command, n=3)

    assert (first.out_of_time, study.states(), len(first.results)) == (True, ["complete"] * 3, 1)
    assert len(second.results) == 3
    first.leave_if_bad(None)


def test_what_a_finished_trial_was_is_in_its_folder(study, loss):
    study.run(*loss, "{x:choice:0.5}")

    assert json.loads(study.file(0, "params.json").read_text()) == {"x": 0.5}
    assert json.loads(study.file(0, "argv.json").read_text()) == [*loss, "0.5"]
    result = json.loads(study.file(0, "result.json").read_text())
    assert {name: result[name] for name in ("trial", "state", "value", "reason", "exit_code", "metrics")} == {
        "trial": 0,
        "state": "complete",
        "value": 0.5,
        "reason": "",
        "exit_code": 0,
        "metrics": {"loss": 0.5},
    }


def test_a_best_trial_of_an_earlier_run_is_not_announced_again(study, loss, capsys):
    study.run(*loss, "{x:fixed:1}{seed}", n=1)
    first = capsys.readouterr().err
    study.run(*loss, "{x:fixed:1}{seed}", n=2)

    assert "trial 0: loss" in first and "trial 0: loss" not in capsys.readouterr().err


def test_only_the_first_failures_are_named(study, script, capsys):
    study.run("sh", script("exit 1"), n=8)

    assert capsys.readouterr().err.count("warning: trial") == 5
