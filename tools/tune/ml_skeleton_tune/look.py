"""The commands that look at a study and change nothing: `tune best, trials, status, plot, export`."""

import typer
from ml_skeleton.console import note
from ml_skeleton.errors import UsageError

from ml_skeleton_tune import options as ask
from ml_skeleton_tune.formats import chosen_format, refuse_terminal


def best(
    study: ask.StudyArgument,
    as_json: ask.AsJson = False,
    as_csv: ask.AsCsv = False,
    as_parquet: ask.AsParquet = False,
    as_config: ask.AsConfig = None,
    base: ask.Base = None,
    out: ask.OutFile = None,
) -> None:
    """Print the best trial of STUDY: value, parameters, command line, folder; of several objectives, the front."""
    written = chosen_format(as_json, as_csv, as_parquet)
    refuse_terminal(written, None)
    if as_config is None:
        if base or out:
            raise UsageError("--base and --out: only with --as-config")
        from ml_skeleton_tune.report import best_report

        return best_report(study, written)
    if written:
        raise UsageError(f"--as-config and --{written}: choose one")
    from ml_skeleton_tune.best_config import best_config, write_config

    text = best_config(study, as_config, base)
    typer.echo(write_config(text, out) if out else text, nl=out is not None)


def trials(
    study: ask.StudyArgument,
    as_json: ask.AsJson = False,
    as_csv: ask.AsCsv = False,
    as_parquet: ask.AsParquet = False,
) -> None:
    """Print all trials of STUDY."""
    written = chosen_format(as_json, as_csv, as_parquet)
    refuse_terminal(written, None)
    from ml_skeleton_tune.report import trials_report

    trials_report(study, written)


def status(
    study: ask.StudyArgument,
    as_json: ask.AsJson = False,
    as_csv: ask.AsCsv = False,
    as_parquet: ask.AsParquet = False,
) -> None:
    """Print how many trials of STUDY are in which state, and the best so far."""
    written = chosen_format(as_json, as_csv, as_parquet)
    refuse_terminal(written, None)
    from ml_skeleton_tune.report import status_report

    status_report(study, written)


def export(
    study: ask.StudyArgument,
    as_json: ask.AsJson = False,
    as_csv: ask.AsCsv = False,
    as_parquet: ask.AsParquet = False,
    mlflow: ask.MlflowUri = None,
    out: ask.OutFile = None,
) -> None:
    """Print all that is known of the trials of STUDY, curves too, write it to a file, or rebuild its runs in MLflow."""
    written = chosen_format(as_json, as_csv, as_parquet)
    refuse_terminal(written, out)
    if (written is None) == (mlflow is None):
        raise UsageError("expected one of --json, --csv, --parquet and --mlflow URI")
    if mlflow is not None:
        from ml_skeleton.tuning.mirror.rebuild import rebuild_runs

        return note(f"{rebuild_runs(study, mlflow)} trials sent to MLflow at {mlflow}")
    assert written is not None
    from ml_skeleton_tune.export import flat_table, nested_table
    from ml_skeleton_tune.formats import print_table, write_table

    table = nested_table(study) if written == "json" else flat_table(study)
    if out is None:
        return print_table(table, written)
    write_table(table, written, out)
    typer.echo(out)


def plot(study: ask.StudyArgument, out: ask.PageFile = None) -> None:
    """Write a page with the charts and the trials of STUDY, and print where it is; any browser opens it."""
    from ml_skeleton_tune.plot.page import write_page

    typer.echo(write_page(study, out))
