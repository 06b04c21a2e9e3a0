"""Where this machine finds the file that the player's URL names."""

import os
from collections.abc import Sequence
from urllib.parse import unquote_to_bytes, urlsplit

from ml_skeleton.path_map import PathMap, within


def unused_maps(path_map: PathMap, urls: Sequence[str]) -> list[str]:
    """Return a text for each pair of the map that no file lies under, with an example of where they lie."""
    if not path_map.pairs:
        return []
    files = [file for file in (file_of(url, PathMap()) for url in urls) if file]
    return [
        f"path map {os.fsdecode(old)}={os.fsdecode(new)}: no file of the database lies there"
        + (f"; they are such as {os.fsdecode(files[0])}" if files else "")
        for old, new in path_map.pairs
        if not any(within(file, old) for file in files)
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
