"""Runs in MLflow: begun, filled and ended by the caller. All that imports mlflow is here.

Every failure of the tracking server, whatever it is, comes out as TrackingError.
"""

import inspect
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any

from mlflow import MlflowClient
from mlflow.entities import Metric, Param, RunTag
from mlflow.exceptions import MlflowException

from ml_skeleton.tracking.errors import Refused, TrackingError
from ml_skeleton.tracking.legal import LONGEST_PARAM, LONGEST_TAG, cut, legal_name
from ml_skeleton.tracking.runs import ENTRIES_A_CALL, METRICS_A_CALL, Figure, Status
from ml_skeleton.tracking.tables import making_tables

__all__ = ["Figure", "MlflowRuns", "Status"]

_USELESS_TO_TRY_AGAIN = ("INVALID_PARAMETER_VALUE", "RESOURCE_DOES_NOT_EXIST", "INVALID_STATE", "BAD_REQUEST")


class MlflowRuns:
    """The runs of one experiment."""

    def __init__(
        self, uri: str, experiment: str, artifact_location: str | None = None, registry_uri: str | None = None
    ) -> None:
        """Open the experiment, and make it if there is none."""
        self._renamed: dict[str, str] = {}
        with _translated(), making_tables(uri):
            self._client = MlflowClient(uri, registry_uri)
            found = self._client.get_experiment_by_name(experiment)
            self._experiment = (
                found.experiment_id if found else self._client.create_experiment(experiment, artifact_location)
            )

    def begin(
        self,
        name: str,
        tags: Mapping[str, str],
        params: Mapping[str, str],
        parent: str | None = None,
        start_ms: int | None = None,
    ) -> str:
        """Begin a run, nested in `parent` if there is one, and return its id."""
        nested = {"mlflow.parentRunId": parent} if parent else {}
        with _translated():
            begun = self._client.create_run(self._experiment, start_ms, run_name=name or None, tags=nested)
            run: str = begun.info.run_id
        self.tag(run, tags)
        self.params(run, params)
        return run

    def params(self, run: str, params: Mapping[str, str]) -> None:
        """Add parameters; one that has another value already is refused."""
        entries = [Param(self._legal(name), cut(text, LONGEST_PARAM)) for name, text in params.items()]
        with _translated():
            for start in range(0, len(entries), ENTRIES_A_CALL):
                self._client.log_batch(run, params=entries[start : start + ENTRIES_A_CALL])

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

    def artifact_uri(self, run: str) -> str:
        """Return where the artifacts of a run are."""
        with _translated():
            return str(self._client.get_run(run).info.artifact_uri)

    def upload(self, run: str, local: Path, folder: str) -> None:
        """Add a file or a folder to a folder of the run's artifacts, "" for the outermost one."""
        with _translated():
            if local.is_dir():
                self._client.log_artifacts(run, str(local), "/".join(filter(None, (folder, local.name))))
            else:
                self._client.log_artifact(run, str(local), folder or None)

    def register(self, run: str, path: str, name: str) -> None:
        """Make the model among the artifacts at `path` the next version of the registered model `name`."""
        with _translated():
            if not self._client.search_registered_models(f"name = '{name}'"):
                self._client.create_registered_model(name)
            self._client.create_model_version(name, f"{self.artifact_uri(run)}/{path}", run)

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
    except TrackingError:
        raise
    except Exception as error:  # MLflow lets those of its database drivers and of requests through
        useless = isinstance(error, MlflowException) and error.error_code in _USELESS_TO_TRY_AGAIN
        raise (Refused if useless else TrackingError)(" ".join(str(error).split())[:300]) from error


def save_model(model: object, path: Path, framework: str, options: Mapping[str, Any]) -> list[str]:
    """Write a model to a folder as MLflow keeps it, and return the names in `options` that saving has no use for.

    Without a word about requirements the library's own are written: to find out
    more, MLflow would load the model in another process, for many seconds.
    """
    flavor = import_module(f"mlflow.{framework}")
    known = inspect.signature(flavor.save_model).parameters
    wanted = {name: value for name, value in options.items() if name in known}
    if not wanted.keys() & {"pip_requirements", "conda_env", "extra_pip_requirements"}:
        wanted["pip_requirements"] = flavor.get_default_pip_requirements()
    if "serialization_format" in known and "input_example" not in wanted:
        wanted.setdefault("serialization_format", "pickle")  # MLflow's newer default traces an example, which it wants
    flavor.save_model(model, str(path), **wanted)
    return sorted(options.keys() - wanted.keys())
