"""One dry trial: is the command line the one that was meant, and are its figures found?"""

from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from ml_skeleton.errors import UserError
from ml_skeleton.tuning.objective import ANY_METRIC
from ml_skeleton.tuning.runner import refuse_hopeless
from ml_skeleton.tuning.search import Search, SearchSettings
from ml_skeleton.tuning.signals import GO_ON, KILL, Signals
from ml_skeleton.tuning.study import Plan
from ml_skeleton.tuning.trial import Allowance, RunningTrial

LAST_LINES = 20


@dataclass(frozen=True)
class Check:
    """What one trial did."""

    params: dict[str, str]
    argv: list[str]
    exit_code: int | None
    seconds: float
    metrics: dict[str, float]
    skipped_lines: int
    value: float | None
    complaint: str  # why it would have failed; empty if it would not
    stdout: str  # its last lines
    stderr: str

    def leave_if_bad(self) -> None:
        """Raise UserError if the trial would have failed."""
        if self.complaint:
            raise UserError(f"this trial would not count: {self.complaint}")


def check_command(plan: Plan, gpus: tuple[str, ...], allowance: Allowance) -> Check:
    """Run the command once in a folder that is gone afterwards, with the values that trial 0 of a study gets."""
    refuse_hopeless(plan, gpus)
    search = Search(None, plan, SearchSettings("tpe", "none", plan.seed))
    attempt, settings = search.ask()
    with TemporaryDirectory(prefix="tune-check-") as folder:
        with Signals() as signals:
            trial = RunningTrial(Path(folder), plan, attempt, settings, gpus[0] if gpus else None, allowance)
            _run_to_end(trial, signals)
        signals.leave_if_asked()
        verdict, judged = trial.verdict(), plan.objective is not ANY_METRIC
        bad = verdict.state != "complete" and (judged or trial.exit_code != 0)
        return Check(
            params={name: setting.text for name, setting in settings.items()},
            argv=trial.folder.read_argv(),
            exit_code=trial.exit_code,
            seconds=trial.seconds,
            metrics=trial.score.metrics,
            skipped_lines=trial.score.skipped_lines,
            value=verdict.value,
            complaint=f"{verdict.state}: {verdict.reason}" if bad else "",
            stdout=_last_lines(trial.folder.stdout),
            stderr=_last_lines(trial.folder.stderr),
        )


def _run_to_end(trial: RunningTrial, signals: Signals) -> None:
    while not trial.over:
        signals.wait(trial.next_look_s())
        if signals.level > GO_ON:
            trial.stop("interrupted")
        if signals.level >= KILL:
            trial.kill()
        trial.advance()


def _last_lines(path: Path) -> str:
    with open(path, "rb") as log:
        log.seek(max(0, log.seek(0, 2) - 65536))
        return "\n".join(log.read().decode("utf-8", "replace").splitlines()[-LAST_LINES:])
