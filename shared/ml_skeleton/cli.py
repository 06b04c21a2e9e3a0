"""The `ml_skeleton` command: what it is asked, and nothing of how it is done."""

from ml_skeleton.console import new_app, run_tool

app = new_app()


def main() -> None:
    run_tool(app)
