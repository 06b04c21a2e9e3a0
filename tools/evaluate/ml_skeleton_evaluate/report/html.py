"""HTML: tables and framed pictures. Every text that comes from outside is escaped here."""

from collections.abc import Sequence
from dataclasses import dataclass

from ml_skeleton.artifacts.evaluations import Figure
from ml_skeleton.pages.text import escaped

LONGEST = 80  # letters of a text in a table
NO_FIGURE = "–"


@dataclass(frozen=True)
class Picture:
    """A drawing, what it says, and its numbers."""

    title: str
    caption: str
    svg: str
    header: Sequence[str]
    numbers: Sequence[Sequence[str]]

    def html(self) -> str:
        """Return the picture in its frame, its numbers below for who cannot see it or wants them."""
        return (
            f"<figure><h4>{escaped(self.title)}</h4>{self.svg}<figcaption>{escaped(self.caption)}</figcaption>"
            f"{folded('Numbers', table(self.header, self.numbers))}</figure>"
        )


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a table that scrolls by itself where it is wider than the page."""
    titles = "".join(f'<th scope="col">{escaped(title)}</th>' for title in header)
    lines = "".join(
        f'<tr><th scope="row">{escaped(row[0], LONGEST)}</th>'
        f"{''.join(f'<td>{escaped(cell, LONGEST)}</td>' for cell in row[1:])}</tr>"
        for row in rows
    )
    return f'<div class="wide" tabindex="0"><table><thead><tr>{titles}</tr></thead><tbody>{lines}</tbody></table></div>'


def folded(title: str, content: str) -> str:
    """Return content that opens when its title is chosen."""
    return f"<details><summary>{escaped(title)}</summary>{content}</details>"


def facts(named: dict[str, str]) -> str:
    """Return names with what they stand for."""
    return f"<dl>{''.join(f'<dt>{escaped(name)}</dt><dd>{escaped(text)}</dd>' for name, text in named.items())}</dl>"


def shown(figure: Figure, decimals: int = 2) -> str:
    """Return a figure with its interval."""
    if figure.value is None:
        return NO_FIGURE
    text = f"{figure.value:.{decimals}f}"
    if figure.low is None or figure.high is None:
        return text
    return f"{text} ({figure.low:.{decimals}f} to {figure.high:.{decimals}f})"
