"""The commands `ml_skeleton run` and `ml_skeleton tune`: what they are asked, and nothing of how it is done."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from ml_skeleton.console import Quiet, note

ConfigFile = Annotated[Path, typer.Argument(metavar="CONFIG", help="YAML file of an experiment.")]
TrainFn = Annotated[
    str, typer.Option("--train-fn", metavar="MODULE:FUNCTION", help="The training function; FILE.py:FUNCTION, too.")
]
Overrides = Annotated[
    list[str] | None,
    typer.Option("-o", "--override", metavar="KEY.SUB=VALUE", help="Put over CONFIG, such as hyperparameters.lr=0.01."),
]


def run(config: ConfigFile, train_fn: TrainFn, override: Overrides = None, quiet: Quiet = False) -> None:
    """Call a training function as CONFIG says, track it, and print its result as JSON."""
    from dataclasses import asdict

    from ml_skeleton.core.plain_json import as_json
    from ml_skeleton.runner.experiment import Experiment
    from ml_skeleton.runner.loading import load_config, load_function

    experiment = Experiment(load_config(config, override or []))
    typer.echo(as_json(asdict(experiment.run(load_function(train_fn)))))


def tune(
    config: ConfigFile,
    train_fn: TrainFn,
    override: Overrides = None,
    n_trials: Annotated[int | None, typer.Option(min=1, help="Trials in all.", show_default="as in CONFIG")] = None,
    tuner: Annotated[
        Literal["optuna", "ray_tune"] | None,
        typer.Option(help="Who searches.", show_default="as in CONFIG, else optuna"),
    ] = None,
    timeout: Annotated[
        float | None, typer.Option(min=0.0, metavar="SECONDS", help="Longest search.", show_default="as in CONFIG")
    ] = None,
    quiet: Quiet = False,
) -> None:
    """Search good hyperparameters for a training function as CONFIG says, and print the best as JSON."""
    from ml_skeleton.core.plain_json import as_json
    from ml_skeleton.runner.experiment import Experiment
    from ml_skeleton.runner.loading import load_config, load_function, with_tuning

    experiment = Experiment(with_tuning(load_config(config, override or []), tuner, n_trials, timeout))
    found = experiment.tune(load_function(train_fn))
    note(f"best of {found['n_trials']} trials: {found['best_value']:g}")
    del found["study"]
    typer.echo(as_json(found))
