"""Lines at the foot of a terminal that are drawn over themselves."""

import os
import unicodedata
from collections.abc import Sequence
from typing import TextIO

# a terminal that knows this mode shows a drawing whole, others ignore it
_HOLD, _SHOW = "\033[?2026h", "\033[?2026l"
_TO_LINE_END, _TO_END = "\033[K", "\033[J"


class Footer:
    """A block of lines below everything else that is written to a terminal."""

    def __init__(self, terminal: TextIO) -> None:
        self._terminal = terminal
        self._lines: list[str] = []
        self._columns = 0

    def draw(self, lines: Sequence[str]) -> None:
        """Replace what was drawn, in one write; what the terminal has no room for is cut off."""
        columns, rows = os.get_terminal_size(self._terminal.fileno())
        drawn = [fitted(line, columns - 1) for line in lines[: max(1, rows - 1)]]
        if (drawn, columns) != (self._lines, self._columns):
            self._write(self._to_top(columns) + "\n".join(line + _TO_LINE_END for line in drawn) + _TO_END)
            self._lines, self._columns = drawn, columns

    def wipe(self) -> None:
        """Take away what was drawn, and leave the cursor where it began."""
        if self._lines:
            self._write(self._to_top(os.get_terminal_size(self._terminal.fileno()).columns) + _TO_END)
            self._lines = []

    def _to_top(self, columns: int) -> str:
        """Return what moves the cursor to the first line; in a terminal made narrower they have been wrapped."""
        rows = sum(-(-max(1, width_of(line)) // max(1, columns)) for line in self._lines)
        return f"\r\033[{rows - 1}A" if rows > 1 else "\r"

    def _write(self, text: str) -> None:
        self._terminal.write(_HOLD + text + _SHOW)
        self._terminal.flush()


def fitted(line: str, columns: int) -> str:
    """Return the start of `line` that fits, without anything that a terminal would obey."""
    line = "".join(letter if letter.isprintable() else "?" for letter in line)
    while width_of(line) > columns:
        line = line[:-1]
    return line


def width_of(line: str) -> int:
    """Return how many columns of a terminal `line` takes."""
    wide = sum(unicodedata.east_asian_width(letter) in "WF" for letter in line)
    return len(line) + wide - sum(unicodedata.combining(letter) > 0 for letter in line)
