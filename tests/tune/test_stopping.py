"""Stopping commands: by the pruner, by time, by a signal to tune, and whatever they have started."""

import os
import signal
import sys
from pathlib import Path

import pytest
from ml_skeleton.artifacts.metrics import read_metrics
from ml_skeleton.tuning.process import CommandProcess
from ml_skeleton.tuning.trial_folder import trial_folder

PRINTS_STEPS = """
for step in 0 1 2; do echo "{\\"step\\": $step, \\"loss\\": $1}"; done
[ "$1" = 1 ] || { echo hanging; touch "$2/hung"; while true; do sleep 0.05; done; }
"""
TRAIN_ENCODER = Path(sys.executable).with_name("train-encoder")
FIVE_GOOD_THEN_BAD = 'if [ "$1" -lt 5 ]; then set -- 1 "$2"; else set -- 9 "$2"; fi'


def test_a_shell_script_that_only_prints_json_lines_is_pruned(study, script):
    """It knows nothing of tune; the five good ones give the median something to compare with."""
    command = ("sh", script(FIVE_GOOD_THEN_BAD + PRINTS_STEPS), "{trial}", "{dir}")
    outcome = study.run(*command, n=6, pruner="median", timeout_s=20)

    assert outcome.results[5].reason == "the pruner stopped it"
    assert study.states() == ["complete"] * 5 + ["pruned"]


def test_points_in_the_metrics_file_are_offered_to_the_pruner(study, script):
    steps = FIVE_GOOD_THEN_BAD + PRINTS_STEPS.replace('$1}"; done', '$1}" >>"$TUNE_METRICS"; done')
    study.run("sh", script(steps), "{trial}", "{dir}", n=6, pruner="median", timeout_s=20)

    assert study.states() == ["complete"] * 5 + ["pruned"]


def test_train_encoder_is_pruned_by_its_own_epochs_and_ends_cleanly(study, script, audible_library):
    """Five trials that cost nothing report a loss that no training of a thousand epochs comes to."""
    text = """if [ "$TUNE_TRIAL" -lt 5 ]; then
    for step in 1 2 3; do echo "{\\"step\\": $step, \\"val_loss\\": 0}"; done
else
    exec "$@"
fi"""
    command = ("sh", script(text), str(TRAIN_ENCODER), str(audible_library), "--out", "{dir}/encoder.pt")
    options = "--encoder simple --loss rating --val-fraction 0.4 --window 1 --epochs 1000 --patience 0 --precision fp32"
    bounds = {"pruner": "median", "timeout_s": 60, "grace_s": 30}
    outcome = study.run(*command, *options.split(), n=6, metric="val_loss:min", **bounds)

    result, said = outcome.results[5], study.file(5, "stderr.log").read_text()
    assert (result.state, result.reason, result.exit_code) == ("pruned", "the pruner stopped it", 143), said
    assert said.splitlines()[-2].startswith("train-encoder: stopping: finishing what is in flight")
    steps, last = read_metrics(study.file(5, "metrics.jsonl"))
    assert ([step["step"] for step in steps], last) == (list(range(1, len(steps) + 1)), None)
    assert (result.metrics["val_loss"], len(steps) < 1000) == (steps[-1]["val_loss"], True)
    assert not study.file(5, "encoder.pt").exists()


def test_a_command_sees_the_stop_file_before_the_signal(study, script):
    text = """trap 'test -e "$TUNE_STOP" && touch "$TUNE_TRIAL_DIR/seen"; exit 75' TERM
while true; do sleep 0.05; done"""
    study.run("sh", script(text), timeout_s=0.3)

    assert study.file(0, "seen").exists()


def test_a_command_that_ignores_the_signal_is_killed_with_its_grandchild(study, script, lives):
    text = """trap '' TERM
sh -c 'trap "" TERM; echo $$ >"$TUNE_TRIAL_DIR/grandchild"; while true; do sleep 0.05; done' &
while true; do sleep 0.05; done"""
    outcome = study.run("sh", script(text), timeout_s=0.5, grace_s=0.2)

    assert (outcome.results[0].exit_code, outcome.results[0].reason) == (-9, "still running after 0.5 s")
    assert not lives(int(study.file(0, "grandchild").read_text()))


def test_a_grandchild_outlives_neither_its_parent_nor_the_grace(study, script, lives):
    """The parent obeys SIGTERM at once; the grandchild does not."""
    text = """sh -c 'trap "" TERM; echo $$ >"$TUNE_TRIAL_DIR/grandchild"; while true; do sleep 0.05; done' &
while true; do sleep 0.05; done"""
    study.run("sh", script(text), timeout_s=0.5, grace_s=0.3)

    assert not lives(int(study.file(0, "grandchild").read_text()))


def test_a_grandchild_has_the_grace_to_finish_when_its_parent_has_gone(study, script):
    text = """sh -c 'trap "sleep 0.3; touch \\"$TUNE_TRIAL_DIR/saved\\"; exit" TERM; touch "$TUNE_TRIAL_DIR/up"
while true; do sleep 0.05; done' &
while true; do sleep 0.05; done"""
    study.run("sh", script(text), timeout_s=0.5, grace_s=20.0)

    assert study.file(0, "saved").exists()


def test_a_command_that_holds_its_output_open_through_a_grandchild_ends_when_it_ends(study, script):
    study.run("sh", script('sleep 5 & echo $! >"$TUNE_TRIAL_DIR/pid"\necho \'{"loss": 1}\''), timeout_s=20)

    assert study.states() == ["complete"]


@pytest.mark.parametrize(
    ("signals", "code", "states"),
    [
        ([signal.SIGINT], 130, ["complete"]),
        ([signal.SIGINT, signal.SIGINT], 130, ["interrupted"]),
        ([signal.SIGTERM], 143, ["interrupted"]),
    ],
)
def test_signals_end_a_run_and_lose_no_trial(
    study, script, tune_in_background, wait_until, tune, signals, code, states
):
    """The command waits for `go`, which comes after the signals only where it may finish."""
    text = 'touch "$TUNE_TRIAL_DIR/up"; while [ ! -e "$TUNE_STUDY/go" ]; do sleep 0.02; done; echo \'{"loss": 1}\''
    arguments = ("run", "-n", 3, "-m", "loss:min", "--study", study.folder, "sh", script(text))
    process = tune_in_background(*arguments)
    wait_until(study.file(0, "up").exists)

    for number in signals:
        process.send_signal(number)
        process.stderr.readline()  # it says that it has heard; two signals at once would be one
    if states == ["complete"]:
        (study.folder / "go").touch()
    stdout, stderr = process.communicate(timeout=30)

    assert (process.returncode, stdout) == (code, ""), stderr
    assert study.states() == states
    (study.folder / "go").touch()
    tune(*arguments)
    assert study.states() == ["complete"] * 3


def test_the_third_ctrl_c_kills_a_command_that_will_not_stop_and_queues_its_trial_again(
    study, script, tune_in_background, wait_until
):
    text = 'trap "" TERM; touch "$TUNE_TRIAL_DIR/up"; while true; do sleep 0.05; done'
    options = ("-n", 1, "-m", "loss:min", "--grace", 3600, "--study", study.folder)
    process = tune_in_background("run", *options, "sh", script(text))
    wait_until(study.file(0, "up").exists)

    for _ in range(3):
        process.send_signal(signal.SIGINT)
        process.stderr.readline()  # it says that it has heard
    _, said = process.communicate(timeout=30)

    assert process.returncode == 130, said
    assert study.states() == ["interrupted"]


@pytest.mark.parametrize("reason", ["pruned", "interrupted"])
def test_a_command_that_ends_before_the_signal_is_not_stopped(tmp_path, reason):
    """The pruner looks at the last step while the command is ending; its value must not be lost."""
    folder = trial_folder(tmp_path, 0)
    folder.prepare({}, ["true"], nested=False)
    process = CommandProcess(["true"], folder, dict(os.environ), tmp_path, None, 10.0)
    os.waitid(os.P_PID, process._process.pid, os.WEXITED | os.WNOWAIT)
    process.stop(reason)
    process.advance()

    assert (process.over, process.exit_code, process.stopped) == (True, 0, None)
    assert not folder.stop.exists()
