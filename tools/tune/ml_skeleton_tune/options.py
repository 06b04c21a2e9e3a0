"""The options of `tune`: names, meanings, and how their texts are read."""

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer
from ml_skeleton.errors import UsageError

if TYPE_CHECKING:
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


def objective(metric: str | None, reduce: Reduction, regex: str | None) -> "Objective | None":
    """Return the objective that -m, --reduce and --regex describe, None without -m."""
    from ml_skeleton.tuning.objective import parse_objective

    return parse_objective(metric, reduce, regex) if metric else None


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
Metric = Annotated[str | None, typer.Option("-m", "--metric", metavar="NAME:min|max", help="The figure that counts.")]
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
Mlflow = Annotated[
    str, typer.Option(envvar="MLFLOW_TRACKING_URI", metavar="URI|off", help="Where MLflow keeps one run per trial.")
]
Regex = Annotated[str | None, typer.Option(help="Where no JSON is: the metric is its last match in the output.")]
Reduce = Annotated[Reduction, typer.Option(help="What a curve without a result comes down to.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
AsCsv = Annotated[bool, typer.Option("--csv", help="Print CSV.")]
