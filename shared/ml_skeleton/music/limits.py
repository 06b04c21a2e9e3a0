"""The limits that a version must keep, as they are given on the command line."""

from collections.abc import Collection, Iterator, Sequence
from difflib import get_close_matches
from math import isnan

from ml_skeleton.artifacts.evaluations import LATER, NEW_ALBUM, NEW_ARTIST, NEW_SONG, figure_prefix
from ml_skeleton.errors import UsageError
from ml_skeleton.music.scores import FIGURES

OF_A_SITUATION = ("songs", *FIGURES, "gain", "gain_low", "gain_over_deaf", "gain_over_deaf_low")
SPACE_KINDS = ("album", "album_other_artists", "artist_other_albums")  # of what is to be found
OF_THE_SPACE = (
    *(f"{kind}_{figure}" for kind in SPACE_KINDS for figure in ("map", "1nn")),
    "unreachable",
    "hub_skew",
    "effective_rank",
    "mean_cosine",
)


def known_figures() -> Iterator[str]:
    """Yield the names of all figures that an evaluation may have."""
    for situation in (NEW_SONG, NEW_ALBUM, NEW_ARTIST, LATER):
        yield from (f"{figure_prefix(situation)}{name}" for name in OF_A_SITUATION)
    yield from ("leakage", "covered", *OF_THE_SPACE)


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


def refuse_unknown(option: str, limits: Collection[str], known: Collection[str]) -> None:
    """Raise UsageError for a limit on a figure that is not among `known`."""
    for name in limits:
        if name not in known:
            near = get_close_matches(name, known, n=3)
            meant = f"did you mean {', '.join(near)}?" if near else f"known are {', '.join(known)}"
            raise UsageError(f"{option} {name}: no such figure; {meant}")
