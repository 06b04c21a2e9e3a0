"""The commands that look at a study and change nothing: `tune best`, `tune trials`, `tune status`."""

import typer

from ml_skeleton_tune import options as ask


def best(study: ask.StudyArgument, as_json: ask.AsJson = False) -> None:
    """Print the best trial of STUDY: value, parameters, command line, folder."""
    from ml_skeleton_tune.report import best_report

    typer.echo(best_report(study, as_json))


def trials(study: ask.StudyArgument, as_json: ask.AsJson = False, as_csv: ask.AsCsv = False) -> None:
    """Print all trials of STUDY."""
    from ml_skeleton_tune.report import trials_report

    typer.echo(trials_report(study, as_json, as_csv))


def status(study: ask.StudyArgument, as_json: ask.AsJson = False) -> None:
    """Print how many trials of STUDY are in which state, and the best so far."""
    from ml_skeleton_tune.report import status_report

    typer.echo(status_report(study, as_json))


def plot(study: ask.StudyArgument, out: ask.PageFile = None) -> None:
    """Write a page with the charts and the trials of STUDY, and print where it is; any browser opens it."""
    from ml_skeleton_tune.plot.page import write_page

    typer.echo(write_page(study, out))
