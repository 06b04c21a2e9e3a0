"""recommend serve: the page and its songs, by number, to this machine alone."""

import http.client
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from urllib.parse import quote_from_bytes

import numpy as np
import pytest
from ml_skeleton.artifacts.maps import SongMap, write_map
from ml_skeleton.artifacts.provenance import Parent, Provenance
from ml_skeleton.errors import InputError, UserError
from ml_skeleton_recommend.serve import Span, make_server, songs_of_page, span_of

SOUND = bytes(range(256)) * 4


@pytest.fixture
def page(make_store, rated_library, tmp_path) -> Path:
    """Return a folder with a page, whose song 1 has a file, of a name that is no UTF-8, and song 2 none."""
    file = os.fsencode(tmp_path) + b"/one \xff.mp3"
    Path(os.fsdecode(file)).write_bytes(SOUND)
    there = {"path": file.decode("utf-8", "replace"), "url": f"file://{quote_from_bytes(file)}"}
    gone = {"path": "/gone.mp3", "url": "file:///gone.mp3"}
    songs = [replace(song, **(there if song.song_id == 1 else gone)) for song in rated_library]
    store, folder = make_store(songs), tmp_path / "out"
    folder.mkdir()
    (folder / "index.html").write_text("<!doctype html>é", encoding="utf-8")
    ids = np.array([song.audio_id.encode() for song in songs[:2]])
    rows, shares, places = np.zeros((2, 1), np.int32), np.zeros((2, 1), np.float32), np.zeros((2, 3), np.float32)
    drawn = SongMap(ids, places[:, :2], rows, shares, np.array(["a", "b"]), places, np.zeros((0, 2), np.int32))
    write_map(
        folder / "map.npz", drawn, Provenance("map", 1, "recommend", parents=(Parent("embeddings", str(store), ""),))
    )
    return folder


@pytest.fixture
def get(page) -> Iterator[Callable[..., http.client.HTTPResponse]]:
    """Return a function that asks a running server; the body is read into `body`."""
    server = make_server(page, songs_of_page(page), 0)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()

    def ask(path: str, method: str = "GET", **headers: str) -> tuple[int, bytes, dict[str, str]]:
        connection = http.client.HTTPConnection("127.0.0.1", server.server_port, timeout=30)
        connection.request(method, path, headers={name.replace("_", "-"): value for name, value in headers.items()})
        answer = connection.getresponse()
        body = answer.read()
        connection.close()
        return answer.status, body, dict(answer.getheaders())

    yield ask
    server.shutdown()
    thread.join()
    server.server_close()


def test_the_page_and_its_songs_are_sent_with_their_kind(get):
    status, body, headers = get("/")
    assert (status, body.decode(), headers["Content-Type"]) == (200, "<!doctype html>é", "text/html; charset=utf-8")

    status, body, headers = get("/audio/1")
    assert (status, body, headers["Content-Type"], headers["Accept-Ranges"]) == (200, SOUND, "audio/mpeg", "bytes")


def test_a_part_of_a_song_is_sent_as_a_part(get):
    status, body, headers = get("/audio/1", Range="bytes=1000-")

    assert (status, body, headers["Content-Range"]) == (206, SOUND[1000:], "bytes 1000-1023/1024")


def test_a_part_behind_the_end_is_refused_with_the_size(get):
    status, body, headers = get("/audio/1", Range="bytes=1024-")

    assert (status, body, headers["Content-Range"]) == (416, b"", "bytes */1024")


def test_head_says_what_get_would_and_sends_nothing(get):
    status, body, headers = get("/audio/1", "HEAD", Range="bytes=0-9")

    assert (status, body, headers["Content-Length"]) == (206, b"", "10")


@pytest.mark.parametrize(
    ("asked", "size", "expected"),
    [
        (None, 10, Span(0, 10, False)),
        ("bytes=0-", 10, Span(0, 10)),
        ("bytes=2-4", 10, Span(2, 3)),
        ("bytes=2-99", 10, Span(2, 8)),
        ("bytes=-3", 10, Span(7, 3)),
        ("bytes=-99", 10, Span(0, 10)),
        ("bytes=-0", 10, Span(10, -1)),
        ("bytes=10-", 10, Span(10, -1)),
        ("bytes=0-", 0, Span(0, -1)),
        ("bytes=4-2", 10, Span(0, 10, False)),
        ("bytes=0-1,3-4", 10, Span(0, 10, False)),
        ("bytes=-", 10, Span(0, 10, False)),
        ("pages=1-2", 10, Span(0, 10, False)),
    ],
)
def test_ranges_are_read_as_rfc_9110_says(asked, size, expected):
    assert span_of(asked, size) == expected


@pytest.mark.parametrize(
    "path",
    ["/audio/2", "/audio/3", "/audio/999", "/audio/-1", "/audio/1/", "/audio/../one.mp3", "/map.npz", "//etc/passwd",
     "/../map.npz", "/%2e%2e/map.npz", "/audio/%31", "/audio/" + "9" * 400],
)  # fmt: skip
def test_nothing_else_is_sent(get, path):
    """Song 2 has no file, song 3 is not on the page."""
    assert get(path)[:2] == (404, b"")


def test_a_name_that_was_made_to_lead_here_gets_nothing(get):
    assert get("/", Host="evil.example")[:2] == (421, b"")


def test_other_pages_may_not_embed_what_is_sent(get):
    headers = get("/audio/1")[2]

    assert (headers["Cross-Origin-Resource-Policy"], headers["X-Content-Type-Options"]) == ("same-origin", "nosniff")


def test_nothing_can_be_written(get):
    assert get("/", "POST")[0] == 501


def test_a_folder_without_a_page_is_refused(tmp_path):
    with pytest.raises(InputError, match="no page here; make it with: recommend CLASSIFIER"):
        songs_of_page(tmp_path)


def test_a_port_that_is_taken_is_one_line(page):
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(UserError) as error:
        make_server(page, {}, taken.getsockname()[1])

    assert str(error.value).endswith("Address already in use; choose another with --port, or 0 for any free one")


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_ends_the_server_with_its_exit_code(page, number, code):
    command = [str(Path(sys.executable).parent / "recommend"), "serve", str(page), "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=os.environ) as server:
        address = server.stdout.readline()
        server.send_signal(number)
        _, complaints = server.communicate(timeout=60)

    assert (server.returncode, address[:17]) == (code, "http://127.0.0.1:"), complaints
    assert complaints.count("\n") == 1
