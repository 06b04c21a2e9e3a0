"""The tracker that a configuration asks for."""

from pathlib import Path

from ml_skeleton.core.config import ExperimentConfig, MLflowConfig
from ml_skeleton.tracking.null_tracker import NullTracker
from ml_skeleton.tracking.run_writer import Place
from ml_skeleton.tracking.sender.server import local_server

NOWHERE = ("", "off", "False")  # a bare off in YAML is false


def experiment_name(config: ExperimentConfig) -> str:
    """Return the experiment in MLflow: that of the `mlflow` section, where it is left out the experiment's own name."""
    named = config.mlflow.experiment_name
    return config.name if named == MLflowConfig().experiment_name else named


def tracker_of(config: ExperimentConfig, run_name: str | None = None, parent_run_id: str | None = None) -> NullTracker:
    """Return a tracker for one run, one that tracks nowhere if the tracking URI is "off"."""
    if config.mlflow.tracking_uri in NOWHERE:
        return NullTracker()
    from ml_skeleton.tracking.explr_tracker import ExplrTracker

    uri = config.mlflow.tracking_uri
    return ExplrTracker(
        uri, experiment_name(config), run_name=run_name, place=_place(uri, config.mlflow, parent_run_id)
    )


def _place(uri: str, mlflow: MLflowConfig, parent_run_id: str | None) -> Place:
    location = mlflow.artifact_location
    return Place(
        parent_run_id=parent_run_id,
        artifact_location=location if "://" in location else str(Path(location).resolve()),
        registry_uri=mlflow.registry_uri,
        server=local_server(uri, mlflow.backend_store_uri, location) if mlflow.auto_start else None,
    )
