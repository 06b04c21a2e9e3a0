"""What `evaluate` does beside measuring: `evaluate gate`, `evaluate listen`."""

from pathlib import Path
from typing import Annotated

import typer
from ml_skeleton.console import (
    MOST_SPEECH,
    Config,
    Force,
    MaxSpeech,
    MetricsFile,
    Quiet,
    Seed,
    note,
    path_from_pipe,
    show,
)
from ml_skeleton.manual import after_options

GATE = after_options(
    "evaluate gate evaluation/evaluation.json --min spearman=0.2 --max unreachable=0.3",
    "evaluate artifacts/embeddings.db | evaluate gate --ship evaluation/shipped.json --mark",
)
LISTEN = after_options(
    "evaluate listen simple-1234abcd multiscale-1234abcd",
    "evaluate listen --db ~/.config/Clementine/clementine.db",
)


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
    exit_zero: Annotated[
        bool,
        typer.Option(
            "--exit-zero", help="End with 0 also when it does not pass: the commands that follow see the mark."
        ),
    ] = False,
    config: Config = None,
    quiet: Quiet = False,
) -> None:
    """Exit with 1 and a line for each shortfall if a version is not good enough; print the evaluation if it is."""
    from ml_skeleton.music.limits import limits_of

    lows, highs = limits_of("--min", min), limits_of("--max", max)
    evaluation = path_from_pipe(evaluation, "evaluation", "evaluate")
    from ml_skeleton_evaluate.gate import Terms, pass_or_fail

    note(pass_or_fail(evaluation, version, Terms(lows, highs, not_worse_than, ship), mark, exit_zero))
    typer.echo(evaluation)


def listen(
    versions: Annotated[
        list[str] | None, typer.Argument(help="Two versions to compare; left out, the ballots of lists there are read.")
    ] = None,
    store: Annotated[Path, typer.Option(help="Embedding database with both.")] = Path("artifacts/embeddings.db"),
    out: Annotated[Path, typer.Option(help="Folder for the lists, the ballots and the key.")] = Path("listening"),
    songs: Annotated[int, typer.Option(min=2, help="Songs in each of the two lists.")] = 20,
    ballots: Annotated[
        Path | None, typer.Option(metavar="FILE", help="CSV with the stars.", show_default="ballots.csv in the folder")
    ] = None,
    db: Annotated[
        Path | None, typer.Option(metavar="FILE", help="The player's database, to take the stars from instead.")
    ] = None,
    classifier: Annotated[
        str, typer.Option(metavar="NAME", help="Model to rank with, or the checkpoint of a classifier to fit alike.")
    ] = "gp",
    max_speech: MaxSpeech = MOST_SPEECH,
    seed: Seed = 42,
    metrics: MetricsFile = None,
    force: Force = False,
    config: Config = None,
    quiet: Quiet = False,
) -> None:
    """Write two blind lists of unrated songs that two versions picked in turn, or say which picks were liked better.

    Whose a song is stands in key.json, which is better not opened before the ballots are read.
    """
    from ml_skeleton_evaluate.options import asked_for, two_versions

    pair, asked = two_versions(versions), asked_for(None, classifier, None, seed)
    from ml_skeleton.artifacts.metrics import MetricsLog

    from ml_skeleton_evaluate.listen import Draft, make_lists, read_result, told

    draft = Draft(pair, store, songs, max_speech, asked.settings, asked.targeting) if pair else None
    if draft and make_lists(draft, out, force):
        note(f"two lists are in {out}; rate their songs, there in ballots.csv or in the player, then go on with:")
        note(f"evaluate listen --out {out}")
    else:
        heard = read_result(out, ballots, db, seed)
        MetricsLog(metrics).result(heard.figures())
        for line in told(heard, out):
            show(line)
    typer.echo(out)
