"""A trial that runs: its folder, its command line, its environment, its figures so far."""

import os
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Protocol

from ml_skeleton.tuning.attempts import Attempt
from ml_skeleton.tuning.constraints import broken_in_words
from ml_skeleton.tuning.lease import touch_lease
from ml_skeleton.tuning.objective import Point, Score, TrialFigures
from ml_skeleton.tuning.process import CannotStart, CommandProcess, Start, StopReason, start_program
from ml_skeleton.tuning.search import seed_of
from ml_skeleton.tuning.space import Setting
from ml_skeleton.tuning.study import Plan
from ml_skeleton.tuning.trial_folder import Result, TrialFolder, trial_folder
from ml_skeleton.tuning.verdict import Verdict, judge


@dataclass(frozen=True)
class Allowance:
    """How long a command may take, how long it has between SIGTERM and SIGKILL, and how it is started."""

    timeout_s: float | None = None
    grace_s: float = 10.0
    start: Start = start_program


class Trial(Protocol):
    """A trial from the start of its command to the verdict, wherever the command runs."""

    attempt: Attempt
    gpu: str | None
    folder: TrialFolder

    @property
    def over(self) -> bool:
        """Whether nothing of the command runs any more."""

    @property
    def stopped_by_tune(self) -> bool:
        """Whether the command was asked to make room, through no fault of its own."""

    def advance(self) -> None:
        """Look at the command and do what is due."""

    def touch(self) -> None:
        """Say to other machines that the trial is being worked on."""

    def stop(self, reason: StopReason) -> None:
        """Ask the command to stop."""

    def kill(self) -> None:
        """End the command without grace."""

    def next_look_s(self) -> float | None:
        """Return in how many seconds `advance` is due at the latest; None for never."""

    def new_points(self) -> list[Point]:
        """Return what the first objective has reached since the last call."""

    def verdict(self) -> Verdict:
        """Return what the end of the command means; ask only when it is `over`."""

    def result(self, verdict: Verdict, commit: str | None) -> Result:
        """Return what is kept of a trial with that verdict, which is not an interruption."""


class Launch(Protocol):
    """Starts trials: on this machine, from a warm parent, on a cluster."""

    def __call__(self, attempt: Attempt, settings: Mapping[str, Setting], gpu: str | None) -> Trial: ...


class RunningTrial:
    """A trial on this machine."""

    def __init__(
        self,
        study: Path,
        plan: Plan,
        attempt: Attempt,
        settings: Mapping[str, Setting],
        gpu: str | None,
        allowance: Allowance,
    ) -> None:
        self.attempt = attempt
        self.gpu = gpu
        self.folder = trial_folder(study, attempt.number)
        self.figures = TrialFigures(self.folder, plan.objectives)
        self._plan = plan
        self._started = datetime.now(UTC).isoformat(timespec="milliseconds")
        self._allowance = allowance
        argv = argv_of(study, plan, attempt.number, settings, gpu)
        self.folder.prepare(settings, argv, nested="config" in plan.template.names())
        self._refused = ""
        self.process: CommandProcess | None = None
        try:
            environment = _environment(study, self.folder, plan, attempt, gpu)
            self.process = CommandProcess(
                argv, self.folder, environment, plan.cwd, allowance.timeout_s, allowance.grace_s, allowance.start
            )
        except CannotStart as error:
            self._refused = str(error)

    @property
    def over(self) -> bool:
        return self.process is None or self.process.over

    @property
    def seconds(self) -> float:
        """Seconds since the command was started."""
        return self.process.seconds if self.process else 0.0

    @property
    def exit_code(self) -> int | None:
        """How the command ended; None if it was never started."""
        return self.process.exit_code if self.process else None

    @property
    def stopped_by_tune(self) -> bool:
        return self.process is not None and self.process.stopped == "interrupted"

    def advance(self) -> None:
        if self.process:
            self.process.advance()

    def touch(self) -> None:
        touch_lease(self.folder.lease)

    def stop(self, reason: StopReason) -> None:
        if self.process:
            self.process.stop(reason)

    def kill(self) -> None:
        if self.process:
            self.process.kill()

    def next_look_s(self) -> float | None:
        return self.process.next_look_s() if self.process else None

    def new_points(self) -> list[Point]:
        return self.figures.new_points()

    @cached_property
    def score(self) -> Score:
        """What the trial is worth; ask only when it is `over`."""
        return self.figures.score(self._plan.constraints)

    def verdict(self) -> Verdict:
        if self.process is None:
            return Verdict("failed", reason=self._refused)
        words, stop_file = self.folder.last_words(), self.folder.stop.exists()
        return judge(
            self.process.exit_code, self.process.stopped, stop_file, self.score, words, self._allowance.timeout_s
        )

    def result(self, verdict: Verdict, commit: str | None) -> Result:
        assert verdict.state != "interrupted"
        complete, constraints, metrics = verdict.state == "complete", self._plan.constraints, self.score.metrics
        return Result(
            trial=self.attempt.number,
            state=verdict.state,
            value=verdict.value,
            reason=broken_in_words(constraints, metrics) if complete else verdict.reason,
            exit_code=self.exit_code,
            seconds=round(self.seconds, 3),
            started=self._started,
            host=socket.gethostname(),
            commit=commit,
            metrics=metrics,
            skipped_lines=self.score.skipped_lines,
            values=list(self.score.values) if complete else [],
            violations=[one.violation(metrics) for one in constraints] if complete else [],
            attempt=self.attempt.attempt,
        )


def argv_of(study: Path, plan: Plan, number: int, settings: Mapping[str, Setting], gpu: str | None) -> list[str]:
    """Return the command line of a trial."""
    folder = trial_folder(study, number)
    texts = {name: setting.text for name, setting in settings.items()}
    built_in = {
        "dir": str(folder.path),
        "trial": str(number),
        "study": str(study),
        "seed": str(seed_of(plan.seed, number)),
        "config": str(folder.config),
        "metrics": str(folder.metrics),
        **({} if gpu is None else {"gpu": gpu}),
    }
    return plan.template.fill(texts | built_in)


def _environment(study: Path, folder: TrialFolder, plan: Plan, attempt: Attempt, gpu: str | None) -> dict[str, str]:
    return {
        **os.environ,
        "TUNE_TRIAL_DIR": str(folder.path),
        "TUNE_METRICS": str(folder.metrics),
        "TUNE_PARAMS": str(folder.params),
        "TUNE_TRIAL": str(attempt.number),
        "TUNE_STUDY": str(study),
        "TUNE_SEED": str(seed_of(plan.seed, attempt.number)),
        "TUNE_STOP": str(folder.stop),
        **({} if gpu is None else {"CUDA_VISIBLE_DEVICES": gpu}),
    }
