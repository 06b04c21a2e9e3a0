"""A request: which playlist the listener asks for, the same from the command line and from a recipe."""

from dataclasses import asdict, dataclass, field
from typing import Any

from ml_skeleton.console import MOST_MINUTES, MOST_SPEECH
from ml_skeleton.errors import UsageError

KINDS = ("best", "help", "sparse", "rediscover", "like", "path", "mix", "album")
PARTS = ("taste", "similarity", "freshness", "doubt")  # of a score
ORDERS = ("score", "arc")
USUAL_TOP = {"help": 20, "path": 20}
TOP = 100


@dataclass(frozen=True)
class Request:
    """One playlist; the defaults are those of the command line."""

    kind: str = "best"
    name: str = ""  # of the files; "" is the kind
    title: str = ""
    songs: tuple[str, ...] = ()  # seeds
    unlike: tuple[str, ...] = ()
    weight: dict[str, float] = field(default_factory=dict)  # by part of the score; the kind knows the rest
    top: int | None = None  # songs; None is what is usual for the kind
    minutes: float | None = None  # instead of a number of songs
    per_artist: int | None = 10  # None and 0 are no limit
    per_album: int | None = None
    diversity: float = 0.0  # 0 goes by the score alone, 1 by how different a song is from those before
    variation: float = 0.0  # 0 is the same list every time, 1 leaves much to chance
    seed: int = 42
    fresh_days: float = 0.0  # songs of lists younger than this are held back
    where: str = ""  # SQL over the songs
    max_speech: float = MOST_SPEECH
    max_length: float = MOST_MINUTES
    order: str = "score"
    hub_correction: bool = False  # what sounds alike goes by mutual proximity, not by cosine

    @property
    def file_name(self) -> str:
        """The name of the files without suffix."""
        return self.name or self.kind

    @property
    def most(self) -> int | None:
        """The number of songs; None where minutes count."""
        return None if self.minutes and not self.top else self.top or USUAL_TOP.get(self.kind, TOP)

    def settings(self) -> dict[str, Any]:
        """Return what decides the list, as JSON values for its provenance."""
        return {name: value for name, value in asdict(self).items() if name != "seed"}

    def weights(self, usual: dict[str, float]) -> dict[str, float]:
        """Return the weights of the parts of the score, summing to 1: the usual ones, but for those asked for.

        What is asked for is kept as it is as far as it goes, the rest is scaled to fill up to 1.
        """
        asked = {part: value for part, value in self.weight.items() if part in usual}
        others = {part: value for part, value in usual.items() if part not in asked}
        left, rest = max(1.0 - sum(asked.values()), 0.0), sum(others.values())
        scaled = {**asked, **{part: left * value / rest if rest else 0.0 for part, value in others.items()}}
        total = sum(scaled.values())
        return {part: scaled[part] / total for part in usual} if total else usual


def check(request: Request) -> Request:
    """Return the request; raise UsageError for values that make no sense, whoever wrote them."""
    where = request.file_name
    if "/" in where or where.startswith(".") or not where.isprintable():
        raise UsageError(f"name {where!r}: expected the name of a file, without a folder and without a dot in front")
    for name, known in (("kind", KINDS), ("order", ORDERS)):
        if getattr(request, name) not in known:
            raise UsageError(f"{where}: {name} {getattr(request, name)!r}: expected one of {', '.join(known)}")
    if unknown := sorted(set(request.weight) - set(PARTS)):
        raise UsageError(f"{where}: weight {unknown[0]!r}: expected one of {', '.join(PARTS)}")
    ranges = {"diversity": (0, 1), "variation": (0, 1), "max_speech": (0, 1), "seed": (0, None), "top": (1, None)}
    ranges |= {"minutes": (1, None), "per_artist": (0, None), "per_album": (0, None), "fresh_days": (0, None)}
    ranges |= {"max_length": (0, None)}
    for name, (low, high) in ranges.items():
        _check_range(f"{where}: {name}", getattr(request, name), low, high)
    for part, value in request.weight.items():
        _check_range(f"{where}: weight {part}", value, 0, 1)
    needed = {"like": (1, None), "path": (2, 2)}.get(request.kind, (0, 0))
    if len(request.songs) < needed[0] or (needed[1] is not None and len(request.songs) > needed[1]):
        wants = {"like": "one song or more", "path": "two songs"}.get(request.kind, "no songs")
        raise UsageError(f"{where}: {len(request.songs)} songs given; {request.kind} takes {wants}")
    if request.unlike and request.kind != "like":
        raise UsageError(f"{where}: unlike is for the kind like, not for {request.kind}")
    return request


def _check_range(what: str, value: float | None, low: float, high: float | None) -> None:
    if value is not None and not (low <= value and (high is None or value <= high)):
        raise UsageError(
            f"{what}: {value} is out of range, expected {low} {f'to {high}' if high is not None else 'or more'}"
        )
