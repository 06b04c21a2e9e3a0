"""Verdicts: what the figures of a version come to, in a line for a person."""

from collections.abc import Mapping

from ml_skeleton.artifacts.evaluations import HEADLINE, NEW_ARTIST, Figure, Gain, Situation


def verdict_in(figures: Mapping[str, Figure], gain: Gain, songs: int) -> str:
    """Return the verdict of one situation, "no audio signal shown" unless the gain's interval is above 0."""
    span = _span(gain.low, gain.high)
    by = f"gain {gain.value:+.2f}{span} over {gain.over}"
    text = f"rank correlation {shown(figures['spearman'])}, {by}, {songs} songs"
    return text if gain.shown else f"no audio signal shown: {text}"


def verdict_of(situations: Mapping[str, Situation]) -> str:
    """Return the verdict of a version: of new albums first, and what the ear alone can do."""
    names = [name for name in (HEADLINE, NEW_ARTIST) if name in situations]
    return "; ".join(f"{name}: {situations[name].verdict}" for name in names)


def shown(figure: Figure, sign: str = "") -> str:
    """Return a figure with its interval, for a person; with `sign` + also the sign of what is above 0."""
    return "undefined" if figure.value is None else f"{figure.value:{sign}.2f}{_span(figure.low, figure.high)}"


def _span(low: float | None, high: float | None) -> str:
    return "" if low is None or high is None else f" ({low:.2f} to {high:.2f})"
