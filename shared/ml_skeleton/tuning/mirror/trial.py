"""One trial as a run in MLflow: begun when its folder appears, filled from its files, ended by its result."""

import shlex
import time
from collections.abc import Mapping
from datetime import datetime

from ml_skeleton.artifacts.metrics import MetricsReader
from ml_skeleton.tracking.mlflow_runs import Figure, MlflowRuns, Status
from ml_skeleton.tuning.lease import lease_lives
from ml_skeleton.tuning.mirror.sent import sent_file
from ml_skeleton.tuning.objective import NEWEST_OUTPUT_BYTES, as_number, figures_of
from ml_skeleton.tuning.space import text_of
from ml_skeleton.tuning.trial_folder import Result, State, TrialFolder

_STATUS: dict[State, Status] = {
    "complete": "FINISHED",
    "pruned": "KILLED",
    "failed": "FAILED",
    "infeasible": "FAILED",
}


class TrialMirror:
    """Sends one trial, piece by piece."""

    def __init__(self, folder: TrialFolder, runs: MlflowRuns, uri: str, parent: str) -> None:
        self.folder = folder
        self._runs, self._parent = runs, parent
        self._file = sent_file(folder.path, uri)
        self._to_skip = self._file.sent.lines
        self._lines = MetricsReader(folder.metrics)
        self._output = MetricsReader(folder.stdout, NEWEST_OUTPUT_BYTES)
        self._last: dict[str, float] = {}
        if not self.ended and self._file.sent.run and not runs.exists(self._file.sent.run):
            self._file.update(run=None, lines=0, step=0)
            self._to_skip = 0
        self._running = False

    @property
    def ended(self) -> bool:
        """Whether the run in MLflow has got everything there is to come."""
        return self._file.sent.ended

    def send(self) -> None:
        """Send what is new."""
        result = self.folder.read_result()  # first, so that no line of an ended trial is missed
        run = self._file.sent.run or self._begin()
        if not self._running and lease_lives(self.folder.lease):
            self._runs.go_on(run)
            self._running = True
        self._send_lines(run)
        if result:
            self._send_result(run, result)

    def leave(self) -> None:
        """Mark the run of a trial that was interrupted, and may go on another time."""
        if self._file.sent.run and not self.ended:
            self._runs.end(self._file.sent.run, "KILLED")

    def _begin(self) -> str:
        params = {name: text_of(value) for name, value in self.folder.read_params().items()}
        tags = {"tune.trial": str(self.folder.number), "tune.argv": shlex.join(self.folder.read_argv())}
        run = self._runs.begin(f"trial {self.folder.number}", tags, params, self._parent)
        self._file.update(run=run)
        return run

    def _send_lines(self, run: str) -> None:
        lines = self._lines.read_new() or ([] if self.folder.metrics.exists() else self._output.read_new())
        fresh = lines[self._to_skip :]
        self._to_skip = max(0, self._to_skip - len(lines))
        if not fresh:
            return
        figures: list[Figure] = []
        step, now_ms = self._file.sent.step, _now_ms()
        for position, line in enumerate(fresh):
            found = as_number(line.get("step", step))
            step = int(found) if found.is_integer() else step
            figures += [Figure(name, value, step, now_ms + position) for name, value in figures_of(line).items()]
        self._runs.log(run, figures)
        self._last |= {figure.name: figure.value for figure in figures}
        self._file.update(lines=self._file.sent.lines + len(fresh), step=step)

    def _send_result(self, run: str, result: Result) -> None:
        new = {name: value for name, value in result.metrics.items() if self._last.get(name) != value}
        end_ms = round((datetime.fromisoformat(result.started).timestamp() + result.seconds) * 1000)
        self._runs.log(run, [Figure(name, value, self._file.sent.step, _now_ms()) for name, value in new.items()])
        self._runs.tag(run, _tags_of(result))
        self._runs.end(run, _STATUS[result.state], end_ms)
        self._file.update(ended=True)


def _now_ms() -> int:
    """Return the time of a figure; of two at the same step, MLflow shows the later one."""
    return round(time.time() * 1000)


def _tags_of(result: Result) -> Mapping[str, str]:
    tags = {
        "tune.state": result.state,
        "tune.reason": result.reason,
        "tune.host": result.host,
        "tune.exit_code": "" if result.exit_code is None else str(result.exit_code),
        "mlflow.source.git.commit": result.commit or "",
    }
    return {name: text for name, text in tags.items() if text}
