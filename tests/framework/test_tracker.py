"""A run's lines: on disk first, on the server when it answers."""

import os
import signal
import socket
import subprocess
import sys
import textwrap
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest
from ml_skeleton.errors import UserError
from ml_skeleton.tracking import ExplrTracker, NullTracker
from ml_skeleton.tracking.run_writer import Place
from ml_skeleton.tracking.sender.server import local_server
from ml_skeleton.tracking.spool import RunFolder, spool_of


@pytest.fixture
def dead_server() -> str:
    """The address of a port where nobody listens."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{taken.getsockname()[1]}"


def test_what_is_logged_arrives(server, send_by_hand, tmp_path):
    (tmp_path / "weights.bin").write_bytes(b"w")
    with ExplrTracker(server.uri, "exp", run_name="one") as tracker:
        tracker.log_params({"lr": 0.1, "layers": 2})
        tracker.log_metric("loss", 1.5, step=0)
        tracker.log_metrics({"loss": 0.5, "acc": np.float32(0.25)}, step=1)
        tracker.set_tag("colour", "red")
        tracker.log_artifact("weights.bin", "models")
        (tmp_path / "weights.bin").unlink()
        tracker.log_text("hello", "notes/a.txt")
        tracker.log_dict({"a": 1}, "d.yaml")
    assert send_by_hand(server.uri) == ""

    run = server.named("one")
    assert (run.experiment, run.status) == ("exp", "FINISHED")
    assert run.params == {"lr": "0.1", "layers": "2"}
    assert run.metrics == [("loss", 1.5, 0), ("loss", 0.5, 1), ("acc", 0.25, 1)]
    assert run.tags["colour"] == "red"
    assert run.artifacts == {"models/weights.bin": b"w", "notes/a.txt": b"hello", "d.yaml": b"a: 1\n"}
    assert list(spool_of(server.uri).iterdir()) == []


def test_parameters_may_be_logged_again(server, send_by_hand, capsys):
    with ExplrTracker(server.uri, run_name="one") as tracker:
        tracker.log_params({"lr": 0.1})
        tracker.log_params({"lr": 0.1, "layers": 2})
        tracker.log_param("lr", 0.2)
    send_by_hand(server.uri)

    assert server.named("one").params == {"lr": "0.1", "layers": "2"}
    assert "parameter lr stays 0.1" in capsys.readouterr().err


def test_a_name_that_mlflow_does_not_take_is_mapped_and_said_once(server, send_by_hand, capsys):
    with ExplrTracker(server.uri, run_name="one") as tracker:
        for step in range(3):
            tracker.log_metric("recall@10", 0.5, step=step)
    send_by_hand(server.uri)

    assert {name for name, _, _ in server.named("one").metrics} == {"recall_10"}
    assert capsys.readouterr().err.count("recall@10") == 1


def test_a_crash_ends_the_run_failed_with_its_traceback(server, send_by_hand):
    with pytest.raises(ValueError, match="out of luck"), ExplrTracker(server.uri, run_name="one"):
        raise ValueError("out of luck")
    send_by_hand(server.uri)

    run = server.named("one")
    assert run.status == "FAILED"
    assert b"ValueError: out of luck" in run.artifacts["traceback.txt"]


def test_ctrl_c_ends_the_run_killed(server, send_by_hand):
    with pytest.raises(KeyboardInterrupt), ExplrTracker(server.uri, run_name="one"):
        raise KeyboardInterrupt
    send_by_hand(server.uri)

    assert (server.named("one").status, server.named("one").artifacts) == ("KILLED", {})


def test_sys_exit_without_an_error_is_no_failure(server, send_by_hand):
    with pytest.raises(SystemExit), ExplrTracker(server.uri, run_name="one"):
        sys.exit(0)
    send_by_hand(server.uri)

    assert server.named("one").status == "FINISHED"


def test_a_server_that_is_down_gets_the_lines_later(server, send_by_hand, monkeypatch):
    with ExplrTracker(server.uri, run_name="one") as tracker:
        tracker.log_metric("loss", 1.0, step=0)
        answer, server.answer = server.answer, lambda *_: (503, {"message": "come back"})
        assert "503: come back" in send_by_hand(server.uri)
        tracker.log_metric("loss", 0.5, step=1)
    server.answer = answer
    assert send_by_hand(server.uri) == ""

    assert server.named("one").metrics == [("loss", 1.0, 0), ("loss", 0.5, 1)]
    assert server.named("one").status == "FINISHED"


def test_a_server_that_dies_in_mid_run_gets_every_line_once(server, send_by_hand):
    with ExplrTracker(server.uri, run_name="one") as tracker:
        for step in range(4):
            tracker.log_metric("loss", 1.0, step=step)
            if step == 1:
                send_by_hand(server.uri)
                answer, server.answer = server.answer, lambda *_: (500, {})
            elif step == 2:
                send_by_hand(server.uri)
                server.answer = answer
    send_by_hand(server.uri)

    assert [step for _, _, step in server.named("one").metrics] == [0, 1, 2, 3]


def test_what_a_server_refuses_holds_nothing_else_up(server, send_by_hand):
    server.refuse_metrics = True
    with ExplrTracker(server.uri, run_name="one") as tracker:
        tracker.log_metric("loss", 1.0)
        tracker.set_tag("colour", "red")
    assert send_by_hand(server.uri) == ""

    run = server.named("one")
    assert (run.status, run.metrics, run.tags["colour"]) == ("FINISHED", [], "red")


def test_a_nested_run_is_inside_the_open_one(server, send_by_hand):
    with (
        ExplrTracker(server.uri, run_name="outer"),
        ExplrTracker(server.uri, run_name="inner", nested=True) as inner,
    ):
        inner.log_metric("loss", 1.0)
    send_by_hand(server.uri)

    outer = next(name for name, run in server.runs.items() if run.name == "outer")
    assert server.named("inner").tags["mlflow.parentRunId"] == outer


def test_a_run_that_is_given_goes_on(server, send_by_hand):
    with ExplrTracker(server.uri, run_name="one"):
        pass
    send_by_hand(server.uri)
    [run_id] = server.runs
    with ExplrTracker(server.uri, run_id=run_id) as tracker:
        assert tracker.run_id == run_id
        tracker.log_metric("loss", 1.0)
    send_by_hand(server.uri)

    assert (len(server.runs), server.named("one").metrics) == (1, [("loss", 1.0, 0)])


def test_a_metric_without_a_step_is_the_latest(server, send_by_hand):
    with ExplrTracker(server.uri, run_name="one") as tracker:
        tracker.log_metric("loss", 1.0, step=7)
        tracker.log_metric("loss", 0.5)
    send_by_hand(server.uri)

    assert server.named("one").metrics == [("loss", 1.0, 7), ("loss", 0.5, 7)]


def test_a_file_that_is_not_there_is_one_line(server, send_by_hand):
    with pytest.raises(UserError, match=r"nothing\.pt: no such file"), ExplrTracker(server.uri) as tracker:
        tracker.log_artifact("nothing.pt")


def test_pictures_are_kept(server, send_by_hand):
    from matplotlib.figure import Figure

    with ExplrTracker(server.uri, run_name="one") as tracker:
        tracker.log_figure(Figure(figsize=(1, 1)), "plots/empty.png")
        tracker.log_image(np.zeros((2, 3, 3)), "black.png")
    send_by_hand(server.uri)

    kept = server.named("one").artifacts
    assert {name: content[:4] for name, content in kept.items()} == dict.fromkeys(
        ("plots/empty.png", "black.png"), b"\x89PNG"
    )


def test_a_disk_that_takes_nothing_costs_the_tracking_and_not_the_training(server, send_by_hand, monkeypatch, capsys):
    def full(*_: object) -> int:
        raise OSError(28, "No space left on device")

    with ExplrTracker(server.uri) as tracker:
        monkeypatch.setattr("ml_skeleton.tracking.spool.os.write", full)
        tracker.log_metric("loss", 1.0)
        tracker.log_metric("loss", 2.0)

    assert capsys.readouterr().err.count("No space left on device; nothing more of this run reaches MLflow") == 1


def test_under_tune_metrics_go_to_its_file_too(tmp_path, monkeypatch):
    monkeypatch.setenv("TUNE_METRICS", str(tmp_path / "metrics.jsonl"))
    tracker = NullTracker()
    tracker.log_metric("loss", 1.0, step=3)
    tracker.log_metrics({"loss": 0.5})

    assert (tmp_path / "metrics.jsonl").read_text() == '{"step": 3, "loss": 1.0}\n{"loss": 0.5}\n'


class Trial:
    """A trial of Optuna, as far as a tracker knows one."""

    def __init__(self, hopeless: bool) -> None:
        self.hopeless, self.reported = hopeless, []

    def report(self, value: float, step: int) -> None:
        self.reported.append((value, step))

    def should_prune(self) -> bool:
        return self.hopeless


@pytest.mark.parametrize("hopeless", [True, False])
def test_a_trial_is_told_and_asked(hopeless):
    trial = Trial(hopeless)

    assert NullTracker().report_intermediate(0.5, 3, trial) is not hopeless
    assert trial.reported == [(0.5, 3)]


def test_without_a_trial_there_is_nothing_to_stop_for(tmp_path, monkeypatch):
    assert NullTracker().report_intermediate(0.5, 3)
    monkeypatch.setenv("TUNE_STOP", str(tmp_path / "stop"))
    (tmp_path / "stop").touch()
    assert not NullTracker().report_intermediate(0.5, 3)


SCRIPT = """
    import os, signal, sys, time
    from ml_skeleton.tracking import ExplrTracker
    with ExplrTracker(sys.argv[1], run_name=sys.argv[2]) as tracker:
        tracker.log_metric("loss", 1.0)
        os.kill(os.getpid(), getattr(signal, sys.argv[2]))
        time.sleep(20)
"""


@pytest.mark.parametrize(("ended_by", "code", "status"), [("SIGTERM", 143, "KILLED"), ("SIGKILL", -9, "FAILED")])
def test_a_process_that_is_ended_leaves_no_running_run(server, ended_by, code, status):
    """With the sender's own process, which outlives the training."""
    script = [sys.executable, "-c", textwrap.dedent(SCRIPT), server.uri, ended_by]

    done = subprocess.run(script, env=os.environ, capture_output=True, text=True, timeout=60)
    wait_for(lambda: not list(spool_of(server.uri).iterdir()))

    run = server.named(ended_by)
    assert (done.returncode, run.status, run.metrics) == (code, status, [("loss", 1.0, 0)]), done.stderr


def test_ctrl_c_twice_leaves_no_running_run(server):
    script = textwrap.dedent(SCRIPT).replace(
        "os.kill(os.getpid(), getattr(signal, sys.argv[2]))", "print('on', flush=True)"
    )
    training = subprocess.Popen(
        [sys.executable, "-c", script, server.uri, "twice"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    training.stdout.readline()
    training.send_signal(signal.SIGINT)
    training.send_signal(signal.SIGINT)
    training.communicate(timeout=60)
    wait_for(lambda: not list(spool_of(server.uri).iterdir()))

    assert server.named("twice").status in ("KILLED", "FAILED")


def test_a_server_that_is_down_is_one_line_at_the_end(dead_server, capsys):
    with ExplrTracker(dead_server, run_name="one") as tracker:
        assert tracker.run_id is None

    assert "Connection refused" in capsys.readouterr().err
    assert len(list(spool_of(dead_server).iterdir())) == 1


def test_a_port_that_something_else_has_is_said_to_be_taken(capsys):
    with ThreadingHTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler) as stranger:  # answers 501 to everything
        threading.Thread(target=stranger.serve_forever, args=(0.01,)).start()
        uri = f"http://127.0.0.1:{stranger.server_address[1]}"
        with ExplrTracker(uri, place=Place(server=local_server(uri, "sqlite:///x.db", "./x"))) as tracker:
            wait_for(lambda: "taken by" in RunFolder(spool_of(uri) / tracker.folder_name).read_sent().trouble)
        stranger.shutdown()

    assert "taken by something that is no MLflow server" in capsys.readouterr().err


def wait_for(condition) -> None:
    end = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < end, "the condition did not come true"
        time.sleep(0.02)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # MLflow's own use of SQLAlchemy
def test_a_store_without_a_server_takes_the_same(send_by_hand, tmp_path: Path):
    """By MLflow's own library, into a fresh database, whose tables take seconds."""
    from ml_skeleton.tracking.run_writer import Place
    from mlflow import MlflowClient

    uri = f"sqlite:///{tmp_path}/mlflow.db"
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "a.txt").write_text("a")
    with ExplrTracker(uri, "exp", run_name="one", place=Place(artifact_location=str(tmp_path / "kept"))) as tracker:
        tracker.log_params({"lr": 0.1})
        tracker.log_metric("loss", 0.5, step=2)
        tracker.log_artifact("folder", "deep")
    assert send_by_hand(uri) == ""

    client = MlflowClient(uri)
    [run] = client.search_runs([client.get_experiment_by_name("exp").experiment_id])
    assert (run.info.status, run.data.params, run.data.metrics) == ("FINISHED", {"lr": "0.1"}, {"loss": 0.5})
    assert [one.path for one in client.list_artifacts(run.info.run_id, "deep/folder")] == ["deep/folder/a.txt"]


class Flavor:
    """In the place of mlflow.pytorch, which would bring in torch."""

    @staticmethod
    def save_model(pytorch_model: object, path: str, pip_requirements=None, serialization_format=None) -> None:
        Path(path).mkdir()
        Path(path, "MLmodel").write_text(f"{pytorch_model} {pip_requirements} {serialization_format}")

    @staticmethod
    def get_default_pip_requirements() -> list[str]:
        return ["torch"]


def test_a_model_is_kept_as_it_is_now(server, send_by_hand, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "mlflow.pytorch", Flavor)
    with ExplrTracker(server.uri, run_name="one") as tracker:
        tracker.log_model("weights", "models/best", step=3)
    send_by_hand(server.uri)

    assert server.named("one").artifacts == {"models/best/MLmodel": b"weights ['torch'] pickle"}
    assert "log_model(step=…): saving a model has no use for it" in capsys.readouterr().err
