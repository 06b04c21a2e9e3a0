"""The command mlflow-ui: a tracking server with its page."""

from typing import Annotated

import typer

from ml_skeleton.errors import UsageError


def mlflow_ui(
    host: Annotated[str, typer.Option(help="Where to listen; 0.0.0.0 lets other machines in.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port to listen at.")] = 5000,
    backend: Annotated[str, typer.Option(metavar="URI", help="Where the runs are.")] = "sqlite:///mlflow.db",
    artifacts: Annotated[str, typer.Option(metavar="URI", help="Where their files are.")] = "./mlruns",
    allow_host: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="A further name other machines call it by; repeatable.")
    ] = None,
    keep: Annotated[bool, typer.Option("--keep", help="Return, and leave the server running.")] = False,
    stop: Annotated[bool, typer.Option("--stop", help="Stop a server that was kept, once no run uses it.")] = False,
) -> None:
    """Show tracked runs in the browser: start a server unless one answers, print its address, serve until Ctrl-C."""
    from ml_skeleton.tracking.foreground import end_keeping, serve
    from ml_skeleton.tracking.server import MLflowServer

    if keep and stop:
        raise UsageError("--keep and --stop: one of them")
    server = MLflowServer(host, port, backend, artifacts, keep, allow_host or ())
    if stop:
        end_keeping(server)
    else:
        serve(server, keep)
