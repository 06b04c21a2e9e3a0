"""The end of every --help: examples, and what the exit codes mean."""

from collections.abc import Sequence

EXIT_CODES = (
    "Exit codes: 0 done, also when nothing was left to do; 1 cannot; 2 wrong usage; 3 no usable input; "
    "75 another run is at it; 130 or 143 interrupted."
)


def after_options(*examples: str, exit_codes: str = EXIT_CODES) -> str:
    """Return the text, the examples one a line, for the `epilog` of a command."""
    return "\n\n".join(["Examples:", _as_they_are(examples), exit_codes])


def _as_they_are(lines: Sequence[str]) -> str:
    """Return a paragraph that --help does not wrap: typer's mark for one is a backspace."""
    return "\n".join(["\b", *(f"  {line}" for line in lines)])
