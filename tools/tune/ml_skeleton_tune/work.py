"""The commands that work on a study beside `tune run`: check, join, ask, report, tell, retry."""

import json
from typing import TYPE_CHECKING, Any

import typer
from ml_skeleton.console import Quiet, note
from ml_skeleton.errors import UsageError

from ml_skeleton_tune import options as ask_for

if TYPE_CHECKING:
    from pathlib import Path

    from ml_skeleton.tuning.search import Search

_LEASE_S = 3600.0


def check(
    command: ask_for.Command,
    metric: ask_for.Metric = None,
    param: ask_for.Parameters = None,
    space: ask_for.SpaceFile = None,
    gpus: ask_for.Gpus = None,
    timeout: ask_for.Timeout = None,
    seed: ask_for.StudySeed = None,
    regex: ask_for.Regex = None,
    reduce: ask_for.Reduce = "last",
) -> None:
    """Run COMMAND once, as trial 0 of a study, and print its arguments, its figures and its output; nothing is kept."""
    from ml_skeleton.tuning.study import new_plan

    plan = new_plan(command or [], param, space, ask_for.objectives(metric, reduce, regex), seed)
    from ml_skeleton.tuning.check import check_command
    from ml_skeleton.tuning.trial import Allowance

    from ml_skeleton_tune.report import check_report

    found = check_command(plan, ask_for.gpu_ids(gpus), Allowance(timeout))
    typer.echo(check_report(found))
    found.leave_if_bad()


def join(
    study: ask_for.StudyArgument,
    jobs: ask_for.Jobs = 1,
    gpus: ask_for.Gpus = None,
    per_gpu: ask_for.PerGpu = 1,
    study_timeout: ask_for.StudyTimeout = None,
    storage: ask_for.Storage = None,
    warm: ask_for.Warm = None,
    quiet: Quiet = False,
) -> None:
    """Work on STUDY too, on this machine or another, until it has all its trials, and print its folder.

    Command, space and options are those of the last tune run. With --storage the
    folder need not be shared: what is missing in it comes from the database.
    """
    from ml_skeleton.tuning.runner import join_study

    from ml_skeleton_tune.live import live_view

    where = ask_for.backend("local", warm, None, gpus, None)
    outcome = join_study(study, storage, jobs, ask_for.gpu_ids(gpus), per_gpu, study_timeout, where, live_view(quiet))
    note(str(outcome))
    outcome.leave_if_bad(None)
    typer.echo(study)


def ask(
    study: ask_for.StudyArgument,
    trials: ask_for.TrialsWanted = None,
    metric: ask_for.Metric = None,
    constraint: ask_for.Constraints = None,
    param: ask_for.Parameters = None,
    space: ask_for.SpaceFile = None,
    lease: ask_for.Lease = None,
    sampler: ask_for.Sampler = "tpe",
    pruner: ask_for.Pruner = "median",
    seed: ask_for.StudySeed = None,
    storage: ask_for.Storage = None,
) -> None:
    """Print the next trial of STUDY as JSON: number, params, seed, folder. With -p and -m, begin the study."""
    from ml_skeleton.tuning.study import RunTerms, script_plan

    aims = ask_for.objectives(metric, "last", None)
    plan = script_plan(study, param, space, aims, seed, ask_for.constraints(constraint))
    from ml_skeleton.tuning.opening import open_search
    from ml_skeleton.tuning.script import ask_trial
    from ml_skeleton.tuning.search import SearchSettings

    terms = RunTerms(trials or 0, sampler, pruner) if aims else None
    name = study.resolve().name if storage else SearchSettings.name
    search = open_search(study, plan, SearchSettings(sampler, pruner, plan.seed, False, storage, name), terms)
    typer.echo(json.dumps(ask_trial(study, search, trials, _LEASE_S if lease is None else lease)))


def report(
    study: ask_for.StudyArgument,
    trial: ask_for.TrialArgument,
    line: ask_for.JsonArgument,
    lease: ask_for.Lease = None,
    storage: ask_for.Storage = None,
) -> None:
    """Take a line such as '{"step": 3, "loss": 0.41}' of a trial, and print {"prune": true} to give it up, or false."""
    figures = _object(line)
    from ml_skeleton.tuning.script import report_step

    lease_s = _LEASE_S if lease is None else lease
    typer.echo(json.dumps({"prune": report_step(study, _search(study, storage), trial, figures, lease_s)}))


def tell(
    study: ask_for.StudyArgument,
    trial: ask_for.TrialArgument,
    figures: ask_for.JsonOrNot = None,
    state: ask_for.EndState = "complete",
    reason: ask_for.Reason = "",
    storage: ask_for.Storage = None,
) -> None:
    """End a trial with its figures, such as '{"loss": 0.41}', or with those in its files, and print what is kept."""
    found = None if figures is None else _object(figures)
    from dataclasses import asdict

    from ml_skeleton.tuning.script import tell_trial

    typer.echo(json.dumps(asdict(tell_trial(study, _search(study, storage), trial, found, state, reason))))


def retry(study: ask_for.StudyArgument, trials: ask_for.TrialArguments = None, storage: ask_for.Storage = None) -> None:
    """Queue trials of STUDY again, all failed ones if none are named; tune run or tune join runs them."""
    from ml_skeleton.tuning.script import retry_trials

    queued = retry_trials(study, _search(study, storage), trials or [])
    note(f"{len(queued)} trials queued again; tune run goes on with them")
    typer.echo(study)


def _search(study: "Path", storage: str | None) -> "Search":
    from ml_skeleton.tuning.opening import open_kept
    from ml_skeleton.tuning.search import SearchSettings
    from ml_skeleton.tuning.study import RunTerms, read_kept

    kept = read_kept(study)
    terms = kept.terms or RunTerms(0)
    return open_kept(study, SearchSettings(terms.sampler, terms.pruner, kept.plan.seed, storage=storage))


def _object(text: str) -> dict[str, Any]:
    text = typer.get_text_stream("stdin").read() if text == "-" else text
    try:
        found = json.loads(text)
    except ValueError as error:
        raise UsageError(f'{text}: not JSON: {error}; expected an object such as {{"loss": 0.41}}') from None
    if not isinstance(found, dict):
        raise UsageError(f'{text}: expected an object such as {{"loss": 0.41}}')
    return found
