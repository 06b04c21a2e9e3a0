"""A worker on a study: opening it, the loop, and what came of it."""

import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ml_skeleton.errors import UsageError, UserError
from ml_skeleton.tuning.backend import Backend, here
from ml_skeleton.tuning.loop import Limits, StudyLoop
from ml_skeleton.tuning.mirror.launch import mirror_of
from ml_skeleton.tuning.opening import kept_study, open_kept, open_search
from ml_skeleton.tuning.others import Others
from ml_skeleton.tuning.outcome import Outcome
from ml_skeleton.tuning.records import read_results
from ml_skeleton.tuning.search import Search, SearchSettings
from ml_skeleton.tuning.study import Plan, RunTerms
from ml_skeleton.tuning.trial import Allowance
from ml_skeleton.tuning.view import PlainView, View


def run_study(
    folder: Path,
    plan: Plan,
    settings: SearchSettings,
    limits: Limits,
    allowance: Allowance,
    mlflow: str,
    enqueue: Sequence[Mapping[str, Any]] = (),
    backend: Backend = here,
    copies: bool = True,
    view: View | None = None,
) -> Outcome:
    """Begin the study in `folder` or go on with it until its target is met, and return how it ended.

    Other workers may do the same at the same time. `mlflow` is a tracking URI or
    "off", `enqueue` holds values to try first, `backend` is where the commands run,
    `copies` says whether to keep folders of trials that ran elsewhere, `view` shows
    how it gets on. Raise UsageError if the study was begun with another space,
    objective or seed.
    """
    refuse_hopeless(plan, limits.gpus)
    _refuse_crowd(limits)
    terms = RunTerms(
        trials=limits.target,
        sampler=settings.sampler,
        pruner=settings.pruner,
        timeout_s=allowance.timeout_s,
        grace_s=allowance.grace_s,
        max_fail=limits.max_fail,
        retries=limits.retries,
        reuse=limits.reuse,
    )
    search = open_search(folder, plan, settings, terms)
    with search.claim():
        for chosen in enqueue:
            search.enqueue(chosen)
    return _work(folder, search, limits, allowance, mlflow, backend, copies, view)


def join_study(
    folder: Path,
    storage: str | None = None,
    jobs: int = 1,
    gpus: tuple[str, ...] = (),
    per_gpu: int = 1,
    study_timeout_s: float | None = None,
    backend: Backend = here,
    view: View | None = None,
) -> Outcome:
    """Work on a study that was begun on this machine or another, as it was last run, until its target is met."""
    kept = kept_study(folder, storage)
    plan, terms = kept.plan, kept.terms
    refuse_hopeless(plan, gpus)
    if terms is None:
        raise UsageError(f"{folder}: begun by tune ask, which sets no number of trials; use tune run -n")
    limits = Limits(
        terms.trials, jobs, gpus, study_timeout_s, terms.max_fail, terms.retries, per_gpu=per_gpu, reuse=terms.reuse
    )
    _refuse_crowd(limits)
    settings = SearchSettings(terms.sampler, terms.pruner, plan.seed, parallel=True, storage=storage)
    search = open_kept(folder, settings)
    return _work(folder, search, limits, Allowance(terms.timeout_s, terms.grace_s), "off", backend, True, view)


def refuse_hopeless(plan: Plan, gpus: tuple[str, ...]) -> None:
    """Raise UsageError for what would fail in every trial."""
    if not plan.command:
        raise UsageError("the study has no command, as a script asks for its trials; give one after --")
    if "gpu" in plan.template.names() and not gpus:
        raise UsageError("{gpu} needs --gpus, such as --gpus 0,1")
    program = plan.template.fixed_program()
    if program is not None and shutil.which(plan.cwd / program if os.sep in program else program) is None:
        raise UsageError(f"{program}: no such program, or not executable")


def _refuse_crowd(limits: Limits) -> None:
    room = len(limits.gpus) * limits.per_gpu
    if limits.gpus and limits.jobs > room:
        raise UsageError(
            f"--jobs {limits.jobs}: --gpus names {len(limits.gpus)}, with room for {room} commands; see --per-gpu"
        )


def _work(
    folder: Path,
    search: Search,
    limits: Limits,
    allowance: Allowance,
    mlflow: str,
    backend: Backend,
    copies: bool,
    view: View | None,
) -> Outcome:
    study, plan = folder.resolve(), search.plan
    outcome = Outcome(folder, plan.objectives, limits.target)
    _refuse_unknown(study, search)
    others = Others(study, plan, search, allowance.grace_s, copies)
    with backend(study, plan, allowance) as launch, mirror_of(study, mlflow) as mirror:
        seen = view or PlainView()
        StudyLoop(study, plan, search, limits, launch, others, outcome, seen, _commit_of(plan.cwd)).run()
        mirror.finish(outcome.run_status)
    return outcome


def _refuse_unknown(study: Path, search: Search) -> None:
    ended = read_results(study)
    search.refresh()  # afterwards, as other workers are at it
    stranger = next((number for number in ended if not search.knows(number)), None)
    if stranger is not None:
        raise UserError(
            f"{study}: the search does not know trial {stranger}, which has a result; "
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
