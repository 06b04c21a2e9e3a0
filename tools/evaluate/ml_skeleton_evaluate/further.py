"""What `evaluate` does beside measuring: `evaluate gate`."""

from pathlib import Path
from typing import Annotated

import typer
from ml_skeleton.console import Config, Quiet, note, path_from_pipe


def gate(
    evaluation: Annotated[
        Path | None, typer.Argument(help="evaluation.json; left out, its path is read from stdin.")
    ] = None,
    version: Annotated[
        str | None, typer.Option(metavar="NAME", help="Version to judge.", show_default="the first measured")
    ] = None,
    min: Annotated[
        list[str] | None,
        typer.Option("--min", metavar="FIGURE=NUMBER", help="Least value of a figure; can be repeated."),
    ] = None,
    max: Annotated[
        list[str] | None, typer.Option("--max", metavar="FIGURE=NUMBER", help="Largest value of a figure.")
    ] = None,
    not_worse_than: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Evaluation of what ships now; ranking worse than it, beyond chance, fails."),
    ] = None,
    ship: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="The same, but FILE may be missing, and what passes takes its place."),
    ] = None,
    mark: Annotated[
        bool,
        typer.Option(
            "--mark", help="Note the outcome in the store: no command takes a version that did not pass, unless named."
        ),
    ] = False,
    config: Config = None,
    quiet: Quiet = False,
) -> None:
    """Exit with 1 and a line for each shortfall if a version is not good enough; print the evaluation if it is."""
    from ml_skeleton_evaluate.limits import limits_of

    lows, highs = limits_of("--min", min), limits_of("--max", max)
    evaluation = path_from_pipe(evaluation, "evaluation", "evaluate")
    from ml_skeleton_evaluate.gate import Terms, pass_or_fail

    note(pass_or_fail(evaluation, version, Terms(lows, highs, not_worse_than, ship), mark))
    typer.echo(evaluation)
