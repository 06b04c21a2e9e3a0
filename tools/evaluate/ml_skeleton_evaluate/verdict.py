"""Verdicts: what the figures of a version come to, in a line for a person."""

from collections.abc import Mapping

from ml_skeleton.artifacts.evaluations import HEADLINE, NEW_ARTIST, Figure, Gain, Situation

NO_SIGNAL = "no audio signal shown"


def verdict_in(figures: Mapping[str, Figure], gain: Gain, over_deaf: Gain, songs: int) -> str:
    """Return the verdict of one situation, "no audio signal shown" unless the gain's interval is above 0.

    The words are those of a strict judge, who asks for more than the best of all
    others, untrained networks among them; what they come to is said after them.
    """
    text = f"rank correlation {shown(figures['spearman'])}, gain {_over(gain)}, {songs} songs"
    return text if gain.shown else f"{NO_SIGNAL}: {text}; {_in_plain_words(gain, over_deaf)}"


def _in_plain_words(gain: Gain, over_deaf: Gain) -> str:
    """Return what is certain and what is not, where the best of the others is not surely beaten."""
    if over_deaf.shown:
        return (
            f"listening tells more than tags and means for certain ({_over(over_deaf)}), "
            f"but training adds nothing certain to {gain.over}, which has learned nothing"
        )
    by = "" if gain.over == over_deaf.over else f" ({_over(over_deaf)})"
    return f"listening is not certain to tell more than tags and means{by}"


def verdict_of(situations: Mapping[str, Situation]) -> str:
    """Return the verdict of a version: of new albums first, and what the ear alone can do."""
    names = [name for name in (HEADLINE, NEW_ARTIST) if name in situations]
    return "; ".join(f"{name}: {situations[name].verdict}" for name in names)


def shown(figure: Figure, sign: str = "") -> str:
    """Return a figure with its interval, for a person; with `sign` + also the sign of what is above 0."""
    return "undefined" if figure.value is None else f"{figure.value:{sign}.2f}{_span(figure.low, figure.high)}"


def _over(gain: Gain) -> str:
    return f"{gain.value:+.2f}{_span(gain.low, gain.high)} over {gain.over}"


def _span(low: float | None, high: float | None) -> str:
    return "" if low is None or high is None else f" ({low:.2f} to {high:.2f})"
