"""Which server is started, by whom."""

import pytest
from ml_skeleton.errors import UserError
from ml_skeleton.tracking.sender.server import local_server, starter
from ml_skeleton.tracking.tables import absolute


@pytest.mark.parametrize(
    ("uri", "port"),
    [
        ("http://localhost:5000", 5000),
        ("http://127.0.0.1:8080/", 8080),
        ("http://mlflow.example:5000", None),
        ("https://localhost:5000", None),
        ("sqlite:///mlflow.db", None),
        ("databricks", None),
    ],
)
def test_a_server_is_started_for_this_machine_alone(uri, port):
    settings = local_server(uri, "sqlite:///x.db", "./kept")

    expected = {"host": "127.0.0.1", "port": port, "backend": "sqlite:///x.db", "artifacts": "./kept"}
    assert settings == (expected if port else None)


@pytest.mark.parametrize(
    ("uri", "everywhere"),
    [
        ("sqlite:///mlflow.db", "sqlite:///{here}/mlflow.db"),
        ("./mlruns", "{here}/mlruns"),
        *((uri, uri) for uri in ("sqlite:////data/mlflow.db", "/data/mlruns", "databricks", "http://nas:5000")),
    ],
)
def test_a_store_means_the_same_in_every_folder(uri, everywhere, tmp_path):
    assert absolute(uri) == everywhere.format(here=tmp_path)


def test_a_server_that_cannot_be_is_a_message(monkeypatch):
    class Server:
        def __init__(self, **settings: object) -> None:
            self.settings = settings

        def ensure_running(self) -> None:
            raise UserError(f"port {self.settings['port']}: taken")

    monkeypatch.setattr("ml_skeleton.tracking.server.MLflowServer", Server)

    assert starter({"port": 5000})() == "port 5000: taken"
