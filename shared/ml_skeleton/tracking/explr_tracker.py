"""A run in MLflow that never makes its training wait: what is logged goes to disk, and a process beside it sends it.

A server that is slow, down or dies costs nothing: what it has not got stays on disk,
and the next run for the same server sends it.
"""

import atexit
import traceback
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from ml_skeleton.console import warn
from ml_skeleton.errors import UserError
from ml_skeleton.tracking import renderings
from ml_skeleton.tracking.ends import SigtermUnwinds, status_of
from ml_skeleton.tracking.legal import legal_name
from ml_skeleton.tracking.null_tracker import NullTracker
from ml_skeleton.tracking.run_writer import Place, RunWriter
from ml_skeleton.tracking.runs import Status
from ml_skeleton.tracking.spool import now_ms
from ml_skeleton.tracking.tables import absolute

TRACEBACK = "traceback.txt"

_open: "list[ExplrTracker]" = []  # the runs of this process that are open, the innermost last


class ExplrTracker(NullTracker):
    """A run of an experiment in MLflow.

    It begins when it is entered or something is logged, and ends FINISHED, FAILED
    after an exception (whose traceback is kept as an artifact) or KILLED after Ctrl-C
    or SIGTERM.
    """

    def __init__(
        self,
        tracking_uri: str,
        experiment_name: str = "default",
        run_id: str | None = None,
        run_name: str | None = None,
        nested: bool = False,
        *,
        place: Place | None = None,
    ) -> None:
        """Only take note. With `run_id` that run goes on; `nested` puts the run into the one that is open."""
        super().__init__()
        self._uri, self._experiment, self._nested = absolute(tracking_uri), experiment_name, nested
        self._given_id, self._run_name, self._place = run_id, run_name, place or Place()
        self._writer: RunWriter | None = None
        self._sigterm = SigtermUnwinds()
        self._params: dict[str, str] = {}
        self._step = 0
        self._names: dict[str, str] = {}

    def __enter__(self) -> Self:
        self._run()
        self._sigterm.begin()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            status = status_of(error)
            if status == "FAILED" and error is not None:
                self.log_text("".join(traceback.format_exception(error)), TRACEBACK)
            self.close(status)
        finally:
            self._sigterm.end()

    @property
    def run_id(self) -> str | None:  # type: ignore[override]
        """The id that MLflow gave the run, which is waited for a moment; None while the server is down."""
        return self._given_id or self._run().sent().run

    @property
    def artifact_uri(self) -> str | None:  # type: ignore[override]
        """Where MLflow keeps the artifacts of the run; None while the server is down."""
        return self._run().sent().artifact_uri

    @property
    def folder_name(self) -> str:
        """The name under which the run waits to be sent, by which trials in other processes find their parent."""
        return self._run().name

    def close(self, status: Status = "FINISHED") -> None:
        """End the run. The outermost one then waits for a server that answers to take the rest."""
        if self._writer is None or self._writer.closed:
            return
        self._writer.append({"end": status, "ms": now_ms()})
        atexit.unregister(self.close)
        if self in _open:
            _open.remove(self)
        self._writer.close()

    def log_params(self, params: Mapping[str, Any]) -> None:
        """Note parameters; one that was noted already keeps its value."""
        texts = {self._legal(name): str(value) for name, value in params.items()}
        for name in texts.keys() & self._params.keys():
            if texts[name] != self._params[name]:
                warn(f"parameter {name} stays {self._params[name]}: MLflow changes none, {texts[name]} is not noted")
        fresh = {name: text for name, text in texts.items() if name not in self._params}
        self._params |= fresh
        if fresh:
            self._run().append({"params": fresh})

    def log_metrics(self, metrics: Mapping[str, float], step: int | None = None) -> None:
        """Note values of metrics, of one step; without one, of the last step noted, as MLflow shows the latest step."""
        super().log_metrics(metrics, step)
        values = {self._legal(name): float(value) for name, value in metrics.items()}
        self._step = self._step if step is None else int(step)
        self._run().append({"metrics": values, "step": self._step, "ms": now_ms()})

    def set_tags(self, tags: Mapping[str, Any]) -> None:
        """Set tags."""
        self._run().append({"tags": {self._legal(name): str(value) for name, value in tags.items()}})

    def log_artifact(self, local_path: str | Path, artifact_path: str | None = None) -> None:
        """Keep a copy of a file or folder, as it is now; raise UserError if there is none."""
        path = Path(local_path)
        if not path.exists():
            raise UserError(f"{path}: no such file, to be kept as an artifact")
        self._run().copy(path, artifact_path or "")

    def log_artifacts(self, local_dir: str | Path, artifact_path: str | None = None) -> None:
        """Keep copies of all files in a folder; raise UserError if there is none."""
        if not Path(local_dir).is_dir():
            raise UserError(f"{local_dir}: no such folder, to be kept as artifacts")
        for path in sorted(Path(local_dir).iterdir()):
            self.log_artifact(path, artifact_path)

    def log_figure(self, figure: Any, artifact_file: str) -> None:
        """Keep a figure of matplotlib or plotly."""
        self._run().add(artifact_file, lambda path: renderings.save_figure(figure, path))

    def log_image(self, image: Any, artifact_file: str) -> None:
        """Keep an image: of PIL, or an array of height, width and channels, uint8 or 0 to 1."""
        self._run().add(artifact_file, lambda path: renderings.save_image(image, path))

    def log_text(self, text: str, artifact_file: str) -> None:
        """Keep a text."""
        self._run().add(artifact_file, lambda path: renderings.save_text(text, path))

    def log_dict(self, dictionary: Mapping[str, Any], artifact_file: str) -> None:
        """Keep a mapping, as YAML if the name ends so, else as JSON."""
        self._run().add(artifact_file, lambda path: renderings.save_dict(dictionary, path))

    def log_model(self, model: Any, artifact_path: str, framework: str = "pytorch", **kwargs: Any) -> None:
        """Keep a model as MLflow does, and register it if `registered_model_name` is given.

        All other `kwargs` go to MLflow's save_model. This is done here and now, as the
        model may change afterwards, and imports mlflow.
        """
        register = kwargs.pop("registered_model_name", None)
        from ml_skeleton.tracking.mlflow_runs import save_model

        def save(path: Path) -> None:
            for name in save_model(model, path, framework, kwargs):
                warn(f"log_model({name}=…): saving a model has no use for it")

        self._run().add(artifact_path, save, register)

    def _run(self) -> RunWriter:
        """Return what writes the run, which begins here if it has not yet."""
        if self._writer is None:
            parent = _open[-1].folder_name if self._nested and _open else None
            self._writer = RunWriter(self._uri, self._experiment, self._run_name, self._given_id, parent, self._place)
            _open.append(self)
            atexit.register(self.close)  # where nobody enters it
        return self._writer

    def _legal(self, name: str) -> str:
        if name not in self._names:
            self._names[name] = legal_name(name)
            if self._names[name] != name:
                warn(f"MLflow takes no name such as {name}; it is {self._names[name]} there")
        return self._names[name]
