"""Runs in MLflow: begun, filled and ended by the caller. All that imports mlflow is here.

Every failure of the tracking server, whatever it is, comes out as TrackingError.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal

from mlflow import MlflowClient
from mlflow.entities import Metric, Param, RunTag
from mlflow.exceptions import MlflowException

from ml_skeleton.tracking.errors import TrackingError
from ml_skeleton.tracking.legal import LONGEST_PARAM, LONGEST_TAG, cut, legal_name
from ml_skeleton.tracking.tables import making_tables

Status = Literal["FINISHED", "FAILED", "KILLED"]

METRICS_A_CALL = 1000
ENTRIES_A_CALL = 100


@dataclass(frozen=True)
class Figure:
    """One value of one metric."""

    name: str
    value: float
    step: int
    time_ms: int


class MlflowRuns:
    """The runs of one experiment."""

    def __init__(self, uri: str, experiment: str) -> None:
        """Open the experiment, and make it if there is none."""
        self._renamed: dict[str, str] = {}
        with _translated(), making_tables(uri):
            self._client = MlflowClient(uri)
            found = self._client.get_experiment_by_name(experiment)
            self._experiment = found.experiment_id if found else self._client.create_experiment(experiment)

    def begin(self, name: str, tags: Mapping[str, str], params: Mapping[str, str], parent: str | None = None) -> str:
        """Begin a run, nested in `parent` if there is one, and return its id."""
        nested = {"mlflow.parentRunId": parent} if parent else {}
        with _translated():
            run: str = self._client.create_run(self._experiment, run_name=name, tags=nested).info.run_id
        self.tag(run, tags)
        entries = [Param(self._legal(name), cut(text, LONGEST_PARAM)) for name, text in params.items()]
        with _translated():
            for start in range(0, len(entries), ENTRIES_A_CALL):
                self._client.log_batch(run, params=entries[start : start + ENTRIES_A_CALL])
        return run

    def exists(self, run: str) -> bool:
        """Tell whether the server knows the run."""
        with _translated():
            try:
                return str(self._client.get_run(run).info.lifecycle_stage) == "active"
            except MlflowException as error:
                if error.error_code == "RESOURCE_DOES_NOT_EXIST":
                    return False
                raise

    def go_on(self, run: str) -> None:
        """Mark an ended run as running."""
        with _translated():
            self._client.update_run(run, status="RUNNING")

    def log(self, run: str, figures: Sequence[Figure]) -> None:
        """Add values of metrics, in as few calls as MLflow allows."""
        metrics = [Metric(self._legal(one.name), one.value, one.time_ms, one.step) for one in figures]
        with _translated():
            for start in range(0, len(metrics), METRICS_A_CALL):
                self._client.log_batch(run, metrics=metrics[start : start + METRICS_A_CALL])

    def tag(self, run: str, tags: Mapping[str, str]) -> None:
        """Set tags of a run."""
        with _translated():
            self._client.log_batch(run, tags=[RunTag(name, cut(text, LONGEST_TAG)) for name, text in tags.items()])

    def end(self, run: str, status: Status, end_ms: int | None = None) -> None:
        """End a run; without a time, now."""
        with _translated():
            self._client.set_terminated(run, status, end_ms)

    def _legal(self, name: str) -> str:
        if name not in self._renamed:
            self._renamed[name] = legal_name(name)
        return self._renamed[name]

    @property
    def renamed(self) -> dict[str, str]:
        """The names that MLflow does not take, and those used for them."""
        return {name: legal for name, legal in self._renamed.items() if name != legal}


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except Exception as error:  # MLflow lets those of its database drivers and of requests through
        raise TrackingError(" ".join(str(error).split())[:300]) from error
