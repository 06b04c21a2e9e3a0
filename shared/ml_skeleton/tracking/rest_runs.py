"""Runs on a tracking server, by MLflow's REST interface (version 2.0) and the standard library alone."""

import base64
import json
import math
import os
import ssl
from collections.abc import Mapping, Sequence
from http.client import HTTPException
from pathlib import Path
from typing import Any, BinaryIO
from urllib.error import HTTPError
from urllib.parse import quote, urlencode, urlsplit
from urllib.request import Request, urlopen

from ml_skeleton.tracking.errors import Refused, TrackingError
from ml_skeleton.tracking.legal import LONGEST_PARAM, LONGEST_TAG, cut
from ml_skeleton.tracking.runs import ENTRIES_A_CALL, METRICS_A_CALL, Figure, Runs, Status
from ml_skeleton.tracking.spool import now_ms

TIMEOUT_S = 10.0
UPLOAD_TIMEOUT_S = 300.0
_TRY_AGAIN = (401, 403, 408, 429)  # a token or a name that somebody may still set right; a busy server


class RestRuns:
    """The runs of one experiment. Names are taken to be legal already."""

    def __init__(self, uri: str, experiment: str, registry_uri: str | None = None) -> None:
        """Open the experiment, and make it if there is none."""
        self._uri, self._experiment_name, self._registry_uri = uri.rstrip("/"), experiment, registry_uri
        self._experiment = self._find() or self._create()

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
        start = now_ms() if start_ms is None else start_ms
        asked = {"experiment_id": self._experiment, "start_time": start, "tags": _tags({**tags, **nested})}
        run: str = self._post("runs/create", asked | ({"run_name": name} if name else {}))["run"]["info"]["run_id"]
        self.params(run, params)
        return run

    def exists(self, run: str) -> bool:
        """Tell whether the server knows the run."""
        try:
            return bool(self._info(run)["lifecycle_stage"] == "active")
        except Refused:
            return False

    def go_on(self, run: str) -> None:
        """Mark an ended run as running."""
        self._post("runs/update", {"run_id": run, "status": "RUNNING"})

    def params(self, run: str, params: Mapping[str, str]) -> None:
        """Add parameters; one that has another value already is refused."""
        entries = [{"key": name, "value": cut(text, LONGEST_PARAM)} for name, text in params.items()]
        for start in range(0, len(entries), ENTRIES_A_CALL):
            self._post("runs/log-batch", {"run_id": run, "params": entries[start : start + ENTRIES_A_CALL]})

    def log(self, run: str, figures: Sequence[Figure]) -> None:
        """Add values of metrics, in as few calls as MLflow allows."""
        entries = [
            {"key": one.name, "value": _number(one.value), "timestamp": one.time_ms, "step": one.step}
            for one in figures
        ]
        for start in range(0, len(entries), METRICS_A_CALL):
            self._post("runs/log-batch", {"run_id": run, "metrics": entries[start : start + METRICS_A_CALL]})

    def tag(self, run: str, tags: Mapping[str, str]) -> None:
        """Set tags of a run."""
        entries = _tags(tags)
        for start in range(0, len(entries), ENTRIES_A_CALL):
            self._post("runs/log-batch", {"run_id": run, "tags": entries[start : start + ENTRIES_A_CALL]})

    def artifact_uri(self, run: str) -> str:
        """Return where the artifacts of a run are."""
        return str(self._info(run)["artifact_uri"])

    def upload(self, run: str, local: Path, folder: str) -> None:
        """Add a file or a folder to a folder of the run's artifacts, through the server where it takes them itself."""
        root = urlsplit(self.artifact_uri(run))
        if root.scheme != "mlflow-artifacts":
            return self._library().upload(run, local, folder)
        files = sorted(path for path in local.rglob("*") if path.is_file()) if local.is_dir() else [local]
        for file in files:
            inside = file.relative_to(local.parent).as_posix()
            place = "/".join(part for part in (root.path.strip("/"), folder, inside) if part)
            self._put(f"{self._uri}/api/2.0/mlflow-artifacts/artifacts/{quote(place)}", file)

    def register(self, run: str, path: str, name: str) -> None:
        """Make the model at `path` the next version of a registered model; here MLflow's library is needed."""
        self._library().register(run, path, name)

    def end(self, run: str, status: Status, end_ms: int | None = None) -> None:
        """End a run; without a time, now."""
        end = now_ms() if end_ms is None else end_ms
        self._post("runs/update", {"run_id": run, "status": status, "end_time": end})

    def _library(self) -> Runs:
        from ml_skeleton.tracking.mlflow_runs import MlflowRuns  # here, as importing mlflow takes seconds

        return MlflowRuns(self._uri, self._experiment_name, registry_uri=self._registry_uri)

    def _find(self) -> str | None:
        name = urlencode({"experiment_name": self._experiment_name})
        try:
            return str(self._call(Request(self._api(f"experiments/get-by-name?{name}")))["experiment"]["experiment_id"])
        except Refused:
            return None

    def _create(self) -> str:
        try:
            return str(self._post("experiments/create", {"name": self._experiment_name})["experiment_id"])
        except Refused:
            found = self._find()  # another process was quicker
            if found is None:
                raise
            return found

    def _info(self, run: str) -> dict[str, Any]:
        info: dict[str, Any] = self._call(Request(self._api(f"runs/get?{urlencode({'run_id': run})}")))["run"]["info"]
        return info

    def _api(self, method: str) -> str:
        return f"{self._uri}/api/2.0/mlflow/{method}"

    def _post(self, method: str, content: Mapping[str, Any]) -> dict[str, Any]:
        body = json.dumps(content).encode("ascii")
        return self._call(Request(self._api(method), body, {"Content-Type": "application/json"}))

    def _put(self, address: str, file: Path) -> None:
        with open(file, "rb") as content:
            size = os.fstat(content.fileno()).st_size
            headers = {"Content-Type": "application/octet-stream", "Content-Length": str(size)}
            body: BinaryIO | bytes = content if size else b""
            self._call(Request(address, body, headers, method="PUT"), UPLOAD_TIMEOUT_S)

    def _call(self, request: Request, timeout_s: float = TIMEOUT_S) -> dict[str, Any]:
        for name, text in _login().items():
            request.add_header(name, text)
        try:
            with urlopen(request, timeout=timeout_s, context=_trust()) as answer:
                found = json.loads(answer.read() or b"{}")
        except HTTPError as error:
            raise _complaint(error) from None
        except (OSError, HTTPException, ValueError) as error:
            why = getattr(error, "reason", None) or error or type(error).__name__
            raise TrackingError(f"does not answer ({why})") from None
        if not isinstance(found, dict):
            raise TrackingError("answers, but not as MLflow does")
        return found


def _login() -> dict[str, str]:
    """Return the header that MLflow's own variables ask for."""
    token, name = os.environ.get("MLFLOW_TRACKING_TOKEN"), os.environ.get("MLFLOW_TRACKING_USERNAME")
    if name:
        pair = f"{name}:{os.environ.get('MLFLOW_TRACKING_PASSWORD', '')}".encode()
        return {"Authorization": f"Basic {base64.b64encode(pair).decode('ascii')}"}
    return {"Authorization": f"Bearer {token}"} if token else {}


def _trust() -> ssl.SSLContext | None:
    if os.environ.get("MLFLOW_TRACKING_INSECURE_TLS", "").lower() in ("1", "true"):
        return ssl._create_unverified_context()
    authorities = os.environ.get("MLFLOW_TRACKING_SERVER_CERT_PATH")
    return ssl.create_default_context(cafile=authorities) if authorities else None


def _complaint(error: HTTPError) -> TrackingError:
    with error:
        body = error.read(10_000)
    try:
        said = str(json.loads(body)["message"])
    except (ValueError, KeyError, TypeError):
        said = body.decode("utf-8", "replace")
    text = f"answers {error.code}: {' '.join(said.split())[:300] or error.reason}"
    permanent = 400 <= error.code < 500 and error.code not in _TRY_AGAIN
    return Refused(text) if permanent else TrackingError(text)


def _tags(tags: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"key": name, "value": cut(text, LONGEST_TAG)} for name, text in tags.items()]


def _number(value: float) -> float | str:
    """JSON has no NaN; the protocol's own mapping writes these values as text."""
    if math.isnan(value):
        return "NaN"
    return value if math.isfinite(value) else ("Infinity" if value > 0 else "-Infinity")
