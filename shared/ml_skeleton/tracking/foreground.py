"""A tracking server as a command of its own."""

import signal

import typer

from ml_skeleton.console import note
from ml_skeleton.tracking.server import MLflowServer


def serve(server: MLflowServer, keep: bool) -> None:
    """Print the address once the server answers, and serve until Ctrl-C; return at once if it stays by itself."""
    if not server.ensure_running():
        note("MLflow is starting, which takes half a minute")
    try:
        server.wait_until_ready()
        typer.echo(server.uri)
        if not server.is_kept():
            note("it was there already, and is somebody else's to stop")
        elif keep:
            note("it stays until: ml_skeleton mlflow-ui --stop")
        else:
            note("Ctrl-C stops it, once no run uses it any more")
            while True:
                signal.pause()
    finally:
        server.stop()


def end_keeping(server: MLflowServer) -> None:
    """Take back --keep, and say what became of the server."""
    if not server.is_kept():
        note(f"no server that was started here runs at {server.uri}")
        return
    server.end_keeping()
    note(f"MLflow at {server.uri} stops when the runs that use it end" if server.is_kept() else "stopped")
