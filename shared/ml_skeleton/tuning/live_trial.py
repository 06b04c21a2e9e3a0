"""The trial that a training function sees from inside its own process, with the methods of Optuna's it may call."""

import json
import os
import signal
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from ml_skeleton.artifacts.metrics import MetricsLog
from ml_skeleton.tuning.trial_folder import TrialFolder

OBJECTIVE = "objective"  # the figure by which trials are compared, whatever a function calls its own
ANSWER_WITHIN_S = 1.0
ANSWER_WITHIN_SHARE = 0.1  # of the time that the trial has run: asking never costs more
_LOOK_EVERY_S = 0.001


class TrialPruned(Exception):
    """The function ended its trial because the pruner found it hopeless."""


class LiveTrial:
    """A trial that reports through its folder and is answered there by the process that runs the study."""

    def __init__(self, folder: TrialFolder, params: Mapping[str, Any]) -> None:
        self.number = folder.number
        self.params = dict(params)
        self.pruned = False  # whether the function has been told so
        self.asking = False
        self._folder = folder
        self._metrics = MetricsLog(None)
        self._began = time.monotonic()

    def report(self, value: float, step: int) -> None:
        """Say what the trial has reached."""
        self._metrics.step(int(step), {OBJECTIVE: float(value)})

    def should_prune(self) -> bool:
        """Tell whether to stop, as the pruner sees it after the last report.

        The answer comes within milliseconds. Where it does not, the trial goes on:
        should it be hopeless, a signal says so later.
        """
        self.asking = True
        with suppress(OSError):  # a full disk: unasked, the trial goes on
            self._folder.question.touch()
            self._ring()
            self._await_answer()
        self.pruned = self.pruned or self._folder.stop.exists()
        self.asking = False
        return self.pruned

    def _await_answer(self) -> None:
        now = time.monotonic()
        end = now + ANSWER_WITHIN_S + ANSWER_WITHIN_SHARE * (now - self._began)
        while time.monotonic() < end and self._folder.question.exists() and not self._folder.stop.exists():
            time.sleep(_LOOK_EVERY_S)

    def _ring(self) -> None:
        """Wake the study's process, which looks up at every signal of a child; all others are deaf to this one."""
        parent = os.getppid()
        with suppress(FileNotFoundError, ValueError):  # the lease is being written, and who writes it looks up next
            if parent == json.loads(self._folder.lease.read_bytes())["tune_pid"]:
                os.kill(parent, signal.SIGCHLD)


def trial_of_environment() -> TrialFolder:
    """Return the folder of the trial that this process is."""
    return TrialFolder(Path(os.environ["TUNE_TRIAL_DIR"]))
