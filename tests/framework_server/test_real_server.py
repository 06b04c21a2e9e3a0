"""The real MLflow, once, as a start costs twenty seconds of a core."""

import tempfile
from urllib.request import Request, urlopen

from ml_skeleton.tracking import MLflowServer
from ml_skeleton.tracking.probe import knock


def test_mlflow_comes_up_on_a_fresh_database_and_takes_a_run(port, tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.chdir(tmp_path)

    with MLflowServer(port=port, backend="sqlite:///runs/mlflow.db") as server:
        server.wait_until_ready()
        body = b'{"experiment_id": "0", "start_time": 1}'
        request = Request(f"{server.uri}/api/2.0/mlflow/runs/create", body, {"Content-Type": "application/json"})
        with urlopen(request) as answer:
            created = answer.status

    assert (created, knock(server.uri).who) == (200, "nobody")
    assert (tmp_path / "runs/mlflow.db").stat().st_size > 0
