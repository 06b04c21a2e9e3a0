"""The playlists that the listener put together in the player."""

import sqlite3
from collections import defaultdict

SONG_OF_ITEM = {"clementine": "library_id", "strawberry": "collection_id"}


def playlists_of_songs(connection: sqlite3.Connection, player: str) -> dict[int, tuple[str, ...]]:
    """Return the names of the playlists that each song stands in, by ROWID, sorted.

    Playlists that the player fills by itself are left out. Empty for a database
    without playlists, as a copy of the songs alone.
    """
    tables = {name for (name,) in map(tuple, connection.execute("SELECT name FROM sqlite_master"))}
    if not {b"playlists", b"playlist_items"} <= tables:
        return {}
    found: dict[int, set[str]] = defaultdict(set)
    kinds = {row[1] for row in connection.execute("PRAGMA table_info(playlists)")}
    by_hand = "dynamic_playlist_type IS NULL OR dynamic_playlist_type IN ('', 0)"
    rows = connection.execute(
        f"SELECT {SONG_OF_ITEM[player]}, name FROM playlist_items JOIN playlists ON playlists.rowid = playlist "
        f"WHERE {by_hand if b'dynamic_playlist_type' in kinds else '1'}"
    )
    for song_id, name in rows:
        if isinstance(song_id, int) and name:
            found[song_id].add(name.decode("utf-8", "replace"))
    return {song_id: tuple(sorted(names)) for song_id, names in found.items()}
