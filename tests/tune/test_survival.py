"""What a killed run leaves, and how the next one goes on: nothing lost, nothing twice."""

import json
import signal

import pytest
from ml_skeleton.tuning.search import Search, SearchSettings
from ml_skeleton.tuning.study import read_study

WAITS_FOR_GO = """echo $$ >>"$TUNE_TRIAL_DIR/starts"
while [ ! -e "$TUNE_STUDY/go" ]; do sleep 0.02; done
echo "{\\"loss\\": $1}"
"""


def lines(path) -> list[str]:
    return path.read_text().splitlines() if path.exists() else []


@pytest.fixture
def search_of():
    """Open the search of a study as a run does."""

    def open_search(study) -> Search:
        plan = read_study(study.folder)
        settings = SearchSettings("tpe", "none", plan.seed)
        return Search(study.folder / "journal.log", plan.space, plan.objective.direction, settings, plan.fingerprint)

    return open_search


def test_a_run_that_is_killed_twice_in_mid_trial_ends_with_exactly_its_trials(
    study, script, tune_in_background, tune, wait_until, lives
):
    arguments = ("run", "-n", 3, "-m", "loss:min", "--study", study.folder, "sh", script(WAITS_FOR_GO), "{x:float:0:1}")
    starts = study.file(0, "starts")
    for times in (1, 2):
        process = tune_in_background(*arguments)
        wait_until(lambda times=times: len(lines(starts)) == times)
        process.send_signal(signal.SIGKILL)
        process.wait()
    study.file(0, "lease.json").unlink()  # as if the second kill had come before the lease was written

    process = tune_in_background(*arguments)
    wait_until(lambda: len(lines(starts)) == 3)
    orphans = [int(pid) for pid in lines(starts)[:2]]
    assert not any(lives(pid) for pid in orphans)
    (study.folder / "go").touch()
    stdout, stderr = process.communicate(timeout=30)

    assert (process.returncode, stdout) == (0, f"{study.folder}\n"), stderr
    assert study.states() == ["complete"] * 3
    assert [len(lines(study.file(trial.trial, "starts"))) for trial in study.trials()] == [3, 1, 1]
    journal = (study.folder / "journal.log").read_bytes()
    tune(*arguments)
    assert len(study.trials()) == 3 and (study.folder / "journal.log").read_bytes().startswith(journal)


def test_a_trial_with_a_result_that_nobody_was_told_of_is_not_run_again(study, script, search_of):
    """As after a kill between writing result.json and telling the search."""
    command = ("sh", script('echo x >>"$TUNE_TRIAL_DIR/runs"; echo "{\\"loss\\": $1}"'), "{x:float:0:1}")
    study.run(*command, n=2)
    journal = study.folder / "journal.log"
    told = journal.read_bytes().splitlines(keepends=True)
    assert json.loads(told[-1])["op_code"] == 6
    journal.write_bytes(b"".join(told[:-1]))

    study.run(*command, n=3)

    assert [lines(study.file(trial.trial, "runs")) for trial in study.trials()] == [["x"]] * 3
    assert len(search_of(study).finished) == 3


def test_a_trial_whose_parameters_were_half_chosen_is_run(study, script, search_of):
    """As after a kill in the middle of asking."""
    command = ("sh", script('echo "{\\"loss\\": $1}"'), "{x:float:0:1}", "{y:float:0:1}")
    study.run(*command, n=1)
    journal = study.folder / "journal.log"
    kept = journal.read_bytes().splitlines(keepends=True)
    asked, first_parameter = kept[1], kept[2].replace(b'"trial_id":0', b'"trial_id":1')
    assert [json.loads(line)["op_code"] for line in (asked, first_parameter)] == [4, 5]
    journal.write_bytes(b"".join([*kept, asked, first_parameter]))

    outcome = study.run(*command, n=2)

    assert outcome.count("complete") == 2 and len(search_of(study).finished) == 2


def test_a_trial_that_was_queued_again_before_the_kill_is_queued_once(study, script, search_of):
    """As after a kill between queueing the new attempt and ending the old one."""
    command = ("sh", script('echo x >>"$TUNE_TRIAL_DIR/runs"; echo "{\\"loss\\": $1}"'), "{x:float:0:1}")
    study.run(*command, n=1)
    search = search_of(study)
    attempt, _ = search.ask()
    search._study.enqueue_trial(attempt.chosen, user_attrs={"trial": attempt.number})

    study.run(*command, n=2)

    assert [lines(study.file(trial.trial, "runs")) for trial in study.trials()] == [["x"]] * 2
    assert search_of(study).running() == []


def test_half_a_line_at_the_end_of_the_journal_is_dropped(study, script):
    """As after a full disk."""
    command = ("sh", script('echo "{\\"loss\\": $1}"'), "{x:float:0:1}")
    study.run(*command, n=1)
    with open(study.folder / "journal.log", "ab") as journal:
        journal.write(b'{"op_code":4,"worker')

    assert study.run(*command, n=3).count("complete") == 3


def test_a_command_that_keeps_a_checkpoint_finds_it_in_its_folder_again(study, script):
    text = """cd "$TUNE_TRIAL_DIR"
[ -e half ] || { touch half; echo '{"step": 0, "loss": 5}' >>metrics.jsonl; exit 143; }
echo '{"step": 1, "loss": 3}' >>metrics.jsonl"""
    outcome = study.run("sh", script(text), reduce="mean")

    assert outcome.results[0].value == 4
