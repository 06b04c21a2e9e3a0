"""A run of a study from its folder and back: lock, recovery after a crash, the loop, and what came of it."""

import os
import shutil
import subprocess
from pathlib import Path

from ml_skeleton.artifacts.files import make_folder, only_run
from ml_skeleton.console import note
from ml_skeleton.errors import UsageError, UserError
from ml_skeleton.tuning.lease import end_left_behind
from ml_skeleton.tuning.loop import Limits, StudyLoop
from ml_skeleton.tuning.mirror.launch import mirror_of
from ml_skeleton.tuning.outcome import Outcome
from ml_skeleton.tuning.records import read_results
from ml_skeleton.tuning.search import Search, SearchSettings
from ml_skeleton.tuning.study import Plan, open_study
from ml_skeleton.tuning.trial import Allowance
from ml_skeleton.tuning.trial_folder import trial_folder


def run_study(
    folder: Path, plan: Plan, settings: SearchSettings, limits: Limits, allowance: Allowance, mlflow: str
) -> Outcome:
    """Work on the study in `folder` until its target is met, and return how it ended.

    `mlflow` is a tracking URI or "off". Raise UsageError if the study there was
    begun with another space, objective or seed, BusyError if another run works
    on it.
    """
    refuse_hopeless(plan, limits.gpus)
    if limits.gpus and limits.jobs > len(limits.gpus):
        raise UsageError(f"--jobs {limits.jobs}: --gpus names {len(limits.gpus)}, and each command gets one of its own")
    make_folder(folder)
    study = folder.resolve()
    with only_run(study):
        plan = open_study(folder, plan)
        search = Search(
            settings.storage or study / "journal.log", plan.space, plan.objective.direction, settings, plan.fingerprint
        )
        _recover(study, search, allowance.grace_s)
        outcome = Outcome(folder, plan.objective, limits.target, read_results(study))
        _check_known(outcome, search)
        with mirror_of(study, mlflow) as mirror:
            StudyLoop(study, plan, search, limits, allowance, outcome, _commit_of(plan.cwd)).run()
            mirror.finish(outcome.run_status)
    return outcome


def refuse_hopeless(plan: Plan, gpus: tuple[str, ...]) -> None:
    """Raise UsageError for what would fail in every trial."""
    if "gpu" in plan.template.names() and not gpus:
        raise UsageError("{gpu} needs --gpus, such as --gpus 0,1")
    program = plan.template.fixed_program()
    if program is not None and shutil.which(plan.cwd / program if os.sep in program else program) is None:
        raise UsageError(f"{program}: no such program, or not executable")


def _recover(study: Path, search: Search, grace_s: float) -> None:
    """Bring to an end what a killed run left: tell what is in result.json, queue the rest again."""
    for attempt in search.running():
        folder = trial_folder(study, attempt.number)
        result = folder.read_result()
        if result is not None and search.is_newest(attempt):
            search.tell(attempt, result.state, result.value)
            continue
        if end_left_behind(folder, grace_s):
            note(f"trial {attempt.number}: ended the command that an earlier run left behind")
        search.again(attempt, attempt.failures, attempt.interruptions)


def _check_known(outcome: Outcome, search: Search) -> None:
    stranger = next((number for number in outcome.results if not search.knows(number)), None)
    if stranger is not None:
        raise UserError(
            f"{outcome.study}: journal.log does not know trial {stranger}, which has a result; "
            "the journal was removed or is another study's; bring it back or begin a new study"
        )


def _commit_of(cwd: Path) -> str | None:
    """Return the git commit that is checked out in `cwd`, or None outside a repository."""
    try:
        asked = subprocess.run(
            ["git", "rev-parse", "HEAD"], cwd=cwd, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=5
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return asked.stdout.strip() if asked.returncode == 0 else None
