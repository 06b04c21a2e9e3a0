"""Folders that have one name where the player runs and another one here, in a container for instance.

Named by `--path-map HOST=CONTAINER`, several times if need be, or by the
environment variable PATH_MAP, in which a colon separates the pairs.
"""

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

import typer

from ml_skeleton.errors import UsageError

VARIABLE = "PATH_MAP"
NEXT_PAIR = re.compile(":(?=/)")  # so that a folder's name may hold a colon
NEW_SIDE = re.compile("=(?=/)")

Pair = tuple[bytes, bytes]  # bytes, since file names need not be UTF-8


@dataclass(frozen=True)
class PathMap:
    """Pairs of folders without a slash at the end: as the player's database names them, and as this machine does."""

    pairs: tuple[Pair, ...] = ()

    def here(self, path: bytes) -> bytes:
        """Return the path on this machine of a file that the player knows as `path`; the longest match wins."""
        return _replaced(path, self.pairs)

    def on_host(self, path: bytes) -> bytes:
        """Return the path that the player knows of a file that lies at `path` here; the longest match wins."""
        return _replaced(path, [(here, host) for host, here in self.pairs])


def within(path: bytes, folder: bytes) -> bool:
    """Return whether `path` is `folder` or lies in it."""
    return path == folder or path.startswith(folder + b"/")


def parse_path_map(texts: Sequence[str]) -> PathMap:
    """Return the map of HOST=CONTAINER texts; raise UsageError for half a text, and for a folder named twice."""
    pairs: dict[bytes, bytes] = {}
    for text in texts:
        sides = NEW_SIDE.split(text)
        if len(sides) != 2 or not sides[0].startswith("/"):
            raise UsageError(
                f"path map {text}: expected HOST=CONTAINER, two absolute folders, such as /home/me/Music=/music"
            )
        host, here = (os.fsencode(side.rstrip("/")) for side in sides)
        if pairs.setdefault(host, here) != here:
            raise UsageError(f"path map {text}: {sides[0]} is mapped to {os.fsdecode(pairs[host])} already")
    return PathMap(tuple(pairs.items()))


def _replaced(path: bytes, pairs: Sequence[Pair]) -> bytes:
    matches = [(old, new) for old, new in pairs if within(path, old)]
    if not matches:
        return path
    old, new = max(matches, key=lambda pair: len(pair[0]))
    return new + path[len(old) :]


def _or_from_environment(context: typer.Context, texts: list[str] | None) -> list[str]:
    """Return the pairs of the flags, else those of PATH_MAP, else those of the configuration file."""
    source = context.get_parameter_source("path_map")
    pairs = os.environ.get(VARIABLE, "").strip(":")
    if pairs and not (source and source.name == "COMMANDLINE"):
        return NEXT_PAIR.split(pairs)  # by hand: typer would split at blanks
    return texts or []


PathMapTexts = Annotated[
    list[str] | None,
    typer.Option(
        "--path-map",
        metavar="HOST=CONTAINER",
        callback=_or_from_environment,
        show_default=f"the pairs of {VARIABLE}, separated by colons",
        help="A folder as the player's database names it, and its name here; repeatable.",
    ),
]
