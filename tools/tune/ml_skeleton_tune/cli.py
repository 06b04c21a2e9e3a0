"""The `tune` command: what it is asked, and nothing of how it is done."""

import typer
from ml_skeleton.console import Quiet, new_app, note, run_tool
from ml_skeleton.manual import after_options

from ml_skeleton_tune import look, work
from ml_skeleton_tune import options as ask

app = new_app()
_ALL_THAT_FOLLOWS_IS_THE_COMMAND = {"allow_interspersed_args": False}


@app.callback(
    epilog=after_options(
        "tune run -n 20 -m val_loss:min --study runs/lr -- train-encoder crops --lr {lr:log:1e-5:1e-2}",
        "tune best runs/lr",
    )
)
def tune() -> None:
    """Find good parameters for any program: a command line with placeholders is the objective."""


@app.command(context_settings=_ALL_THAT_FOLLOWS_IS_THE_COMMAND)
def run(
    trials: ask.Trials,
    study: ask.StudyOption,
    command: ask.Command = None,
    metric: ask.Metric = None,
    constraint: ask.Constraints = None,
    param: ask.Parameters = None,
    space: ask.SpaceFile = None,
    enqueue: ask.Enqueue = None,
    jobs: ask.Jobs = 1,
    gpus: ask.Gpus = None,
    per_gpu: ask.PerGpu = 1,
    timeout: ask.Timeout = None,
    study_timeout: ask.StudyTimeout = None,
    max_fail: ask.MaxFail = None,
    retries: ask.Retries = 0,
    sampler: ask.Sampler = "tpe",
    pruner: ask.Pruner = "median",
    seed: ask.StudySeed = None,
    storage: ask.Storage = None,
    no_reuse: ask.NoReuse = False,
    warm: ask.Warm = None,
    backend: ask.BackendName = "local",
    address: ask.Address = None,
    gpus_per_trial: ask.GpusPerTrial = None,
    mlflow: ask.Mlflow = "off",
    grace: ask.Grace = 10.0,
    regex: ask.Regex = None,
    reduce: ask.Reduce = "last",
    quiet: Quiet = False,
) -> None:
    """Begin a study or go on with it, until N trials are finished, and print its folder.

    COMMAND runs once per trial; it appends JSON lines to $TUNE_METRICS or prints
    them. {name} stands for a value, {name:KIND:ARGS} describes it in place,
    {?name} is the flag --name if true, {name!} is --name=value. Built in: {dir}
    {trial} {study} {seed} {gpu} {config} {metrics}.
    """
    from ml_skeleton.tuning.study import plan_of

    aims = ask.objectives(metric, reduce, regex)
    plan = plan_of(study, command, param, space, aims, seed, ask.constraints(constraint))
    from ml_skeleton.tuning.enqueue import read_enqueued
    from ml_skeleton.tuning.loop import Limits  # here, as it imports Optuna
    from ml_skeleton.tuning.runner import run_study
    from ml_skeleton.tuning.search import SearchSettings
    from ml_skeleton.tuning.trial import Allowance

    from ml_skeleton_tune.live import live_view

    first = read_enqueued(enqueue or [], plan.space)
    limits = Limits(trials, jobs, ask.gpu_ids(gpus), study_timeout, max_fail, retries, per_gpu, not no_reuse)
    name = study.resolve().name if storage else SearchSettings.name
    search = SearchSettings(sampler, pruner, plan.seed, jobs > 1, storage, name)
    where = ask.backend(backend, warm, address, gpus, gpus_per_trial)
    allowance, view = Allowance(timeout, grace), live_view(quiet)
    outcome = run_study(study, plan, search, limits, allowance, mlflow, first, where, view=view)
    note(str(outcome))
    outcome.leave_if_bad(max_fail)
    typer.echo(study)


app.command(context_settings=_ALL_THAT_FOLLOWS_IS_THE_COMMAND)(work.check)
for command in (
    work.join,
    work.ask,
    work.report,
    work.tell,
    work.retry,
    look.best,
    look.trials,
    look.status,
    look.plot,
    look.export,
):
    app.command()(command)


def main() -> None:
    run_tool(app)
