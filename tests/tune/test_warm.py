"""Commands that are forked from a parent with modules imported: as if they were started anew, only sooner."""

import os
import signal
import sys
from pathlib import Path

import pytest
from ml_skeleton.errors import UserError
from ml_skeleton.tuning.backend import warm
from ml_skeleton.tuning.warm.parent import python_program

REPORTS = """
import os, sys
assert "fractions" in sys.modules, "not warm"
print('{"loss": %s}' % sys.argv[1])
"""


@pytest.fixture
def program(tmp_path):
    """Write a Python program, and return the command that runs it with this interpreter."""

    def write(text: str) -> tuple[str, str]:
        (tmp_path / "program.py").write_text(text)
        return sys.executable, str(tmp_path / "program.py")

    return write


def test_a_python_program_starts_with_the_modules_imported(study, program):
    outcome = study.run(*program(REPORTS), "{x:int:1:9}", n=3, jobs=2, backend=warm(["fractions"]))

    assert outcome.count("complete") == 3, outcome.results
    assert [trial.value for trial in study.trials()] == [trial.params["x"] for trial in study.trials()]


@pytest.mark.parametrize(
    ("text", "code", "words"),
    [
        ("import sys; sys.exit(7)", 7, "exit 7"),
        ("import sys; sys.exit('no data')", 1, "exit 1: no data"),
        ("raise ValueError('too wide')", 1, "exit 1: ValueError: too wide"),
        ("import os; os.kill(os.getpid(), 9)", -9, "killed by SIGKILL"),
        ("import os; os.abort()", -6, "killed by SIGABRT"),
    ],
)
def test_a_warm_command_ends_as_a_cold_one(study, program, text, code, words):
    command = program(text)
    warm_one = study.run(*command, backend=warm(["fractions"])).results[0]
    study.folder = study.folder.with_name("cold")
    cold = study.run(*command).results[0]

    assert (warm_one.exit_code, warm_one.reason) == (cold.exit_code, cold.reason) == (code, words)


def test_a_warm_command_is_itself_and_runs_what_it_left_for_its_end(study, program, tmp_path):
    text = """
import atexit, os, random, sys, threading, time
atexit.register(lambda: print('{"loss": 1}'))
threading.Thread(target=lambda: (time.sleep(0.1), open("late", "w").close())).start()
assert __name__ == "__main__" and sys.modules["__main__"].__file__ == __file__ == sys.argv[0]
assert sys.argv[1:] == ["-x", "a b"] and sys.path[0] == os.path.dirname(__file__)
assert os.getpgrp() == os.getpid() and os.environ["TUNE_TRIAL"] in "01" and not sys.stdin.read()
print(random.random(), file=open("random", "a"))
"""
    outcome = study.run(*program(text), "-x", "a b", n=2, backend=warm(["fractions"]))

    assert outcome.count("complete") == 2, study.file(0, "stderr.log").read_text()
    assert (tmp_path / "late").exists() and len(set((tmp_path / "random").read_text().split())) == 2


def test_a_warm_command_that_ignores_the_signal_is_killed(study, program):
    text = "import signal, time\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\ntime.sleep(60)"
    outcome = study.run(*program(text), timeout_s=0.5, grace_s=0.2, backend=warm(["fractions"]))

    assert (outcome.results[0].exit_code, outcome.results[0].reason) == (-9, "still running after 0.5 s")


def test_a_warm_parent_that_is_killed_costs_no_trial(study, program):
    """The first command kills its parent, and dies a little later; it runs again, under another one."""
    text = """
import os, signal, time
if not os.path.exists("killed"):
    open("killed", "w").close()
    os.kill(os.getppid(), signal.SIGKILL)
    time.sleep(0.3)
print('{"loss": 1}')
"""
    outcome = study.run(*program(text), n=2, timeout_s=20, backend=warm(["fractions"]))

    assert outcome.count("complete") == 2


def test_a_command_that_is_no_python_program_runs_as_ever(study, script):
    outcome = study.run("sh", script("echo '{\"loss\": 1}'"), backend=warm(["fractions"]))

    assert outcome.count("complete") == 1


def test_a_module_that_does_not_exist_is_refused(study, script):
    with pytest.raises(UserError, match="--warm no_such_module: ModuleNotFoundError: No module named 'no_such_module'"):
        study.run("sh", script("true"), backend=warm(["no_such_module"]))


def test_the_warm_parent_ends_with_tune(study, program, tune_in_background, wait_until, lives, tmp_path):
    text = "import os, time\nprint(os.getppid(), os.getpid(), file=open('pids', 'w'), flush=True)\ntime.sleep(60)"
    options = ("-n", 1, "-m", "loss:min", "--study", study.folder, "--warm", "fractions")
    tune = tune_in_background("run", *options, "--", *program(text))
    wait_until(lambda: (tmp_path / "pids").exists() and (tmp_path / "pids").read_text())
    tune.kill()
    tune.wait()

    parent, child = map(int, (tmp_path / "pids").read_text().split())
    wait_until(lambda: not lives(parent))
    os.killpg(child, signal.SIGKILL)


def test_only_programs_of_this_environment_are_python_programs(tmp_path):
    script = Path(sys.executable).with_name("tune")
    (tmp_path / "other").write_text("#!/usr/bin/env python3\n")
    (tmp_path / "other").chmod(0o755)
    (tmp_path / "a.py").touch()

    assert python_program([str(script), "--help"], tmp_path) == [str(script), "--help"]
    assert python_program([sys.executable, "a.py", "1"], tmp_path) == ["a.py", "1"]
    assert python_program([sys.executable, "-m", "json.tool"], tmp_path) == ["-m", "json.tool"]
    for other in (["sh", "a.py"], [str(tmp_path / "other")], [sys.executable, "-u", "a.py"], [sys.executable]):
        assert python_program(other, tmp_path) is None
