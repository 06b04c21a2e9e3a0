"""A tracking server made of a dictionary, and a place of their own for the lines of each test's runs."""

import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from ml_skeleton import ExperimentConfig, MLflowConfig, TunerType
from ml_skeleton.tracking.sender.spooled import Spooled
from ml_skeleton.tracking.spool import family_of, spool_of


@dataclass
class Run:
    """A run as the server keeps it."""

    experiment: str
    name: str
    status: str = "RUNNING"
    params: dict[str, str] = field(default_factory=dict)
    metrics: list[tuple[str, object, int]] = field(default_factory=list)
    tags: dict[str, str] = field(default_factory=dict)
    artifacts: dict[str, bytes] = field(default_factory=dict)


@dataclass
class TrackingServer:
    """The part of MLflow's REST interface that is used here, kept in memory."""

    uri: str = ""
    runs: dict[str, Run] = field(default_factory=dict)
    refuse_metrics: bool = False

    def named(self, name: str) -> Run:
        return next(run for run in self.runs.values() if run.name == name)

    def answer(self, method: str, asked: dict, body: bytes) -> tuple[int, dict]:
        place = method.removeprefix("/api/2.0/mlflow/")
        if method.startswith("/api/2.0/mlflow-artifacts/artifacts/"):
            run, _, path = method.removeprefix("/api/2.0/mlflow-artifacts/artifacts/").partition("/")
            self.runs[run].artifacts[path] = body
            return 200, {}
        if place == "experiments/get-by-name":
            return 200, {"experiment": {"experiment_id": asked["experiment_name"]}}
        if place == "runs/create":
            run = f"run{len(self.runs)}"
            self.runs[run] = Run(asked["experiment_id"], asked.get("run_name", ""))
            self.runs[run].tags |= {tag["key"]: tag["value"] for tag in asked["tags"]}
            return 200, {"run": {"info": {"run_id": run}}}
        run = self.runs[asked["run_id"]]
        if place == "runs/update":
            run.status = asked["status"]
        if asked.get("metrics") and self.refuse_metrics:
            return 400, {"message": "no metrics today"}
        for one in asked.get("params", []):
            if run.params.setdefault(one["key"], one["value"]) != one["value"]:
                return 400, {"message": f"{one['key']} has another value"}
        run.metrics += [(one["key"], one["value"], one["step"]) for one in asked.get("metrics", [])]
        run.tags |= {one["key"]: one["value"] for one in asked.get("tags", [])}
        info = {"artifact_uri": f"mlflow-artifacts:/{asked['run_id']}", "lifecycle_stage": "active"}
        return 200, {"run": {"info": info}}


@pytest.fixture
def server() -> Iterator[TrackingServer]:
    """A tracking server that answers on this machine."""
    kept = TrackingServer()

    class Handler(BaseHTTPRequestHandler):
        def handle_any(self) -> None:
            address = urlsplit(self.path)
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            asked = {name: values[0] for name, values in parse_qs(address.query).items()}
            if self.command == "POST":
                asked = json.loads(body)
            status, answer = kept.answer(address.path, asked, body)
            content = json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = do_PUT = handle_any

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    listening = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    kept.uri = f"http://127.0.0.1:{listening.server_address[1]}"
    thread = threading.Thread(target=listening.serve_forever, args=(0.01,))
    thread.start()
    yield kept
    listening.shutdown()
    thread.join()
    listening.server_close()


@pytest.fixture(autouse=True)
def own_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each test has lines, studies and checkpoints of its own."""
    monkeypatch.setenv("ML_SKELETON_TRACKING_DIR", str(tmp_path / "tracking"))
    for name in ("TUNE_METRICS", "TUNE_STOP", "MLFLOW_TRACKING_TOKEN", "MLFLOW_TRACKING_USERNAME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)


class Hand:
    """In the place of the sender's process: nothing is sent until a test does it."""

    def __init__(self, spool: Path, family: str, uri: str, server: object) -> None:
        """Take note of nothing."""

    def finish(self) -> None:
        """Leave the lines where they are."""


@pytest.fixture
def send_by_hand(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], str]:
    """No sender is started; the function sends all that waits for a URI, and returns what is wrong with the server."""
    monkeypatch.setattr("ml_skeleton.tracking.run_writer.SenderProcess", Hand)

    def send(uri: str) -> str:
        spool = spool_of(uri)
        families = {family_of(path.name) for path in spool.iterdir()} or {"none"}
        return Spooled(spool, families.pop(), uri).advance()

    return send


@pytest.fixture
def make_config(tmp_path: Path) -> Callable[..., ExperimentConfig]:
    """Return a function that makes a configuration of a search that is not tracked."""

    def make(space: dict | None = None, n_trials: int = 3, uri: str = "off", **tuning: object) -> ExperimentConfig:
        config = ExperimentConfig(name="study", mlflow=MLflowConfig(tracking_uri=uri, auto_start=False))
        config.tuning.tuner_type = TunerType.OPTUNA
        config.tuning.n_trials = n_trials
        config.tuning.max_concurrent_trials = 1
        config.tuning.search_space.parameters = space or {"x": {"type": "uniform", "low": 0.0, "high": 10.0}}
        for name, value in tuning.items():
            setattr(config.tuning, name, value)
        return config

    return make
