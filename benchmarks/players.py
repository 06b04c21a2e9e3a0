"""Loads playlists into the real Clementine and Strawberry, and tells which of their songs these found.

    python benchmarks/players.py artifacts/recommendations/best.xspf artifacts/recommendations/best.m3u8

Needs dbus-daemon and the players that are to be asked. Each is started without a
screen in a home of its own, and its database is read while it runs.
"""

import argparse
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from urllib.parse import unquote_to_bytes

DATABASES = {
    "clementine": ".config/Clementine/clementine.db",
    "strawberry": ".local/share/strawberry/strawberry/strawberry.db",
}
PATIENCE_S, SETTLED_S = 60, 3  # for a player; after which its list no longer grows
LOCATION = "{http://xspf.org/ns/0/}location"


def wanted(playlist: Path) -> list[bytes]:
    """Return the paths of a list's songs as its format has them read."""
    if playlist.suffix == ".xspf":
        names = [str(found.text).encode() for found in ET.parse(playlist).iter(LOCATION)]
        names = [unquote_to_bytes(name.removeprefix(b"file://")) for name in names]
    else:
        names = [line for line in playlist.read_bytes().splitlines() if line and not line.startswith(b"#")]
        names = [unquote_to_bytes(name[7:]) if name.startswith(b"file://") else name for name in names]
    folder = os.fsencode(playlist.resolve().parent)
    return [os.path.normpath(os.path.join(folder, name)) for name in names]


def found_by(player: str, playlist: Path) -> list[bytes]:
    """Return the paths of the songs in the player's list after it has loaded the playlist."""
    with tempfile.TemporaryDirectory() as home, running(player, Path(home)) as environment:
        database = Path(home) / DATABASES[player]
        wait_for(database)
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        subprocess.run([player, "--load", playlist.resolve()], env=environment, timeout=PATIENCE_S, **quiet)
        urls, end = list[bytes](), time.monotonic() + PATIENCE_S
        while time.monotonic() < end:
            time.sleep(SETTLED_S)
            now = listed(database)
            if now and now == urls:
                break
            urls = now
        return [unquote_to_bytes(url.removeprefix(b"file://")) for url in urls]


@contextmanager
def running(player: str, home: Path) -> Iterator[dict[str, str]]:
    """Run a player that plays nowhere in `home`; yield the environment that it can be spoken to in."""
    folders = {"XDG_CONFIG_HOME": ".config", "XDG_DATA_HOME": ".local/share", "XDG_CACHE_HOME": ".cache"}
    environment = {**os.environ, "HOME": str(home), "XDG_RUNTIME_DIR": str(home), "TMPDIR": str(home)}
    environment |= {name: str(home / folder) for name, folder in folders.items()}
    environment |= {"QT_QPA_PLATFORM": "offscreen", "LC_ALL": "C.UTF-8"}
    (home / ".config/Clementine").mkdir(parents=True)
    (home / ".config/Clementine/Clementine.conf").write_text("[GstEngine]\nsink=fakesink\n")
    words = ["dbus-daemon", "--session", "--nofork", "--print-address"]
    bus = subprocess.Popen(words, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    assert bus.stdout is not None
    environment["DBUS_SESSION_BUS_ADDRESS"] = bus.stdout.readline().decode().strip()
    process = subprocess.Popen([player], env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield environment
    finally:
        for one in (process, bus):
            one.kill()
            one.wait()


def wait_for(database: Path) -> None:
    """Return when the player has made its database and listens."""
    end = time.monotonic() + PATIENCE_S
    while not database.exists():
        if time.monotonic() > end:
            sys.exit(f"{database.name}: the player has not made it in {PATIENCE_S} s")
        time.sleep(0.5)
    time.sleep(SETTLED_S)


def listed(database: Path) -> list[bytes]:
    """Return the URLs in the player's list; none while it writes."""
    try:
        with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True, timeout=2)) as opened:
            columns = [row[1] for row in opened.execute("PRAGMA table_info(playlist_items)")]
            urls = [name for name in ("url", "filename") if name in columns]
            rows = opened.execute(f"SELECT coalesce(nullif({urls[0]}, ''), {urls[-1]}) FROM playlist_items").fetchall()
    except sqlite3.OperationalError:
        return []
    return [url if isinstance(url, bytes) else str(url).encode() for (url,) in rows if url]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("playlists", type=Path, nargs="+", metavar="LIST")
    asked = parser.parse_args()
    for player in DATABASES:
        if not shutil.which(player):
            print(f"{player} is not installed")
            continue
        for playlist in asked.playlists:
            songs, found = wanted(playlist), set(found_by(player, playlist))
            missing = [song.decode("utf-8", "replace") for song in songs if song not in found]
            said = f"; not {', '.join(missing[:5])}" if missing else ""
            print(f"{player}, {playlist}: {len(songs) - len(missing)} of {len(songs)}{said}", flush=True)


if __name__ == "__main__":
    main()
