"""The loop of a study: one process that keeps N commands running until enough trials are over."""

import socket
import time
from dataclasses import dataclass
from pathlib import Path

from ml_skeleton.console import note, progress, warn
from ml_skeleton.tuning.objective import Point
from ml_skeleton.tuning.outcome import Outcome
from ml_skeleton.tuning.process import GROUP_POLL_S
from ml_skeleton.tuning.search import Search
from ml_skeleton.tuning.signals import GO_ON, KILL, STOP, Signals
from ml_skeleton.tuning.study import Plan
from ml_skeleton.tuning.trial import Allowance, RunningTrial
from ml_skeleton.tuning.trial_folder import Result
from ml_skeleton.tuning.verdict import Verdict

METRICS_POLL_S = 0.2  # how late a point may reach the pruner
INTERRUPTIONS_ALLOWED = 3  # a command that reports an interruption each time would run for ever
FAILURES_NAMED = 5


@dataclass(frozen=True)
class Limits:
    """When to stop, and how much at once."""

    target: int  # finished trials in all, earlier runs included
    jobs: int = 1
    gpus: tuple[str, ...] = ()  # one of them for each command
    study_timeout_s: float | None = None
    max_fail: int | None = None
    retries: int = 0


class StudyLoop:
    """Keeps the wanted number of commands running."""

    def __init__(
        self,
        study: Path,
        plan: Plan,
        search: Search,
        limits: Limits,
        allowance: Allowance,
        outcome: Outcome,
        commit: str | None,
    ) -> None:
        """`outcome` holds the trials that are over, and is kept up to date; `commit` goes into each result."""
        self.study, self.plan, self.search, self.limits, self.allowance = study, plan, search, limits, allowance
        self.outcome, self.commit = outcome, commit
        self._running: list[RunningTrial] = []
        self._failures_named = 0
        self._ends_at = None if limits.study_timeout_s is None else time.monotonic() + limits.study_timeout_s

    def run(self) -> None:
        """Run trials until there is nothing more to start and nothing that runs."""
        left = max(0, self.limits.target - len(self.search.finished))
        with progress("trials", left, "finished") as self._shown, Signals() as signals:
            try:
                self._fill_slots(signals)
                while self._running:
                    signals.wait(self._next_look_s())
                    self._obey(signals.level)
                    for trial in list(self._running):
                        self._look_at(trial)
                    self._fill_slots(signals)
            finally:
                self.outcome.signal_code = signals.exit_code if signals.level else None
                self._end_all(signals)

    def _fill_slots(self, signals: Signals) -> None:
        while self._wanted(signals):
            self._start()

    def _wanted(self, signals: Signals) -> bool:
        limit = self.limits.max_fail
        return (
            signals.level == GO_ON
            and not self.outcome.out_of_time
            and len(self._running) < self.limits.jobs
            and len(self.search.finished) + len(self._running) < self.limits.target
            and (limit is None or self.outcome.count("failed") <= limit)
        )

    def _start(self) -> None:
        attempt, settings = self.search.ask()
        taken = {trial.gpu for trial in self._running}
        gpu = next((gpu for gpu in self.limits.gpus if gpu not in taken), None)
        trial = RunningTrial(self.study, self.plan, attempt, settings, gpu, self.allowance)
        if trial.over:
            self._finish(trial)
        else:
            self._running.append(trial)

    def _next_look_s(self) -> float:
        looks = [METRICS_POLL_S]
        looks += [look for trial in self._running if (look := trial.next_look_s()) is not None]
        return min(looks)

    def _obey(self, level: int) -> None:
        if self._ends_at is not None and time.monotonic() >= self._ends_at:
            self.outcome.out_of_time = True
        for trial in self._running:
            if level >= KILL:
                trial.kill()
            elif level >= STOP or self.outcome.out_of_time:
                trial.stop("interrupted")

    def _look_at(self, trial: RunningTrial) -> None:
        trial.advance()
        asked = trial.folder.question.exists()  # before reading, so that the answer covers the point asked about
        if trial.over:
            self._running.remove(trial)
            self._finish(trial)
        elif self._offer(trial) and self.search.hopeless(trial.attempt):
            trial.stop("pruned")
        elif asked:
            trial.folder.question.unlink(missing_ok=True)

    def _offer(self, trial: RunningTrial) -> list[Point]:
        points = trial.metrics.new_points()
        self.search.report(trial.attempt, points)
        return points

    def _finish(self, trial: RunningTrial) -> None:
        self._offer(trial)
        verdict, attempt = trial.verdict(), trial.attempt
        if verdict.state == "interrupted" and not trial.stopped_by_tune:
            if attempt.interruptions + 1 < INTERRUPTIONS_ALLOWED:
                return self.search.again(attempt, attempt.failures, attempt.interruptions + 1)
            verdict = Verdict("failed", reason=f"interrupted {INTERRUPTIONS_ALLOWED} times ({verdict.reason})")
        if verdict.state == "interrupted":
            return self.search.again(attempt, attempt.failures, attempt.interruptions)
        if verdict.state == "failed" and verdict.worth_a_retry and attempt.failures < self.limits.retries:
            self._say(f"trial {attempt.number}: {verdict.reason}; trying again")
            return self.search.again(attempt, attempt.failures + 1, attempt.interruptions)
        self._end(trial, self._result(trial, verdict))

    def _result(self, trial: RunningTrial, verdict: Verdict) -> Result:
        assert verdict.state != "interrupted"
        return Result(
            trial=trial.attempt.number,
            state=verdict.state,
            value=verdict.value,
            reason=verdict.reason,
            exit_code=trial.exit_code,
            seconds=round(trial.seconds, 3),
            started=trial.started,
            host=socket.gethostname(),
            commit=self.commit,
            metrics=trial.score.metrics,
            skipped_lines=trial.score.skipped_lines,
        )

    def _end(self, trial: RunningTrial, result: Result) -> None:
        former = self.outcome.best
        trial.folder.write_result(result)
        self.search.tell(trial.attempt, result.state, result.value)
        self.outcome.results[result.trial] = result
        best = self.outcome.best
        if result.state == "failed" and self._failures_named < FAILURES_NAMED:
            self._failures_named += 1
            self._shown.close()
            warn(f"trial {result.trial}: {result.reason}; its output is in {trial.folder.path}")
        if best is not former and best is not None:
            self._say(f"trial {best.trial}: {self.plan.objective.metric} {best.value:g}, the best so far")
        self._shown.advance(remark=f"best {best.value:g} in trial {best.trial}" if best else "")

    def _say(self, text: str) -> None:
        self._shown.close()
        note(text)

    def _end_all(self, signals: Signals) -> None:
        """Stop what still runs after an error; it is found and queued again by the next run."""
        for trial in self._running:
            trial.stop("interrupted")
        while running := [trial for trial in self._running if not trial.over]:
            for trial in running:
                trial.advance()
            signals.wait(GROUP_POLL_S)
