"""Commands that look at this machine: verify, gpu-info, memory."""

from typing import Annotated

import typer

from ml_skeleton.errors import CANNOT, UsageError

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def verify(as_json: AsJson = False) -> None:
    """Look at this machine and say what is missing and what to do; exit 1 when something needed is missing."""
    import json

    from ml_skeleton.utils.verify import table, verify_environment

    checks = verify_environment()
    typer.echo(json.dumps([vars(check) for check in checks], indent=1) if as_json else table(checks))
    if any(check.state == "missing" for check in checks):
        raise typer.Exit(CANNOT)


def gpu_info(as_json: AsJson = False) -> None:
    """Print the GPUs of this machine: memory, driver, load, temperature, and who uses them."""
    import json

    from ml_skeleton.utils.gpu import get_gpu_info
    from ml_skeleton.utils.gpu_table import gpu_table

    found = get_gpu_info()
    typer.echo(json.dumps(found, indent=1) if as_json else gpu_table(found))


def memory(
    show: Annotated[bool, typer.Option("--show", help="Print the memory of each GPU and the limit.")] = False,
    limit: Annotated[
        float | None, typer.Option(min=0, metavar="GB", help="Print the line that sets the limit; 0 for none.")
    ] = None,
) -> None:
    """Show how much GPU memory a process may take, or print the line of shell that sets it: eval "$(…)"."""
    from ml_skeleton.utils.memory import LIMIT_VARIABLE, memory_limit_gb, memory_summary

    if not show and limit is None:
        raise UsageError("nothing asked: --show prints the memory and the limit, --limit GB the line that sets it")
    if limit is not None:
        typer.echo(f"export {LIMIT_VARIABLE}={memory_limit_gb(limit):g}")
    if show:
        limit_gb = memory_limit_gb(limit)
        typer.echo(memory_summary())
        typer.echo(f"limit: {limit_gb:g} GB a process" if limit_gb else "limit: none")
