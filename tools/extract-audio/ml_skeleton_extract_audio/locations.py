"""Where this machine finds the file that the player's URL names."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import unquote_to_bytes, urlsplit

from ml_skeleton.errors import UsageError


@dataclass(frozen=True)
class PathMap:
    """Folders that have another name here than in the player's database; the longest match wins."""

    pairs: tuple[tuple[bytes, bytes], ...] = ()

    def here(self, path: bytes) -> bytes:
        """Return the path as this machine knows it."""
        for old, new in self.pairs:
            if path == old or path.startswith(old + b"/"):
                return new + path[len(old) :]
        return path


def parse_path_map(texts: Sequence[str]) -> PathMap:
    """Return the map of OLD=NEW texts; raise UsageError for a text without both sides."""
    pairs = []
    for text in texts:
        old, equals, new = text.partition("=")
        if not (equals and old.startswith("/") and new.startswith("/")):
            raise UsageError(
                f"--path-map {text}: expected OLD=NEW, two absolute folders, such as /home/me/Music=/music"
            )
        pairs.append((os.fsencode(old.rstrip("/")), os.fsencode(new.rstrip("/"))))
    return PathMap(tuple(sorted(pairs, key=lambda pair: len(pair[0]), reverse=True)))


def unused_maps(path_map: PathMap, urls: Sequence[str]) -> list[str]:
    """Return a text for each pair of the map that no file lies under, with an example of where they lie."""
    files = [file for file in (file_of(url, PathMap()) for url in urls) if file]
    return [
        f"--path-map {os.fsdecode(old)}={os.fsdecode(new)}: no file of the database lies there"
        + (f"; they are such as {os.fsdecode(files[0])}" if files else "")
        for old, new in path_map.pairs
        if not any(file == old or file.startswith(old + b"/") for file in files)
    ]


def file_of(url: str, path_map: PathMap) -> bytes | None:
    """Return the file behind the player's URL as a path in bytes, or None if it is no local file.

    Bytes, since file names need not be UTF-8; the URL spells any of them.
    """
    if not url.startswith("file:"):
        return path_map.here(os.fsencode(url)) if url.startswith("/") else None
    location = url.removeprefix("file://") if url.startswith("file://") else url.removeprefix("file:")
    if not location.startswith("/"):
        location = urlsplit(url).path  # file://host/path
    path = unquote_to_bytes(location)
    return path_map.here(path) if path else None
