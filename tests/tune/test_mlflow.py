"""A study in MLflow: written by a process beside it, from its files."""

import socket
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import pytest
from ml_skeleton.tracking.legal import cut, legal_name
from ml_skeleton.tuning.mirror.launch import mirror_of

REPORTS = """
echo '{"step": 0, "loss": 3, "recall@10": 0.1}' >>"$TUNE_METRICS"
echo '{"step": 1, "loss": 2, "recall@10": 0.2}' >>"$TUNE_METRICS"
[ "$TUNE_TRIAL" != 1 ] || { echo out of luck >&2; exit 1; }
echo "{\\"loss\\": $1, \\"recall@10\\": 0.3}" >>"$TUNE_METRICS"
"""


@pytest.fixture
def dead_server() -> str:
    """The address of a port where nobody listens."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{taken.getsockname()[1]}"


def test_a_server_that_is_down_costs_the_study_nothing(study, script, dead_server, capfd):
    outcome = study.run("sh", script(REPORTS), "{x:float:0:1}", n=3, mlflow=dead_server)

    assert (outcome.count("complete"), outcome.count("failed")) == (2, 1)
    assert "does not answer" in capfd.readouterr().err
    assert not (study.folder / "mlflow.json").exists()


@pytest.fixture
def dying_server(tmp_path):
    """The address of a server that answers once, then dies, and says so in the file `dead`."""

    class AnswersOnce(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"{}")

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    def serve() -> None:
        server.handle_request()
        server.server_close()
        (tmp_path / "dead").touch()

    server = HTTPServer(("127.0.0.1", 0), AnswersOnce)
    thread = Thread(target=serve, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}"


def test_a_server_that_dies_in_the_middle_costs_the_study_nothing(study, script, dying_server, capfd):
    """The command goes on only when the server is dead."""
    command = ("sh", script("while [ ! -e dead ]; do sleep 0.05; done; echo '{\"loss\": 1}'"))
    outcome = study.run(*command, n=2, mlflow=dying_server, timeout_s=60)

    assert outcome.count("complete") == 2
    assert "the study goes on" in capfd.readouterr().err


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # MLflow's own use of SQLAlchemy
def test_a_study_is_a_run_with_a_nested_run_for_each_trial(study, script, dead_server, mlflow_uri, capfd):
    """What one server missed, the next one gets."""
    command = ("sh", script(REPORTS), "{x:float:0:1}", "{opt:choice:sgd,adam}")
    study.run(*command, n=2, mlflow=dead_server)
    study.run(*command, n=3, mlflow=mlflow_uri)
    study.run(*command, n=3, mlflow=mlflow_uri)

    runs = read_runs(mlflow_uri)
    parent = next(run for run in runs if run["name"] == "study")
    children = {run["name"]: run for run in runs if run is not parent}
    trials = {f"trial {trial.trial}": trial for trial in study.trials()}
    assert parent["status"] == "FINISHED" and parent["tags"]["tune.objective"] == "loss:min"
    assert parent["metrics"] == {"best_loss": min(trial.value for trial in study.trials() if trial.value)}
    assert children.keys() == trials.keys() == {"trial 0", "trial 1", "trial 2"}
    assert {run["tags"]["mlflow.parentRunId"] for run in children.values()} == {parent["id"]}
    assert {name: run["status"] for name, run in children.items()} == {
        "trial 0": "FINISHED",
        "trial 1": "FAILED",
        "trial 2": "FINISHED",
    }
    assert {name: run["params"] for name, run in children.items()} == {
        name: {"x": repr(trial.params["x"]), "opt": trial.params["opt"]} for name, trial in trials.items()
    }
    assert children["trial 2"]["metrics"] == {"loss": trials["trial 2"].value, "recall_10": 0.3}
    assert children["trial 2"]["curve"] == [(0, 3.0), (1, 2.0), (1, trials["trial 2"].value)]
    assert children["trial 1"]["tags"]["tune.reason"] == "exit 1: out of luck"
    assert children["trial 1"]["tags"]["tune.exit_code"] == "1"
    assert "no metric named recall@10; it is recall_10 there" in capfd.readouterr().err


def curve(history: list) -> list[tuple[int, float]]:
    return [(one.step, one.value) for one in sorted(history, key=lambda one: (one.step, one.timestamp))]


def read_runs(uri: str) -> list[dict]:
    from mlflow import MlflowClient

    client = MlflowClient(uri)
    experiment = client.get_experiment_by_name("tune").experiment_id
    return [
        {
            "id": run.info.run_id,
            "name": run.info.run_name,
            "status": run.info.status,
            "tags": run.data.tags,
            "params": run.data.params,
            "metrics": run.data.metrics,
            "curve": curve(client.get_metric_history(run.info.run_id, "loss")),
        }
        for run in client.search_runs([experiment])
    ]


def test_no_mirror_is_started_when_it_is_off(tmp_path: Path):
    with mirror_of(tmp_path, "off") as mirror:
        mirror.finish("FINISHED")

    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("name", "legal"),
    [("recall@10", "recall_10"), ("val/loss", "val/loss"), ("a//b", "a__b"), ("../x", "___x"), (".", "_"), ("é", "_")],
)
def test_a_name_is_made_one_that_mlflow_takes(name, legal):
    assert legal_name(name) == legal


def test_a_long_text_is_cut_where_it_can_be_seen():
    assert (cut("x" * 10, 10), cut("x" * 20, 12)) == ("x" * 10, "xxxx … (cut)")
