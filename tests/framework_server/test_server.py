"""MLflowServer: one server for all who want it, gone after the last of them, however they ended."""

import multiprocessing
import os
import signal
import subprocess
import sys
import time

import pytest
from ml_skeleton.cli import main
from ml_skeleton.errors import UserError
from ml_skeleton.tracking import MLflowServer
from ml_skeleton.tracking.probe import knock

FORK = multiprocessing.get_context("fork")


def use_until_killed(port: int, ready) -> None:
    server = MLflowServer(port=port)
    server.ensure_running()
    server.wait_until_ready()
    ready.release()
    signal.pause()


@pytest.fixture
def users(port):
    """Return a function that starts N processes that use the server of `port`, and returns when all of them do."""
    started: list = []

    def start(count: int) -> list:
        ready = FORK.Semaphore(0)
        started.extend(FORK.Process(target=use_until_killed, args=(port, ready)) for _ in range(count))
        for process in started[-count:]:
            process.start()
        for _ in range(count):
            assert ready.acquire(timeout=60)
        return started[-count:]

    yield start
    for process in started:
        process.kill()
        process.join()


def test_eight_processes_at_once_make_one_server(quick, port, users):
    users(8)

    assert len((quick / "starts").read_text().splitlines()) == 1


def test_the_server_lives_until_the_last_of_its_users_was_killed(quick, port, users, wait_until):
    first, last = users(2)

    first.kill()
    first.join()
    time.sleep(1.2)  # two looks of the keeper
    kept = MLflowServer(port=port).is_running()
    last.kill()

    assert kept
    wait_until(lambda: knock(f"http://127.0.0.1:{port}").who == "nobody")


def test_ctrl_c_at_the_terminal_does_not_reach_the_server(quick, port):
    with MLflowServer(port=port) as server:
        server.wait_until_ready()
        session = int((quick / "starts").read_text())

        assert session != os.getsid(0)


def test_stop_returns_when_the_server_is_gone(quick, port):
    with MLflowServer(port=port) as server:
        server.wait_until_ready()

    assert knock(server.uri).who == "nobody"


def test_a_kept_server_stays_until_it_is_told_otherwise(quick, port):
    with MLflowServer(port=port, keep=True) as server:
        server.wait_until_ready()
    time.sleep(1.2)  # two looks of the keeper
    stayed = server.is_running()

    MLflowServer(port=port).end_keeping()

    assert (stayed, server.is_running()) == (True, False)


def test_a_server_that_somebody_else_runs_is_used_and_not_stopped(quick, port, stand_in, wait_until):
    with subprocess.Popen(stand_in(port)) as other:
        wait_until(lambda: knock(f"http://127.0.0.1:{port}").who == "mlflow")

        with MLflowServer(port=port) as server:
            answers, kept = server.ensure_running(), server.is_kept()

        assert (answers, kept, other.poll()) == (True, False, None)
        other.kill()


def test_a_port_taken_by_something_else_is_an_error_that_says_so(quick, port, stand_in, wait_until):
    with subprocess.Popen(stand_in(port, 404, "not found")) as other:
        wait_until(lambda: knock(f"http://127.0.0.1:{port}").who == "stranger")

        with pytest.raises(UserError, match=f"port {port}: taken by something that is no MLflow server"):
            MLflowServer(port=port).ensure_running()
        other.kill()


def test_a_server_that_ends_at_once_is_reported_with_its_last_words(quick, port, monkeypatch):
    failing = [sys.executable, "-c", "raise SystemExit('no such schema')"]
    monkeypatch.setattr("ml_skeleton.tracking.server.server_command", lambda *_: failing)

    with pytest.raises(UserError, match="MLflow did not start: no such schema"), MLflowServer(port=port) as server:
        server.wait_until_ready()


def test_a_server_with_other_runs_is_named(quick, port, capsys):
    with MLflowServer(port=port, backend="sqlite:///one.db"):
        MLflowServer(port=port, backend="sqlite:///two.db").ensure_running()

    assert f"keeps its runs in sqlite:///{quick}/one.db, not in sqlite:///{quick}/two.db" in capsys.readouterr().err


def test_a_folder_of_another_user_is_refused(quick, port, monkeypatch):
    other = os.getuid() + 1
    monkeypatch.setattr(os, "getuid", lambda: other)

    with pytest.raises(UserError, match="belongs to somebody else"):
        MLflowServer(port=port)


def test_the_command_serves_until_it_is_told_to_stop(quick, port, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["ml_skeleton", "mlflow-ui", "--port", str(port)])
    monkeypatch.setattr(signal, "pause", lambda: signal.raise_signal(signal.SIGTERM))
    former = signal.getsignal(signal.SIGTERM)

    with pytest.raises(SystemExit) as left:
        main()

    signal.signal(signal.SIGTERM, former)
    assert (left.value.code, capsys.readouterr().out) == (143, f"http://127.0.0.1:{port}\n")
    assert knock(f"http://127.0.0.1:{port}").who == "nobody"


def test_the_command_leaves_a_kept_server_and_stops_it_when_asked(quick, port, monkeypatch, capsys):
    stayed = []
    for option in ("--keep", "--stop"):
        monkeypatch.setattr(sys, "argv", ["ml_skeleton", "mlflow-ui", "--port", str(port), option])
        former = signal.getsignal(signal.SIGTERM)
        with pytest.raises(SystemExit) as left:
            main()
        signal.signal(signal.SIGTERM, former)
        stayed.append((left.value.code, knock(f"http://127.0.0.1:{port}").who))

    assert stayed == [(0, "mlflow"), (0, "nobody")]
