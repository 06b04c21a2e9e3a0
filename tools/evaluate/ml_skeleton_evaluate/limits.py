"""The limits that a gate is given on the command line."""

from collections.abc import Sequence
from math import isnan

from ml_skeleton.errors import UsageError


def limits_of(option: str, texts: Sequence[str] | None) -> dict[str, float]:
    """Return the limits that an option like `--min spearman=0.2` gives; raise UsageError for another form."""
    limits = {}
    for text in texts or ():
        name, _, number = text.partition("=")
        try:
            limits[name.strip()] = float(number)
        except ValueError:
            number = "nan"
        if not name.strip() or isnan(float(number)):
            raise UsageError(f"{option} {text}: expected FIGURE=NUMBER such as {option} spearman=0.2")
    return limits
