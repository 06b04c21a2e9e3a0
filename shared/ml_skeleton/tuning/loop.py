"""The loop of a worker: one process that keeps N commands running until enough trials of the study are over."""

import os
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from ml_skeleton.console import note, warn
from ml_skeleton.tuning.attempts import Attempt
from ml_skeleton.tuning.lease import TOUCH_EVERY_S, process_lease
from ml_skeleton.tuning.objective import Point
from ml_skeleton.tuning.others import Others
from ml_skeleton.tuning.outcome import Outcome
from ml_skeleton.tuning.process import GROUP_POLL_S
from ml_skeleton.tuning.reuse import identity_of, reused
from ml_skeleton.tuning.search import Search
from ml_skeleton.tuning.signals import GO_ON, KILL, STOP, Signals
from ml_skeleton.tuning.space import Setting
from ml_skeleton.tuning.study import Plan
from ml_skeleton.tuning.trial import Launch, Trial, argv_of
from ml_skeleton.tuning.trial_folder import Result, TrialFolder, trial_folder
from ml_skeleton.tuning.verdict import Verdict
from ml_skeleton.tuning.view import View

METRICS_POLL_S = 0.2  # how late a point may reach the pruner
OTHERS_POLL_S = 0.5  # how late it is seen that another worker has made room for a trial
TAKE_OVER_EVERY_S = 2.0
INTERRUPTIONS_ALLOWED = 3  # a command that reports an interruption each time would run for ever
FAILURES_NAMED = 5


@dataclass(frozen=True)
class Limits:
    """When to stop, and how much at once."""

    target: int  # finished trials in all, earlier runs and other workers included
    jobs: int = 1
    gpus: tuple[str, ...] = ()  # one of them for each command
    study_timeout_s: float | None = None
    max_fail: int | None = None
    retries: int = 0
    per_gpu: int = 1  # commands that share one
    reuse: bool = True  # the result of a trial with the same command line and inputs


class StudyLoop:
    """Keeps the wanted number of commands running."""

    def __init__(
        self,
        study: Path,
        plan: Plan,
        search: Search,
        limits: Limits,
        launch: Launch,
        others: Others,
        outcome: Outcome,
        view: View,
        commit: str | None,
    ) -> None:
        """`outcome` is filled with the trials that are over; `commit` goes into each result."""
        self.study, self.plan, self.search, self.limits, self.launch = study, plan, search, limits, launch
        self.others, self.outcome, self.view, self.commit = others, outcome, view, commit
        self._running: list[Trial] = []
        self._identities: dict[int, str] = {}  # by attempt
        self._best: Result | None = None  # of all results, which is dear to find out
        self._lease = process_lease(os.getpid())
        self._failures_named = 0
        self._begun = time.monotonic()
        self._ask_at = self._take_over_at = self._begun
        self._touch_at = self._begun + TOUCH_EVERY_S

    def run(self) -> None:
        """Run trials until the target is met, by this worker and the others, or until this one has to stop."""
        self.others.results(self.outcome)
        self._best = self.outcome.best
        with self.view.shown(self.outcome), Signals() as signals:
            try:
                self._look_at_others()
                self._fill_slots(signals)
                while self._running or self._wanted(signals):
                    signals.wait(self._next_look_s())
                    self._obey(signals.level)
                    for trial in list(self._running):
                        self._look_at(trial)
                    self._look_at_others()
                    self._fill_slots(signals)
                self.others.results(self.outcome)
            finally:
                self.outcome.signal_code = signals.exit_code if signals.level else None
                self._end_all(signals)

    def _fill_slots(self, signals: Signals) -> None:
        while self._wanted(signals) and len(self._running) < self.limits.jobs and time.monotonic() >= self._ask_at:
            asked = self.search.ask_within(self.limits.target, self._lease)
            if asked is None:  # the others work on the rest, and one of them may die
                self._ask_at = time.monotonic() + OTHERS_POLL_S
                return
            self._start(*asked)

    def _wanted(self, signals: Signals) -> bool:
        limit = self.limits.max_fail
        return (
            signals.level == GO_ON
            and not self.outcome.out_of_time
            and len(self.search.finished) < self.limits.target
            and (limit is None or self.outcome.count("failed") <= limit)
        )

    def _start(self, attempt: Attempt, settings: Mapping[str, Setting]) -> None:
        identity = identity_of(self.plan, settings, attempt.number) if self.limits.reuse else ""
        known = self.outcome.same_as(identity) if identity else None
        if known:
            folder = trial_folder(self.study, attempt.number)
            folder.prepare(settings, argv_of(self.study, self.plan, attempt.number, settings, None), nested=False)
            self._end(attempt, folder, reused(known, attempt))
            return
        trial = self.launch(attempt, settings, self._free_gpu())
        self._identities[attempt.attempt] = identity
        if trial.over:
            self._finish(trial)
        else:
            self._running.append(trial)

    def _free_gpu(self) -> str | None:
        taken = [trial.gpu for trial in self._running]
        return min(self.limits.gpus, key=taken.count, default=None)

    def _next_look_s(self) -> float:
        looks = [METRICS_POLL_S if self._running else OTHERS_POLL_S]
        looks += [look for trial in self._running if (look := trial.next_look_s()) is not None]
        return min(looks)

    def _obey(self, level: int) -> None:
        timeout_s = self.limits.study_timeout_s
        if timeout_s is not None and time.monotonic() >= self._begun + timeout_s:
            self.outcome.out_of_time = True
        for trial in self._running:
            if level >= KILL:
                trial.kill()
            elif level >= STOP or self.outcome.out_of_time:
                trial.stop("interrupted")

    def _look_at(self, trial: Trial) -> None:
        trial.advance()
        asked = trial.folder.question.exists()  # before reading, so that the answer covers the point asked about
        if trial.over:
            self._running.remove(trial)
            self._finish(trial)
        elif self._offer(trial) and self.search.hopeless(trial.attempt):
            trial.stop("pruned")
        elif asked:
            trial.folder.question.unlink(missing_ok=True)

    def _look_at_others(self) -> None:
        now = time.monotonic()
        if now >= self._touch_at:
            self._touch_at = now + TOUCH_EVERY_S
            for trial in self._running:
                trial.touch()
                if not self.search.beat(trial.attempt):
                    trial.kill()
        if now >= self._take_over_at:
            self.others.take_over({trial.attempt.attempt for trial in self._running})
            self._take_over_at = time.monotonic() + TAKE_OVER_EVERY_S
        before = len(self.outcome.results)
        self.others.results(self.outcome)
        if len(self.outcome.results) != before:
            self._best = self.outcome.best
        self.view.look(self._running)

    def _offer(self, trial: Trial) -> list[Point]:
        points = trial.new_points()
        self.search.report(trial.attempt, points)
        if points:
            self.view.reached(trial.attempt.number, points[-1])
        return points

    def _finish(self, trial: Trial) -> None:
        attempt = trial.attempt
        if not self.search.owns(attempt):
            warn(f"trial {attempt.number}: another worker took it over while this one was asleep; left to that one")
            return
        self._offer(trial)
        verdict = trial.verdict()
        if verdict.state == "interrupted" and not trial.stopped_by_tune:
            if attempt.interruptions + 1 < INTERRUPTIONS_ALLOWED:
                return self.search.again(attempt, attempt.failures, attempt.interruptions + 1)
            verdict = Verdict("failed", reason=f"interrupted {INTERRUPTIONS_ALLOWED} times ({verdict.reason})")
        if verdict.state == "interrupted":
            return self.search.again(attempt, attempt.failures, attempt.interruptions)
        if verdict.state == "failed" and verdict.worth_a_retry and attempt.failures < self.limits.retries:
            note(f"trial {attempt.number}: {verdict.reason}; trying again")
            return self.search.again(attempt, attempt.failures + 1, attempt.interruptions)
        result = trial.result(verdict, self.commit)
        self._end(attempt, trial.folder, replace(result, identity=self._identities[attempt.attempt]))

    def _end(self, attempt: Attempt, folder: TrialFolder, result: Result) -> None:
        former = self._best
        folder.write_result(result)
        self.search.tell(attempt, result)
        self.outcome.results[result.trial] = result
        self._ask_at = 0.0
        self._best = best = self.outcome.best
        if result.state == "failed" and self._failures_named < FAILURES_NAMED:
            self._failures_named += 1
            warn(f"trial {result.trial}: {result.reason}; its output is in {folder.path}")
        if best is not former and best is not None:
            note(f"trial {best.trial}: {self.outcome.in_words(best)}, the best so far")
        self.view.look(self._running)

    def _end_all(self, signals: Signals) -> None:
        """Stop what still runs after an error; it is found and queued again by the next run."""
        for trial in self._running:
            trial.stop("interrupted")
        while running := [trial for trial in self._running if not trial.over]:
            for trial in running:
                trial.advance()
            signals.wait(GROUP_POLL_S)
