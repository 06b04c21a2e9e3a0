"""The other workers of a study: what they have done, and taking over the trials of those that died."""

import os
import time
from pathlib import Path

from ml_skeleton.console import note
from ml_skeleton.tuning.attempts import Attempt
from ml_skeleton.tuning.lease import DEAD_AFTER_S, end_left_behind, is_alive
from ml_skeleton.tuning.outcome import Outcome
from ml_skeleton.tuning.search import Search
from ml_skeleton.tuning.study import Plan
from ml_skeleton.tuning.trial import argv_of
from ml_skeleton.tuning.trial_folder import Result, trial_folder


class Others:
    """What a worker knows of the others on its study."""

    def __init__(self, study: Path, plan: Plan, search: Search, grace_s: float, copies: bool = True) -> None:
        self._study, self._plan, self._search, self._grace_s = study, plan, search, grace_s
        self._copies = copies
        self._signs: dict[int, tuple[object, float]] = {}  # the last sign of life by attempt, and when it was new

    def take_over(self, mine: set[int]) -> None:
        """End what dead workers left: tell what is in result.json, queue the rest again. `mine` are attempts."""
        self._search.refresh()
        suspects = [one for one in self._search.running() if one.attempt not in mine and self._is_dead(one)]
        for attempt in suspects:
            if attempt.number >= 0 and end_left_behind(trial_folder(self._study, attempt.number), self._grace_s):
                note(f"trial {attempt.number}: ended the command that an earlier run left behind")
        if not suspects:
            return
        with self._search.claim():  # so that of two workers who find a dead one, the second finds nothing
            self._search.refresh()
            left = {attempt.attempt: attempt for attempt in self._search.running()}
            for attempt in suspects:
                if left.get(attempt.attempt) == attempt:
                    self._settle(attempt)

    def results(self, outcome: Outcome) -> None:
        """Bring `outcome` up to date with the trials that are over, and make the folders that this disk lacks."""
        finished = self._search.finished
        for number in finished - outcome.results.keys():
            folder = trial_folder(self._study, number)
            result = self._search.result(number) or folder.read_result()
            if result is None:
                continue
            if self._copies and not folder.path.exists():
                self._copy_here(result)
            outcome.results[number] = result
        for number in outcome.results.keys() - finished:  # tried again, by `tune retry`
            del outcome.results[number]

    def _settle(self, attempt: Attempt) -> None:
        result = trial_folder(self._study, attempt.number).read_result() if attempt.number >= 0 else None
        if result is not None and result.attempt == attempt.attempt and self._search.is_newest(attempt):
            self._search.tell(attempt, result)
        else:
            self._search.again(attempt, attempt.failures, attempt.interruptions)

    def _is_dead(self, attempt: Attempt) -> bool:
        """Tell whether nobody works on an attempt.

        Where its process cannot be seen, it is dead when nothing has changed for
        a while by this machine's own count: clocks differ, and jump.
        """
        worker = attempt.worker
        if worker is None:  # killed while it was taking the trial, or taking it now
            with self._search.claim():
                self._search.refresh()
            return any(one == attempt for one in self._search.running())
        if "until" in worker:  # a script asked for it, and its processes come and go
            return time.time() > float(worker["until"])
        alive = is_alive(worker)
        if alive is not None:
            return not alive or worker["pid"] == os.getpid()  # of an earlier run in this process
        now, sign = time.monotonic(), self._sign(attempt)
        if self._signs.get(attempt.attempt, (None, 0.0))[0] != sign:
            self._signs[attempt.attempt] = (sign, now)
        return now - self._signs[attempt.attempt][1] >= DEAD_AFTER_S

    def _sign(self, attempt: Attempt) -> object:
        try:
            touched = trial_folder(self._study, attempt.number).lease.stat().st_mtime_ns
        except OSError:
            touched = None
        return ("touched", touched, self._search.last_beat(attempt))

    def _copy_here(self, result: Result) -> None:
        settings = self._search.settings(result.trial)
        folder = trial_folder(self._study, result.trial)
        folder.prepare(settings, argv_of(self._study, self._plan, result.trial, settings, None), nested=False)
        folder.write_result(result)
