"""What a killed run leaves, and how the next one goes on: nothing lost, nothing twice."""

import json
import signal
from contextlib import contextmanager

import pytest
from ml_skeleton.tuning.opening import open_kept
from ml_skeleton.tuning.search import Search, SearchSettings
from ml_skeleton.tuning.trial_folder import Result, trial_folder
from ml_skeleton.tuning.verdict import Verdict

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
        return open_kept(study.folder, SearchSettings("tpe", "none", 42))

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


@pytest.mark.parametrize("lines_kept", [1, 2, 3])
def test_a_trial_that_was_half_taken_is_run(study, script, search_of, lines_kept):
    """As after a kill in the middle of asking: before the number was written, and before all parameters were."""
    command = ("sh", script('echo "{\\"loss\\": $1}"'), "{x:float:0:1}", "{y:float:0:1}")
    study.run(*command, n=1)
    journal = study.folder / "journal.log"
    kept = journal.read_bytes().splitlines(keepends=True)
    taken = [line.replace(b'"trial_id":0', b'"trial_id":1') for line in kept[1:4]]
    assert [json.loads(line)["op_code"] for line in taken] == [4, 8, 5]
    journal.write_bytes(
        b"".join([*kept, *taken[:lines_kept]])
        .replace(b'"trial":0', b'"trial":1')
        .replace(b'"trial":1', b'"trial":0', 1)
    )

    outcome = study.run(*command, n=2)

    assert outcome.count("complete") == 2 and len(search_of(study).finished) == 2


def test_a_trial_that_was_queued_again_before_the_kill_is_queued_once(study, script, search_of):
    """As after a kill between queueing the new attempt and ending the old one."""
    command = ("sh", script('echo x >>"$TUNE_TRIAL_DIR/runs"; echo "{\\"loss\\": $1}"'), "{x:float:0:1}")
    study.run(*command, n=1)
    search = search_of(study)
    attempt, _ = search.ask()
    search._study.enqueue_trial(attempt.chosen, user_attrs={"tune": {"trial": attempt.number}})

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


class InstantTrial:
    """A trial that has ended as soon as it is started, as a thousand real commands take their time."""

    gpu = None
    over = True
    stopped_by_tune = False

    def __init__(self, study, attempt, settings):
        self.attempt, self.folder = attempt, trial_folder(study, attempt.number)
        self.folder.prepare(settings, ["true"], nested=False)
        self._value = settings["x"].value

    def new_points(self) -> list:
        return []

    def verdict(self) -> Verdict:
        return Verdict("complete", self._value)

    def result(self, verdict, commit) -> Result:
        number, values = self.attempt.number, [self._value]
        return Result(number, "complete", self._value, "", 0, 0.0, "", "", commit, values=values)


@contextmanager
def instantly(study, plan, allowance):
    yield lambda attempt, settings, gpu: InstantTrial(study, attempt, settings)


def test_a_thousand_trials_have_a_thousand_numbers_and_a_run_more_finds_them(study):
    outcome = study.run("true", "{x:float:0:1}", n=1000, backend=instantly, sampler="random")
    again = study.run("true", "{x:float:0:1}", n=1000, backend=instantly, sampler="random")

    assert sorted(outcome.results) == list(range(1000)) and again.results == outcome.results
    assert outcome.best.value == min(trial.value for trial in study.trials())


def test_a_gigabyte_of_output_is_no_trouble(study, script):
    """A hole in the file, which costs no disk; what counts is at its end."""
    outcome = study.run("sh", script('truncate -s 1G /proc/self/fd/1; echo; echo "{\\"loss\\": 3}"'))

    assert (outcome.results[0].value, study.file(0, "stdout.log").stat().st_size > 1 << 30) == (3, True)


def test_a_full_disk_ends_the_run_in_one_line_and_the_next_one_goes_on(study, script, tune, limited_tune):
    """A limit on the size of files stands for the disk: the journal meets it first."""
    command = ("sh", script('echo x >>"$TUNE_TRIAL_DIR/runs"; echo "{\\"loss\\": $1}"'), "{x:float:0:1}")
    arguments = ("run", "-n", 40, "-m", "loss:min", "--study", study.folder, "--", *command)
    full = limited_tune(32, *arguments)
    there = len(study.trials())
    tune(*arguments)

    assert (full.code, full.stdout) == (1, ""), full.stderr
    assert full.stderr.splitlines()[-1] == f"tune: {study.folder}/journal.log: cannot write: File too large"
    assert 1 < there < 40 and study.states() == ["complete"] * 40
    assert sum(lines(study.file(trial.trial, "runs")) != ["x"] for trial in study.trials()) <= 1


@pytest.mark.parametrize("text", ["printf '\\377\\376{\\000'", "echo '{\"loss\": '", "true"])
def test_output_that_says_nothing_fails_one_trial_and_not_the_study(study, script, text):
    outcome = study.run("sh", script(f'[ "$1" != 0 ] || {{ {text}; exit; }}\necho \'{{"loss": 1}}\''), "{trial}", n=2)

    assert [result.state for result in outcome.results.values()] == ["failed", "complete"]
