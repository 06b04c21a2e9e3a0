"""A trial that runs: its folder, its command line, its environment, its figures so far."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path

from ml_skeleton.tuning.objective import Score, TrialMetrics
from ml_skeleton.tuning.process import CannotStart, CommandProcess, Start, StopReason, start_program
from ml_skeleton.tuning.search import Attempt, seed_of
from ml_skeleton.tuning.space import Setting
from ml_skeleton.tuning.study import Plan
from ml_skeleton.tuning.trial_folder import TrialFolder, trial_folder
from ml_skeleton.tuning.verdict import Verdict, judge


@dataclass(frozen=True)
class Allowance:
    """How long a command may take, how long it has between SIGTERM and SIGKILL, and how it is started."""

    timeout_s: float | None = None
    grace_s: float = 10.0
    start: Start = start_program


class RunningTrial:
    """A trial from the start of its command to the verdict."""

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
        self.metrics = TrialMetrics(self.folder, plan.objective)
        self.started = datetime.now(UTC).isoformat(timespec="milliseconds")
        self._allowance = allowance
        texts = {name: setting.text for name, setting in settings.items()}
        argv = plan.template.fill(texts | _built_in(study, self.folder, plan, attempt, gpu))
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
        """Whether nothing of the command runs any more."""
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
        """Whether the command was asked to make room, through no fault of its own."""
        return self.process is not None and self.process.stopped == "interrupted"

    def advance(self) -> None:
        """Look at the command and do what is due."""
        if self.process:
            self.process.advance()

    def stop(self, reason: StopReason) -> None:
        """Ask the command to stop."""
        if self.process:
            self.process.stop(reason)

    def kill(self) -> None:
        """End the command without grace."""
        if self.process:
            self.process.kill()

    def next_look_s(self) -> float | None:
        """Return in how many seconds `advance` is due at the latest; None for never."""
        return self.process.next_look_s() if self.process else None

    @cached_property
    def score(self) -> Score:
        """What the trial is worth; ask only when it is `over`."""
        return self.metrics.score()

    def verdict(self) -> Verdict:
        """Return what the end of the command means; ask only when it is `over`."""
        if self.process is None:
            return Verdict("failed", reason=self._refused)
        words = self.folder.last_words()
        return judge(self.process.exit_code, self.process.stopped, self.score, words, self._allowance.timeout_s)


def _built_in(study: Path, folder: TrialFolder, plan: Plan, attempt: Attempt, gpu: str | None) -> dict[str, str]:
    return {
        "dir": str(folder.path),
        "trial": str(attempt.number),
        "study": str(study),
        "seed": str(seed_of(plan.seed, attempt.number)),
        "config": str(folder.config),
        "metrics": str(folder.metrics),
        **({} if gpu is None else {"gpu": gpu}),
    }


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
