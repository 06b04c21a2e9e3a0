"""What can be done with the runs of one experiment, over MLflow's library or over its REST interface."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

Status = Literal["FINISHED", "FAILED", "KILLED"]

METRICS_A_CALL = 1000
ENTRIES_A_CALL = 100
MLFLOW_SETTINGS = {  # of a process that does nothing but send
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_LOGGING_LEVEL": "ERROR",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1",  # of seven with growing pauses, one hung server makes minutes
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "10",
    "PYTHONWARNINGS": "ignore",
}
# what only MLflow's library knows how to do
_BEYOND_REST = ("MLFLOW_TRACKING_AUTH", "MLFLOW_TRACKING_AWS_SIGV4", "MLFLOW_TRACKING_CLIENT_CERT_PATH")


@dataclass(frozen=True)
class Figure:
    """One value of one metric."""

    name: str
    value: float
    step: int
    time_ms: int


class Runs(Protocol):
    """The runs of an experiment. Everything raises TrackingError, and Refused where trying again is useless."""

    def begin(
        self, name: str, tags: Mapping[str, str], params: Mapping[str, str], parent: str | None, start_ms: int | None
    ) -> str:
        """Begin a run, nested in `parent` if there is one, and return its id."""

    def exists(self, run: str) -> bool:
        """Tell whether the server knows the run."""

    def go_on(self, run: str) -> None:
        """Mark an ended run as running."""

    def params(self, run: str, params: Mapping[str, str]) -> None:
        """Add parameters; one that has another value already is refused."""

    def log(self, run: str, figures: Sequence[Figure]) -> None:
        """Add values of metrics."""

    def tag(self, run: str, tags: Mapping[str, str]) -> None:
        """Set tags."""

    def artifact_uri(self, run: str) -> str:
        """Return where the artifacts of a run are."""

    def upload(self, run: str, local: Path, folder: str) -> None:
        """Add a file or a folder to a folder of the run's artifacts, "" for the outermost one."""

    def register(self, run: str, path: str, name: str) -> None:
        """Make the model among the artifacts at `path` the next version of the registered model `name`."""

    def end(self, run: str, status: Status, end_ms: int | None) -> None:
        """End a run; without a time, now."""


def is_server(uri: str) -> bool:
    """Tell whether a tracking URI is that of a server, which may be down."""
    return uri.startswith(("http://", "https://"))


def open_runs(uri: str, experiment: str, artifact_location: str | None, registry_uri: str | None) -> Runs:
    """Return the runs of an experiment, which is made if there is none.

    A server is spoken to directly, for a twentieth of the CPU time that importing
    mlflow takes.
    """
    if is_server(uri) and not any(os.environ.get(name) for name in _BEYOND_REST):
        from ml_skeleton.tracking.rest_runs import RestRuns

        return RestRuns(uri, experiment, registry_uri)
    from ml_skeleton.tracking.mlflow_runs import MlflowRuns  # here, as importing mlflow takes seconds

    return MlflowRuns(uri, experiment, artifact_location, registry_uri)
