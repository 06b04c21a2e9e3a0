"""Several workers on one study: in its folder, and in a database."""

import getpass
import json
import multiprocessing
import os
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from ml_skeleton.errors import InputError, UsageError
from ml_skeleton.tuning.opening import open_kept
from ml_skeleton.tuning.runner import join_study
from ml_skeleton.tuning.search import SearchSettings
from ml_skeleton.tuning.storage import open_store

WORKERS = 8
LOGS = 'echo "$TUNE_TRIAL" >>"{log}"; echo "{{\\"loss\\": $1}}"\n'


@pytest.fixture(scope="module")
def postgresql():
    """The address of a server of its own, where PostgreSQL is installed.

    Not below tmp_path: the path of a socket has to be short, and the server
    refuses to run as root, whose folders of pytest nobody else may enter.
    """
    installed = [str(folder) for folder in Path("/usr/lib/postgresql").glob("*/bin")]
    control = shutil.which("pg_ctl", path=os.pathsep.join([*installed, os.environ["PATH"]]))
    if control is None:
        pytest.skip("PostgreSQL is not installed")
    with TemporaryDirectory(prefix="tune-pg-") as folder:
        owner = {"user": "postgres"} if os.geteuid() == 0 else {}
        if owner:
            shutil.chown(folder, "postgres")
        options = f"-c listen_addresses='' -c unix_socket_directories='{folder}' -c fsync=off"
        data = f"{folder}/data"

        def run(program: str, *arguments: str) -> None:
            subprocess.run([program, "-D", data, *arguments], check=True, cwd="/", stdout=subprocess.DEVNULL, **owner)

        run(str(Path(control).with_name("initdb")), "-A", "trust", "-U", "tune", "-N")
        run(control, "-w", "-l", f"{folder}/log", "-o", options, "start")
        yield f"postgresql://tune@/postgres?host={folder}"
        run(control, "-m", "immediate", "stop")


@pytest.fixture(scope="module")
def mariadb():
    """The address of a server of its own, where MariaDB is installed; it speaks as MySQL does."""
    server, installer = shutil.which("mariadbd", path=f"/usr/sbin:{os.environ['PATH']}"), "mariadb-install-db"
    if server is None or shutil.which(installer) is None:
        pytest.skip("MariaDB is not installed")
    with TemporaryDirectory(prefix="tune-my-") as folder:  # the path of a socket has to be short
        me, data, socket = getpass.getuser(), f"--datadir={folder}/data", f"{folder}/socket"
        plain = ["--no-defaults", f"--user={me}", data]
        made = [installer, *plain, "--auth-root-authentication-method=normal", "--skip-test-db"]
        subprocess.run(made, check=True, stdout=subprocess.DEVNULL)
        (Path(folder) / "first.sql").write_text("CREATE DATABASE tune;")
        options = ["--skip-networking", f"--socket={socket}", f"--init-file={folder}/first.sql"]
        with Path(folder, "log").open("w") as log, subprocess.Popen([server, *plain, *options], stderr=log) as running:
            ask = ["mariadb-admin", "--no-defaults", "--user=root", f"--socket={socket}", "--connect-timeout=60"]
            subprocess.run([*ask, "--wait=60", "ping"], check=True, stdout=subprocess.DEVNULL)
            yield f"mysql://root@localhost/tune?unix_socket={socket}"
            running.terminate()


@pytest.fixture(params=["postgresql", "mariadb"])
def database(request) -> str:
    """The address of a server of each kind that is installed."""
    return request.getfixturevalue(request.param)


def work(study, start, command, storage) -> None:
    start.wait()
    outcome = study.run(*command, n=20, storage=storage)
    os._exit(0 if len(outcome.results) == 20 else 1)  # nothing of the forked test shall run


@pytest.fixture
def run_by_eight(study, script, tmp_path):
    """Begin a study by eight processes at once; return how they ended, and how often each trial was run.

    They are forked, as eight fresh ones would spend half a minute of a core on imports.
    """

    def run(storage: str | None = None) -> tuple[list[int | None], Counter]:
        open_store(tmp_path / "warm", f"sqlite:///{tmp_path}/warm.db" if storage else None, "")
        forking = multiprocessing.get_context("fork")
        start = forking.Barrier(WORKERS)
        command = ("sh", script(LOGS.format(log=tmp_path / "log")), "{x:float:0:1}")
        workers = [forking.Process(target=work, args=(study, start, command, storage)) for _ in range(WORKERS)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join(120)
        return [worker.exitcode for worker in workers], Counter((tmp_path / "log").read_text().split())

    return run


def test_eight_workers_on_a_fresh_study_make_exactly_its_trials(study, run_by_eight):
    codes, runs = run_by_eight()

    assert (codes, runs) == ([0] * WORKERS, Counter(map(str, range(20))))
    assert study.states() == ["complete"] * 20


def test_eight_workers_on_a_fresh_database_make_exactly_its_trials(study, run_by_eight, database):
    codes, runs = run_by_eight(database)

    assert (codes, runs) == ([0] * WORKERS, Counter(map(str, range(20))))
    assert study.states() == ["complete"] * 20


def test_a_worker_without_the_folder_gets_the_study_from_the_database(study, script, database, tmp_path):
    command = ("sh", script('echo "{\\"loss\\": $1}"'), "{x:float:0:1}")
    study.folder = tmp_path / "here" / "shared-name"
    study.run(*command, n=2, storage=database)
    there = tmp_path / "there" / "shared-name"
    outcome = join_study(there, database)
    study.run(*command, n=3, storage=database)
    from_there = join_study(there, database)

    assert len(outcome.results) == 2 and len(from_there.results) == 3
    study.folder = there
    assert study.states() == ["complete"] * 3
    assert [trial.params.keys() for trial in study.trials()] == [{"x"}] * 3


def test_the_address_that_is_kept_holds_no_password(study, script, tmp_path):
    with pytest.raises(UsageError, match="expected postgresql://…, mysql://… or sqlite:///FILE"):
        study.run("sh", script("true"), storage="oracle://me:" + "secret@host/db")
    study.run("sh", script("echo '{\"loss\": 1}'"), storage=f"sqlite:///{tmp_path}/study.db")

    assert json.loads((study.folder / "study.json").read_text())["settings"]["storage"].endswith("study.db")


def test_a_study_in_another_place_than_it_was_begun_in_is_refused(study, script, tmp_path):
    command = ("sh", script("echo '{\"loss\": 1}'"))
    study.run(*command)

    with pytest.raises(UsageError, match="the study is kept in its journal, not in sqlite"):
        study.run(*command, storage=f"sqlite:///{tmp_path}/study.db")


def test_joining_goes_by_what_the_last_run_asked_for(study, script):
    study.run("sh", script('[ "$TUNE_TRIAL" = 0 ] || exit 1\necho \'{"loss": 1}\''), n=5, max_fail=0)
    outcome = join_study(study.folder)

    assert (outcome.target, len(outcome.results)) == (5, 2)


def test_joining_what_nobody_has_begun_is_refused(tmp_path):
    with pytest.raises(InputError, match="no study here"):
        join_study(tmp_path / "nothing")


def test_a_joined_worker_works_beside_the_first(study, script, tune_in_background, wait_until):
    """Each of the two trials waits for the other, and each worker runs one command at a time."""
    text = 'cd "$TUNE_STUDY"; touch met-$1; while [ ! -e met-0 ] || [ ! -e met-1 ]; do sleep 0.02; done\n'
    command = ("sh", script(text + "echo '{\"loss\": 1}'"), "{trial}")
    first = tune_in_background("run", "-n", 2, "-m", "loss:min", "--study", study.folder, "--", *command)
    wait_until((study.folder / "met-0").exists)

    assert len(join_study(study.folder).results) == 2
    assert first.wait(30) == 0


def test_a_worker_that_is_killed_is_replaced_by_another(study, script, tune_in_background, wait_until, tmp_path):
    text = 'echo x >>"$TUNE_TRIAL_DIR/starts"; while [ ! -e "$TUNE_STUDY/go" ]; do sleep 0.02; done\n'
    command = ("sh", script(text + "echo '{\"loss\": 1}'"), "{trial}")
    first = tune_in_background("run", "-n", 1, "-m", "loss:min", "--study", study.folder, "--", *command)
    wait_until(study.file(0, "starts").exists)
    second = tune_in_background("join", study.folder)
    first.kill()
    wait_until(lambda: study.file(0, "starts").read_text() == "x\nx\n")
    (study.folder / "go").touch()

    assert (second.wait(30), study.states()) == (0, ["complete"])


def test_a_worker_elsewhere_is_alive_while_its_lease_changes_and_whatever_the_clocks_say(
    study, script, monkeypatch, tmp_path
):
    """The lease is touched with times that jump between the past and the future."""
    from ml_skeleton.tuning import others as module

    study.run("sh", script("echo '{\"loss\": 1}'"), n=1)
    search = open_kept(study.folder, SearchSettings("tpe", "none", 42))
    attempt, _ = search.ask({"place": "another machine", "pid": 1, "mark": "1"})
    lease = study.file(attempt.number, "lease.json")
    lease.parent.mkdir()
    lease.touch()
    now = [1000.0]
    monkeypatch.setattr(module.time, "monotonic", lambda: now[0])
    others = module.Others(study.folder, search.plan, search, 0.0)
    for jump_s in (0, -1e9, 2e9, 3):
        os.utime(lease, (1e9 + jump_s, 1e9 + jump_s))
        others.take_over(set())
        now[0] += 59
    assert [one.number for one in search.running()] == [1]

    now[0] += 2
    others.take_over(set())
    assert search.running() == []
    monkeypatch.undo()
    assert len(study.run("sh", script("echo '{\"loss\": 1}'"), n=2).results) == 2


def test_a_worker_whose_trial_was_taken_over_leaves_it_to_the_other(study, script, capsys):
    """The command stands for a machine that slept: meanwhile its attempt is queued again, and run, elsewhere."""
    take = (
        "from pathlib import Path\n"
        "from ml_skeleton.tuning.opening import open_kept\n"
        "from ml_skeleton.tuning.search import SearchSettings\n"
        f"search = open_kept(Path({str(study.folder)!r}), SearchSettings('tpe', 'none', 42))\n"
        "attempt = search.running()[0]\n"
        "search.again(attempt, 0, 0)\n"
    )
    (study.folder.parent / "take.py").write_text(take)
    text = f'if [ ! -e x ]; then touch x; {sys.executable} take.py; fi; echo x >>"$TUNE_TRIAL_DIR/runs"\n'
    outcome = study.run("sh", script(text + "echo '{\"loss\": 1}'"), n=1)

    assert [result.attempt for result in outcome.results.values()] == [1]
    assert study.file(0, "runs").read_text() == "x\nx\n"
    assert "another worker took it over" in capsys.readouterr().err
