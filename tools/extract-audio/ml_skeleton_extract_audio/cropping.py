"""Where in a song the crops are cut: arithmetic alone, nothing is read."""

from dataclasses import dataclass
from typing import NamedTuple

from ml_skeleton.errors import UsageError

POSITIONS = ("end", "center", "start", "spread")
MIN_REMAINDER_S = 1.0  # what is left for a last, shorter crop is dropped below this: it says nothing about a song


class Window(NamedTuple):
    """A stretch of a song."""

    start_s: float  # from the start of the song
    seconds: float


@dataclass(frozen=True)
class CropPolicy:
    """How many crops a song gives, how long, and from where.

    `spread` places them evenly over the song; the others lay them side by side
    against the end, around the center, or from the start. They never overlap.
    """

    position: str = "end"  # one of POSITIONS
    seconds: float = 60.0
    crops: int = 1
    rate: int = 16000  # Hz

    def __post_init__(self) -> None:
        if self.position not in POSITIONS:
            raise UsageError(f"crop position {self.position!r}, expected one of {', '.join(POSITIONS)}")
        if not (self.seconds > 0 and self.crops > 0 and self.rate > 0):
            raise UsageError(
                f"{self.crops} crops of {self.seconds} s at {self.rate} Hz: all three must be greater than 0"
            )

    @property
    def name(self) -> str:
        """A short text that differs when the crops do: "end-1x60s-16000hz"."""
        return f"{self.position}-{self.crops}x{self.seconds:.12g}s-{self.rate}hz"

    def windows(self, length_s: float) -> list[Window]:
        """Return the crops of a song of `length_s` seconds in the order of time; a shorter song gives what it has."""
        if length_s <= 0:
            return []
        return self._spread(length_s) if self.position == "spread" else self._side_by_side(length_s)

    def _spread(self, length_s: float) -> list[Window]:
        seconds = min(self.seconds, length_s)
        count = min(self.crops, int(length_s // seconds))
        part_s = length_s / count
        return [Window(part_s * (n + 0.5) - seconds / 2, seconds) for n in range(count)]

    def _side_by_side(self, length_s: float) -> list[Window]:
        whole, rest_s = divmod(min(length_s, self.crops * self.seconds), self.seconds)
        sizes = [self.seconds] * int(whole)
        if rest_s >= min(MIN_REMAINDER_S, self.seconds / 2) or not sizes:
            sizes.append(rest_s)
        if self.position == "end":
            sizes.reverse()  # the remainder is what lies farthest from the end
        unused_s = length_s - sum(sizes)
        start_s = {"end": unused_s, "center": unused_s / 2, "start": 0.0}[self.position]
        windows = []
        for seconds in sizes:
            windows.append(Window(start_s, seconds))
            start_s += seconds
        return windows
