"""A tool of several commands, of which one runs when none is named."""

import pytest
import typer
from ml_skeleton.console import Config, new_app
from ml_skeleton.errors import UsageError


@pytest.fixture
def app() -> typer.Typer:
    """Return a tool whose commands say what they were called with."""
    app = new_app(default="measure")

    @app.command()
    def measure(store: str = typer.Argument("from the pipe"), folds: int = 5, config: Config = None) -> None:
        """Measure it."""
        typer.echo(f"measure {store} {folds}")

    @app.command()
    def gate(store: str = typer.Argument("none"), least: float = 0.0, config: Config = None) -> None:
        """Refuse what falls short."""
        typer.echo(f"gate {store} {least}")

    return app


def run(app: typer.Typer, *args: str) -> None:
    app(list(args), prog_name="judge", standalone_mode=False)


@pytest.mark.parametrize(
    ("args", "said"),
    [
        ((), "measure from the pipe 5"),
        (("songs.db",), "measure songs.db 5"),
        (("--folds", "3", "songs.db"), "measure songs.db 3"),
        (("measure", "songs.db"), "measure songs.db 5"),
        (("gate", "songs.db", "--least", "0.2"), "gate songs.db 0.2"),
        (("./gate",), "measure ./gate 5"),
    ],
)
def test_the_default_runs_unless_another_command_is_named(app, capsys, args, said):
    run(app, *args)

    assert capsys.readouterr().out == f"{said}\n"


def test_help_is_that_of_the_default_and_names_the_others(app, capsys):
    run(app, "--help")

    told = capsys.readouterr().out
    assert told.startswith("Usage: judge [OPTIONS] [store]")
    assert told.endswith("  Other commands, each with a --help of its own:\n    gate  Refuse what falls short.\n")


def test_the_help_of_another_command_is_its_own(app, capsys):
    run(app, "gate", "--help")

    assert capsys.readouterr().out.startswith("Usage: judge gate [OPTIONS] [store]")


@pytest.mark.parametrize(("args", "said"), [((), "measure from the pipe 7"), (("gate",), "gate none 0.5")])
def test_one_section_of_the_configuration_serves_all_commands(app, capsys, tmp_path, args, said):
    (tmp_path / "all.yaml").write_text("judge: {folds: 7, least: 0.5}")

    run(app, *args, "--config", str(tmp_path / "all.yaml"))

    assert capsys.readouterr().out == f"{said}\n"


def test_an_option_of_no_command_is_refused(app, tmp_path):
    (tmp_path / "all.yaml").write_text("judge: {leest: 0.5}")

    with pytest.raises(UsageError, match="section 'judge': unknown option 'leest'; did you mean 'least'"):
        run(app, "--config", str(tmp_path / "all.yaml"))


@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        ("judge ga", ["gate"]),
        ("judge --fo", ["--folds"]),
        ("judge songs.db --fo", ["--folds"]),
        ("judge gate --le", ["--least"]),
    ],
)
def test_the_shell_completes_commands_and_the_options_of_the_default(app, capsys, monkeypatch, typed, offered):
    monkeypatch.setenv("_JUDGE_COMPLETE", "complete_bash")
    monkeypatch.setenv("COMP_WORDS", typed)
    monkeypatch.setenv("COMP_CWORD", str(len(typed.split()) - 1))

    with pytest.raises(SystemExit):
        run(app)

    assert capsys.readouterr().out.split() == offered
