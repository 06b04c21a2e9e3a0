"""The options of `tune`: names, meanings, and how their texts are read."""

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer
from ml_skeleton.errors import UsageError

if TYPE_CHECKING:
    from ml_skeleton.tuning.backend import Backend
    from ml_skeleton.tuning.constraints import Constraint
    from ml_skeleton.tuning.objective import Objective

Reduction = Literal["last", "best", "mean"]

_UNITS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400}


def duration(text: str) -> float:
    """Return the seconds of `90`, `90s`, `15m`, `2h` or `1d`."""
    found = re.fullmatch(r"(\d+(?:\.\d+)?)([smhd]?)", text)
    if not found:
        raise UsageError(f"{text}: expected a duration such as 90, 15m or 2h")
    return float(found[1]) * _UNITS[found[2]]


def gpu_ids(text: str | None) -> tuple[str, ...]:
    """Return the ids in `0,1`; raise UsageError for one that is there twice."""
    ids = tuple(part.strip() for part in (text or "").split(",") if part.strip())
    if len(set(ids)) < len(ids):
        raise UsageError(f"--gpus {text}: an id is there twice")
    return ids


def objectives(metrics: list[str] | None, reduce: Reduction, regex: str | None) -> "tuple[Objective, ...]":
    """Return the objectives that -m, --reduce and --regex describe, none without -m."""
    from ml_skeleton.tuning.objective import parse_objectives

    return parse_objectives(metrics or [], reduce, regex)


def backend(
    name: Literal["local", "ray"], warm: str | None, address: str | None, gpus: str | None, gpus_per_trial: float | None
) -> "Backend":
    """Return where commands run; raise UsageError for options that do not go together."""
    from ml_skeleton.tuning import backend as backends

    if name == "local":
        if address or gpus_per_trial is not None:
            raise UsageError("--address and --gpus-per-trial need --backend ray")
        return backends.warm(warm.split(",")) if warm else backends.here
    if warm or gpus:
        raise UsageError("--backend ray: Ray starts the commands and gives out the GPUs; see --gpus-per-trial")
    from ml_skeleton.tuning.ray_backend import on_ray  # here, as Ray takes 2 s to import

    return on_ray(address, gpus_per_trial or 0.0)


def constraints(written: list[str] | None) -> "list[Constraint]":
    """Return what --constraint says."""
    from ml_skeleton.tuning.constraints import parse_constraint

    return [parse_constraint(one) for one in written or []]


Command = Annotated[
    list[str] | None,
    typer.Argument(metavar="COMMAND...", help="Program and arguments with placeholders, such as {lr:log:1e-5:1e-2}."),
]
StudyArgument = Annotated[Path, typer.Argument(metavar="STUDY", help="Folder of a study.")]
StudyOption = Annotated[
    Path, typer.Option(metavar="DIR", help="Folder of the study; begun if missing, gone on with if not.")
]
Trials = Annotated[
    int, typer.Option("-n", "--trials", min=1, help="Finished trials in all, those of earlier runs included.")
]
Metric = Annotated[
    list[str] | None,
    typer.Option("-m", "--metric", metavar="NAME:min|max", help="The figure that counts; more than one: a front."),
]
Constraints = Annotated[
    list[str] | None,
    typer.Option("--constraint", metavar="NAME<=NUMBER", help="A bound that the best trial keeps; >= as well."),
]
Enqueue = Annotated[
    list[str] | None,
    typer.Option(metavar="JSON|FILE", help="Values to try first, such as '{\"lr\": 0.001}'; the rest is chosen."),
]
Storage = Annotated[
    str | None,
    typer.Option(envvar="TUNE_STORAGE", metavar="URL", help="Database for the search, such as postgresql://…."),
]
NoReuse = Annotated[bool, typer.Option("--no-reuse", help="Run a command line again that is known with its inputs.")]
Parameters = Annotated[
    list[str] | None,
    typer.Option(
        "-p",
        "--param",
        metavar="NAME=KIND:ARGS",
        help="A parameter: float, log, int, logint (LOW:HIGH), choice:A,B, bool or fixed:V; ' if other==v' at the end.",
    ),
]
SpaceFile = Annotated[Path | None, typer.Option("--space", metavar="FILE", help="YAML file with parameters.")]
Jobs = Annotated[int, typer.Option(min=1, help="Commands at once.")]
Gpus = Annotated[str | None, typer.Option(metavar="IDS", help="GPU ids such as 0,1; each command gets one as {gpu}.")]
PerGpu = Annotated[int, typer.Option(min=1, help="Commands that share a GPU.")]
Timeout = Annotated[
    float | None, typer.Option(parser=duration, metavar="TIME", help="Longest run of a command: 90, 15m, 2h.")
]
StudyTimeout = Annotated[
    float | None, typer.Option(parser=duration, metavar="TIME", help="Longest run of tune itself.")
]
Grace = Annotated[float, typer.Option(min=0.0, metavar="SECONDS", help="Between SIGTERM and SIGKILL for a command.")]
MaxFail = Annotated[int | None, typer.Option(min=0, help="Give up when more trials than this have failed.")]
Retries = Annotated[int, typer.Option(min=0, help="Times that a failed trial is run again.")]
Sampler = Annotated[Literal["tpe", "random", "gp", "cmaes"], typer.Option(help="How values are chosen.")]
Pruner = Annotated[Literal["median", "asha", "hyperband", "none"], typer.Option(help="How hopeless trials are found.")]
StudySeed = Annotated[int | None, typer.Option(min=0, help="Seed of the search and of {seed}.", show_default="42")]
BackendName = Annotated[Literal["local", "ray"], typer.Option(help="Where the commands run.")]
Address = Annotated[
    str | None, typer.Option(metavar="ADDRESS", help="Ray cluster, such as ray-head:6379; without, one begun here.")
]
GpusPerTrial = Annotated[float | None, typer.Option(min=0.0, metavar="X", help="GPUs that Ray gives each command.")]
Warm = Annotated[
    str | None,
    typer.Option(metavar="MODULE,…", help="Import these once and fork each command, if it is a Python program here."),
]
Mlflow = Annotated[
    str, typer.Option(envvar="MLFLOW_TRACKING_URI", metavar="URI|off", help="Where MLflow keeps one run per trial.")
]
Regex = Annotated[str | None, typer.Option(help="Where no JSON is: the metric is its last match in the output.")]
Reduce = Annotated[Reduction, typer.Option(help="What a curve without a result comes down to.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
AsCsv = Annotated[bool, typer.Option("--csv", help="Print CSV.")]
AsParquet = Annotated[bool, typer.Option("--parquet", help="Write Parquet, to a file or a pipe.")]
AsConfig = Annotated[
    str | None,
    typer.Option("--as-config", metavar="TOOL", help="Print YAML that the --config of TOOL takes, of the parameters."),
]
Base = Annotated[Path | None, typer.Option(metavar="FILE", help="YAML file that --as-config takes all else from.")]
OutFile = Annotated[
    Path | None, typer.Option("--out", metavar="FILE", help="File to write.", show_default="standard output")
]
MlflowUri = Annotated[
    str | None,
    typer.Option("--mlflow", metavar="URI", help="Send the study and its trials there, those that it lacks."),
]
PageFile = Annotated[
    Path | None, typer.Option("--out", metavar="FILE", help="Page to write.", show_default="plot.html in the study")
]
TrialArgument = Annotated[int, typer.Argument(metavar="TRIAL", min=0, help="Number of a trial.")]
TrialArguments = Annotated[list[int] | None, typer.Argument(metavar="TRIAL...", min=0, help="Numbers of trials.")]
JsonArgument = Annotated[str, typer.Argument(metavar="JSON", help="An object with figures, or - for standard input.")]
JsonOrNot = Annotated[
    str | None,
    typer.Argument(
        metavar="JSON",
        help="An object with figures, or - for standard input.",
        show_default="what is in the trial's files",
    ),
]
TrialsWanted = Annotated[
    int | None, typer.Option("-n", "--trials", min=1, help="Finished trials in all; then there is no next one (3).")
]
Lease = Annotated[
    float | None,
    typer.Option(
        parser=duration,
        metavar="TIME",
        help="After so long without a word the trial is queued again.",
        show_default="1h",
    ),
]
EndState = Annotated[Literal["complete", "pruned", "failed", "infeasible"], typer.Option(help="How the trial ended.")]
Reason = Annotated[str, typer.Option(help="Why it did not complete.")]
