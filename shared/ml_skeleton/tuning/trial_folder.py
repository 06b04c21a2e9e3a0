"""The folder of one trial, `trials/00042`: what tune writes there and what the command may write.

params.json    the parameters              metrics.jsonl  appended by the command ($TUNE_METRICS)
argv.json      the command line as run     metrics.json   or written by it at its end
config.json    the parameters, nested      stdout.log, stderr.log
lease.json     whose process this is       stop           there when the command shall stop ($TUNE_STOP)
                                           question       there while a function waits for the pruner's word
result.json    how the trial ended; there only once it has, and written before the search is told
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal, cast

from ml_skeleton.artifacts.files import make_folder, write_text
from ml_skeleton.errors import InputError, UserError
from ml_skeleton.tuning.space import Setting

State = Literal["complete", "pruned", "failed", "infeasible"]


@dataclass(frozen=True)
class Result:
    """How a trial ended."""

    trial: int
    state: State
    value: float | None  # of the first objective; only of a complete trial
    reason: str  # why there is no value, or why it does not count
    exit_code: int | None  # negative: the signal that ended the command; None: it could not be started
    seconds: float  # of the last run of the command
    started: str  # ISO 8601, UTC
    host: str
    commit: str | None  # of the git repository that the command ran in
    metrics: dict[str, float] = field(default_factory=dict)  # the last of each figure
    skipped_lines: int = 0  # in metrics.jsonl, that were no JSON
    values: list[float] = field(default_factory=list)  # of all objectives
    violations: list[float] = field(default_factory=list)  # of each constraint; above 0: violated, by so much
    attempt: int = 0  # at the trial, as the search counts
    identity: str = ""  # what a trial with the same command line and inputs shares

    @property
    def feasible(self) -> bool:
        """Whether the trial is complete and keeps all constraints."""
        return self.state == "complete" and all(violation <= 0 for violation in self.violations)


class TrialFolder:
    """Paths of one trial."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.params = path / "params.json"
        self.argv = path / "argv.json"
        self.config = path / "config.json"
        self.metrics = path / "metrics.jsonl"
        self.summary = path / "metrics.json"
        self.stdout = path / "stdout.log"
        self.stderr = path / "stderr.log"
        self.lease = path / "lease.json"
        self.result = path / "result.json"
        self.stop = path / "stop"
        self.question = path / "question"

    @property
    def number(self) -> int:
        return int(self.path.name)

    def prepare(self, settings: Mapping[str, Setting], argv: list[str], nested: bool) -> None:
        """Make the folder and write what the trial is; what an interrupted run left stays for the command to go on."""
        make_folder(self.path)
        values = {name: setting.value for name, setting in settings.items()}
        try:
            self.stop.unlink(missing_ok=True)
            self.question.unlink(missing_ok=True)
            self.result.unlink(missing_ok=True)  # of an attempt before a retry
            self.params.write_text(json.dumps(values), encoding="ascii")
            self.argv.write_text(json.dumps(argv), encoding="ascii")
            if nested:
                self.config.write_text(json.dumps(_nest(values), indent=2), encoding="ascii")
        except OSError as error:
            raise UserError(f"{self.path}: cannot write: {error.strerror}") from None

    def write_result(self, result: Result) -> None:
        """Write result.json; whatever happens afterwards, this trial is over."""
        write_text(self.result, json.dumps(asdict(result)) + "\n")

    def read_result(self) -> Result | None:
        """Return how the trial ended, or None if it has not; raise InputError for a file of something else."""
        try:
            return Result(**json.loads(self.result.read_bytes()))
        except FileNotFoundError:
            return None
        except (ValueError, TypeError):
            raise InputError(f"{self.result}: not the result of a trial; remove it, and the trial runs again") from None

    def read_params(self) -> dict[str, Any]:
        """Return the parameters, or none if the run ended before they were written."""
        return cast(dict[str, Any], _json(self.params) or {})

    def read_argv(self) -> list[str]:
        """Return the command line, empty if the run ended before it was written."""
        return cast(list[str], _json(self.argv) or [])

    def last_words(self) -> str:
        """Return the last line on standard error that says something."""
        try:
            with open(self.stderr, "rb") as log:
                log.seek(max(0, log.seek(0, 2) - 4096))
                lines = log.read().decode("utf-8", "replace").split("\n")
        except FileNotFoundError:
            return ""
        return next((" ".join(line.split()) for line in reversed(lines) if line.strip()), "")


def trial_folder(study: Path, number: int) -> TrialFolder:
    """Return the folder of a trial of a study; it need not exist."""
    return TrialFolder(study / "trials" / f"{number:05d}")


def trial_folders(study: Path) -> list[TrialFolder]:
    """Return the folders of all trials that have one, in their order."""
    trials = study / "trials"
    names = [entry.name for entry in trials.iterdir() if entry.name.isdigit()] if trials.is_dir() else []
    return [TrialFolder(trials / name) for name in sorted(names, key=int)]


def _nest(values: Mapping[str, Any]) -> dict[str, Any]:
    nested: dict[str, Any] = {}
    for name, value in values.items():
        *groups, last = name.split(".")
        inner = nested
        for group in groups:
            inner = inner.setdefault(group, {})
        inner[last] = value
    return nested


def _json(path: Path) -> object:
    try:
        return cast(object, json.loads(path.read_bytes()))
    except (FileNotFoundError, ValueError):
        return None
