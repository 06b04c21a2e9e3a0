"""Playlists that are made where the music has another place open where the player runs."""

import shutil
import sqlite3
from pathlib import Path
from urllib.parse import unquote, urlparse
from xml.etree import ElementTree

import pytest
from ml_skeleton_demo_library.player_database import file_url
from shell import run_line


@pytest.fixture
def host(little_library, tmp_path) -> Path:
    """Return the folder of a host whose player knows the little library as Music in it."""
    shutil.copytree(little_library / "music", tmp_path / "host/Music")
    shutil.copy(little_library / "clementine.db", tmp_path / "host")
    with sqlite3.connect(tmp_path / "host/clementine.db") as database:
        before, after = (file_url(folder).decode() for folder in (little_library / "music", tmp_path / "host/Music"))
        database.execute(
            "UPDATE songs SET filename = CAST(replace(CAST(filename AS TEXT), ?, ?) AS BLOB)", (before, after)
        )
    return tmp_path / "host"


def songs_of_m3u8(path: Path) -> list[Path]:
    lines = path.read_text(encoding="utf-8").splitlines()
    return [Path(line) for line in lines if line and not line.startswith("#")]


def songs_of_xspf(path: Path) -> list[Path]:
    return [Path(unquote(urlparse(found.text).path)) for found in ElementTree.parse(path).findall(".//{*}location")]


def test_a_playlist_made_in_the_container_opens_on_the_host(host, whole_line, tmp_path, monkeypatch):
    music, mounted = host / "Music", tmp_path / "container/music"
    mounted.parent.mkdir()
    music.rename(mounted)  # there, and nowhere else, as in a container
    monkeypatch.chdir(mounted.parent)
    monkeypatch.setenv("PATH_MAP", f"{host}=/nowhere:{music}={mounted}")

    done = run_line(
        f"clem-extract --db {host}/clementine.db --seconds 4 "
        f"&& embed {whole_line}/checkpoints/encoder.pt --crops crops | train-classifier | recommend"
    )

    assert (done.exit_code, done.stdout.splitlines()[-1]) == (0, "artifacts/recommendations"), done.stderr
    lists = Path("artifacts/recommendations").resolve()
    mounted.rename(music)  # on the host again
    named = songs_of_m3u8(lists / "best.m3u8")
    assert named and named == songs_of_xspf(lists / "best.xspf")
    assert [song for song in named if not (song.is_relative_to(music) and song.is_file())] == []
