"""Trials on a Ray cluster: one plain task for each, which runs its command as a worker here would.

The search stays with tune. A task and tune speak through a mailbox, an actor
that holds the points that tune has not seen and the stops that the task has
not. The study's folder is meant to be on a disk that all nodes share; where it
is not, what tune itself keeps of a trial comes back with the task's end.
"""

import logging
import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import ray

from ml_skeleton.errors import UserError
from ml_skeleton.tuning.attempts import Attempt
from ml_skeleton.tuning.backend import Backend
from ml_skeleton.tuning.lease import TOUCH_EVERY_S
from ml_skeleton.tuning.objective import Point
from ml_skeleton.tuning.process import StopReason
from ml_skeleton.tuning.space import Setting
from ml_skeleton.tuning.study import Plan
from ml_skeleton.tuning.trial import Allowance, Launch, RunningTrial, Trial
from ml_skeleton.tuning.trial_folder import Result, TrialFolder, trial_folder
from ml_skeleton.tuning.verdict import Verdict

LOOK_EVERY_S = 0.05
SPEAK_EVERY_S = 0.2
LARGEST_FILE_BYTES = 16 << 20  # of what comes back without a shared disk; of a longer one, its end


class Mailbox:
    """Holds what the tasks and tune have to say to each other, by attempt."""

    def __init__(self) -> None:
        self._points: dict[int, list[Point]] = {}
        self._stops: dict[int, StopReason | None] = {}

    def bring(self, attempt: int, points: list[Point]) -> StopReason | None:
        """Leave points for tune, and return the stop that it has left, if any."""
        self._points.setdefault(attempt, []).extend(points)
        return self._stops.get(attempt)

    def take(self, attempt: int) -> list[Point]:
        """Return the points since the last call."""
        return self._points.pop(attempt, [])

    def stop(self, attempt: int, reason: StopReason) -> None:
        """Leave a stop for a task."""
        self._stops[attempt] = reason


@dataclass(frozen=True)
class Ended:
    """What a task returns."""

    verdict: Verdict
    result: Result | None  # None after an interruption
    files: dict[str, bytes]  # of the trial's folder, where tune does not see it


def run_trial(
    study: Path,
    plan: Plan,
    attempt: Attempt,
    settings: Mapping[str, Setting],
    allowance: Allowance,
    mailbox: Any,
    token: str,
) -> Ended:
    """Run one trial on the node that this is called on."""
    gpus = ray.get_gpu_ids()
    trial = RunningTrial(study, plan, attempt, settings, ",".join(map(str, gpus)) if gpus else None, allowance)
    speak_at = touch_at = 0.0
    while not trial.over:
        now = time.monotonic()
        if now >= touch_at:
            trial.touch()
            touch_at = now + TOUCH_EVERY_S
        if now >= speak_at:
            stop = ray.get(mailbox.bring.remote(attempt.attempt, trial.new_points()))
            if stop:
                trial.stop(stop)
            speak_at = now + SPEAK_EVERY_S
        trial.advance()
        time.sleep(LOOK_EVERY_S)
    ray.get(mailbox.bring.remote(attempt.attempt, trial.new_points()))
    verdict = trial.verdict()
    result = trial.result(verdict, None) if verdict.state != "interrupted" else None
    shared = (study / token).exists()
    return Ended(verdict, result, {} if shared else _files(trial.folder))


class RayTrial:
    """A trial that runs as a task."""

    def __init__(self, task: Any, mailbox: Any, attempt: Attempt, folder: TrialFolder) -> None:
        self.attempt, self.folder = attempt, folder
        self.gpu: str | None = None  # Ray gives them out
        self._task, self._mailbox = task, mailbox
        self._ended: Ended | None = None
        self._stopped: StopReason | None = None

    @property
    def over(self) -> bool:
        return self._ended is not None

    @property
    def stopped_by_tune(self) -> bool:
        return self._stopped == "interrupted"

    def advance(self) -> None:
        if self._ended is None and ray.wait([self._task], timeout=0)[0]:
            try:
                self._ended = ray.get(self._task)
            except ray.exceptions.RayError as error:  # the node or its worker died; the next attempt goes elsewhere
                words = str(error).strip().partition("\n")[0]
                self._ended = Ended(Verdict("interrupted", reason=words), None, {})
            for name, content in self._ended.files.items():
                (self.folder.path / name).write_bytes(content)

    def touch(self) -> None:
        """Nothing to do: the task touches the lease."""

    def stop(self, reason: StopReason) -> None:
        if self._stopped is None:
            self._stopped = reason
            self._mailbox.stop.remote(self.attempt.attempt, reason)

    def kill(self) -> None:
        self.stop("interrupted")
        ray.cancel(self._task, force=True)

    def next_look_s(self) -> float | None:
        return SPEAK_EVERY_S

    def new_points(self) -> list[Point]:
        points: list[Point] = ray.get(self._mailbox.take.remote(self.attempt.attempt))
        return points

    def verdict(self) -> Verdict:
        assert self._ended
        return self._ended.verdict

    def result(self, verdict: Verdict, commit: str | None) -> Result:
        assert self._ended
        if self._ended.result is None:
            return Result(self.attempt.number, "failed", None, verdict.reason, None, 0.0, "", "", commit)
        return self._ended.result


def on_ray(address: str | None, gpus_per_trial: float) -> Backend:
    """Return the backend that runs trials on the Ray cluster at `address`, or on one begun here."""

    @contextmanager
    def open_cluster(study: Path, plan: Plan, allowance: Allowance) -> Iterator[Launch]:
        begun = not ray.is_initialized()
        try:
            ray.init(address, log_to_driver=False, logging_level=logging.ERROR, ignore_reinit_error=True)
        except (ConnectionError, ValueError, RuntimeError) as error:
            raise UserError(f"--address {address}: no Ray cluster there: {error}") from None
        token = f".ray-{uuid4().hex}"  # seen by the nodes that share the disk
        (study / token).touch()
        task = ray.remote(num_cpus=1, num_gpus=gpus_per_trial, max_retries=0)(run_trial)
        mailbox = ray.remote(num_cpus=0)(Mailbox).remote()

        def launch(attempt: Attempt, settings: Mapping[str, Setting], gpu: str | None) -> Trial:
            folder = trial_folder(study, attempt.number)
            folder.path.mkdir(parents=True, exist_ok=True)
            started = task.remote(study, plan, attempt, dict(settings), allowance, mailbox, token)
            return RayTrial(started, mailbox, attempt, folder)

        try:
            yield launch
        finally:
            (study / token).unlink(missing_ok=True)
            if begun:
                ray.shutdown()

    return open_cluster


def _files(folder: TrialFolder) -> dict[str, bytes]:
    wanted = (folder.params, folder.argv, folder.config, folder.metrics, folder.summary, folder.stdout, folder.stderr)
    files = {}
    for path in wanted:
        if path.exists():
            with open(path, "rb") as file:
                file.seek(max(0, file.seek(0, os.SEEK_END) - LARGEST_FILE_BYTES))
                files[path.name] = file.read()
    return files
