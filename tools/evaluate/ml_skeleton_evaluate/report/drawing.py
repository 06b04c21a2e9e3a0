"""Drawing: a picture as SVG inside the page, whose colours are classes of page.css and so follow the theme.

A few axes, lines and bars need no library, and the page stays as light as its
text. Whatever is written in a picture is escaped here.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import ceil, floor, log10

from ml_skeleton.pages.text import escaped

MOST_TICKS = 6
STEPS = (1, 2, 5, 10)  # between ticks, times a power of ten
BELOW, RIGHT, ABOVE = 42, 14, 10  # pixels around the plane; the left side is what its labels need
LONGEST_NAME = 24

Point = tuple[float, float]


@dataclass(frozen=True)
class Scale:
    """How values lie on pixels; what is beyond an end is drawn at it."""

    low: float
    high: float
    start: float
    end: float

    def at(self, value: float) -> float:
        """Return the pixel of a value."""
        share = (value - self.low) / (self.high - self.low)
        return round(self.start + min(max(share, 0.0), 1.0) * (self.end - self.start), 1)

    def ticks(self) -> list[float]:
        """Return round values between the ends, at most six."""
        rough = (self.high - self.low) / MOST_TICKS
        power = 10.0 ** floor(log10(rough))
        step = next(power * factor for factor in STEPS if power * factor >= rough * (1 - 1e-9))
        first = ceil(self.low / step - 1e-9)
        return [round(n * step, 10) for n in range(first, floor(self.high / step + 1e-9) + 1)]


class Plane:
    """A picture in the making: a plane with an axis below and one on the left."""

    def __init__(self, x: Point, y: Point, titles: tuple[str, str], size: tuple[int, int], left: int = 48) -> None:
        self.width, self.height = size
        self.left, self.bottom = left, self.height - BELOW
        self.x = Scale(*x, left, self.width - RIGHT)
        self.y = Scale(*y, self.bottom, ABOVE)
        self.parts = [
            self._text((left + self.width - RIGHT) / 2, self.height - 6, titles[0], "title middle"),
            f'<g transform="translate(12 {(ABOVE + self.bottom) / 2}) rotate(-90)">'
            f"{self._text(0, 0, titles[1], 'title middle')}</g>",
        ]

    def x_ticks(self, labels: Iterable[tuple[float, str]] | None = None) -> None:
        """Draw upright lines of the grid with their labels, by default at round values."""
        for value, label in _round(self.x) if labels is None else labels:
            at = self.x.at(value)
            self.parts += [f'<path class="grid" d="M{at} {ABOVE}V{self.bottom}"/>']
            self.parts += [self._text(at, self.bottom + 16, label, "middle")]

    def y_ticks(self, labels: Iterable[tuple[float, str]] | None = None) -> None:
        """Draw level lines of the grid with their labels, by default at round values."""
        for value, label in _round(self.y) if labels is None else labels:
            at = self.y.at(value)
            self.parts += [f'<path class="grid" d="M{self.left} {at}H{self.width - RIGHT}"/>']
            self.parts += [self._text(self.left - 6, at + 4, label, "end")]

    def line(self, points: Sequence[Point], look: str) -> None:
        """Draw a line through points."""
        path = "L".join(f"{self.x.at(x)} {self.y.at(y)}" for x, y in points)
        self.parts.append(f'<path class="line {look}" d="M{path}"/>')

    def dot(self, point: Point, look: str, hint: str) -> None:
        """Draw a dot; its hint is shown to who points at it."""
        x, y = self.x.at(point[0]), self.y.at(point[1])
        self.parts.append(f'<circle class="{look}" cx="{x}" cy="{y}" r="4.5">{_hint(hint)}</circle>')

    def box(self, corners: tuple[Point, Point], look: str, hint: str, strength: float = 1.0) -> None:
        """Draw a box between two corners, more or less strongly."""
        (left, right), (top, bottom) = (
            sorted(scale.at(corner[axis]) for corner in corners) for axis, scale in ((0, self.x), (1, self.y))
        )
        self.parts.append(
            f'<rect class="{look}" x="{left}" y="{top}" width="{right - left:.1f}" height="{bottom - top:.1f}"'
            f' fill-opacity="{strength:.2f}">{_hint(hint)}</rect>'
        )

    def write(self, point: Point, text: str, look: str = "middle") -> None:
        """Write a text around a point."""
        self.parts.append(self._text(self.x.at(point[0]), self.y.at(point[1]) + 4, text, look))

    def svg(self, title: str) -> str:
        """Return the picture; its title is what is read to who cannot see it."""
        content = "".join(self.parts)
        return f'<svg viewBox="0 0 {self.width} {self.height}" role="img" aria-label="{escaped(title)}">{content}</svg>'

    def _text(self, x: float, y: float, text: str, look: str) -> str:
        whole = _hint(text) if len(text) > LONGEST_NAME else ""
        shown = escaped(text, LONGEST_NAME) if look == "end" else escaped(text)
        return f'<text class="{look}" x="{x:g}" y="{y:g}">{whole}{shown}</text>'


def _round(scale: Scale) -> list[tuple[float, str]]:
    return [(value, f"{value:g}") for value in scale.ticks()]


def _hint(text: str) -> str:
    return f"<title>{escaped(text)}</title>"
