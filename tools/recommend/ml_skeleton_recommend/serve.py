"""Serves the page of a folder and the songs on it, to browsers of this machine alone.

Songs are asked for by their number in the player's database; no path ever comes
from an address. Other web pages get nothing: the server answers only to its own
names (a page whose name was made to lead here, DNS rebinding, has another), and
forbids others to embed what it sends.
"""

import os
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import BinaryIO

from ml_skeleton.artifacts.embeddings import open_store
from ml_skeleton.artifacts.maps import NAME as MAP
from ml_skeleton.artifacts.maps import read_map
from ml_skeleton.artifacts.playlist_forms import file_here
from ml_skeleton.errors import InputError, UserError

from ml_skeleton_recommend.page.page import NAME as PAGE

ADDRESS = "127.0.0.1"
BLOCK = 1 << 18
PATIENCE_S = 60.0  # for a browser that stopped reading; a paused song is asked for again
AUDIO = re.compile(r"/audio/([0-9]{1,18})")
RANGE = re.compile(r"bytes=([0-9]*)-([0-9]*)")
KINDS = {  # what Python's list lacks, or has otherwise on some machines
    ".mp3": "audio/mpeg",
    ".flac": "audio/flac",
    ".ogg": "audio/ogg",
    ".oga": "audio/ogg",
    ".opus": "audio/ogg",
    ".spx": "audio/ogg",
    ".m4a": "audio/mp4",
    ".mp4": "audio/mp4",
    ".aac": "audio/aac",
    ".wav": "audio/wav",
    ".aif": "audio/aiff",
    ".aiff": "audio/aiff",
    ".wma": "audio/x-ms-wma",
    ".asf": "audio/x-ms-wma",
    ".ape": "audio/x-ape",
    ".wv": "audio/x-wavpack",
    ".mpc": "audio/x-musepack",
    ".tta": "audio/x-tta",
    ".webm": "audio/webm",
}


@dataclass(frozen=True)
class Span:
    """The bytes of a file that were asked for; of a negative length where the file has none of them."""

    start: int
    length: int
    is_part: bool = True


def songs_of_page(folder: Path) -> dict[int, Path]:
    """Return the files of the songs on the page in `folder`, by song_id; raise InputError if there is no page."""
    if not (folder / PAGE).is_file():
        raise InputError(f"{folder}: no page here; make it with: recommend CLASSIFIER --out {folder} --html")
    provenance, drawn = read_map(folder / MAP)
    parent = provenance.parent("embeddings")
    if parent is None:
        raise InputError(f"{folder / MAP}: names no embedding database; make the page again")
    shown = {audio_id.decode() for audio_id in drawn.audio_ids.tolist()}
    with open_store(Path(parent.path)) as store:
        return {song.song_id: Path(os.fsdecode(file_here(song))) for song in store.songs() if song.audio_id in shown}


def make_server(folder: Path, songs: Mapping[int, Path], port: int) -> ThreadingHTTPServer:
    """Return a server that listens but does not serve yet; raise UserError if the port cannot be had."""

    class Answers(Answer):
        page = folder / PAGE
        files = songs

    try:
        server = ThreadingHTTPServer((ADDRESS, port), Answers)
    except OSError as error:
        raise UserError(f"port {port}: {error.strerror}; choose another with --port, or 0 for any free one") from None
    Answers.names = {f"{name}:{server.server_port}" for name in (ADDRESS, "localhost")}
    server.daemon_threads = True  # a song that still plays does not hold up the end
    return server


def address_of(server: ThreadingHTTPServer) -> str:
    """Return what to type into the browser."""
    return f"http://{ADDRESS}:{server.server_port}/"


class Answer(BaseHTTPRequestHandler):
    """Answers GET and HEAD for the page and the songs."""

    protocol_version = "HTTP/1.1"
    timeout = PATIENCE_S
    page: Path
    files: Mapping[int, Path]
    names: Collection[str]  # that this server has, with its port

    def do_GET(self) -> None:
        """Send the page or a song."""
        self._answer(with_body=True)

    def do_HEAD(self) -> None:
        """Send what GET would say of it."""
        self._answer(with_body=False)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing: each seek in a song is a request."""

    def version_string(self) -> str:
        return "recommend"

    def _answer(self, with_body: bool) -> None:
        if self.headers.get("Host") not in self.names:
            self._refuse(HTTPStatus.MISDIRECTED_REQUEST)
            return
        asked = self.path.partition("?")[0]
        song = AUDIO.fullmatch(asked)
        path = self.page if asked in ("/", f"/{PAGE}") else self.files.get(int(song[1])) if song else None
        try:
            file = open(path, "rb") if path is not None and path.is_file() else None  # noqa: SIM115 - closed below
        except OSError:  # no leave to read it: as good as not there
            file = None
        if path is None or file is None:
            self._refuse(HTTPStatus.NOT_FOUND)
            return
        with file:
            self._send_file(file, _kind(path), with_body)

    def _send_file(self, file: BinaryIO, kind: str, with_body: bool) -> None:
        size = file.seek(0, 2)
        span = span_of(self.headers.get("Range"), size)
        if span.length < 0:
            self._refuse(HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE, {"Content-Range": f"bytes */{size}"})
            return
        headers = {"Content-Type": kind, "Content-Length": str(span.length), "Accept-Ranges": "bytes"}
        if span.is_part:
            headers["Content-Range"] = f"bytes {span.start}-{span.start + span.length - 1}/{size}"
        self.send_response(HTTPStatus.PARTIAL_CONTENT if span.is_part else HTTPStatus.OK)
        self._send_headers(headers)
        if with_body:
            file.seek(span.start)
            self._copy(file, span.length)

    def _send_headers(self, headers: Mapping[str, str]) -> None:
        safe = {"X-Content-Type-Options": "nosniff", "Cross-Origin-Resource-Policy": "same-origin",
                "Referrer-Policy": "no-referrer", "Cache-Control": "no-cache"}  # fmt: skip
        for name, value in {**headers, **safe}.items():
            self.send_header(name, value)
        self.end_headers()

    def _refuse(self, status: HTTPStatus, headers: Mapping[str, str] | None = None) -> None:
        self.send_response(status)
        self._send_headers({"Content-Length": "0", **(headers or {})})

    def _copy(self, file: BinaryIO, length: int) -> None:
        try:
            while length and (block := file.read(min(BLOCK, length))):
                self.wfile.write(block)
                length -= len(block)
        except (ConnectionError, TimeoutError):  # the listener went on to another song
            pass
        if length:  # less was sent than was promised
            self.close_connection = True


def span_of(asked: str | None, size: int) -> Span:
    """Return what a Range header asks of a file of `size` bytes; what is no single range is answered with all of it."""
    found = RANGE.fullmatch(asked.strip()) if asked else None
    if found is None or not (found[1] or found[2]):
        return Span(0, size, is_part=False)
    first, last = (int(digits) if digits else None for digits in found.groups())
    if first is None:
        length = min(last or 0, size)
        return Span(size - length, length or -1)
    if last is not None and last < first:
        return Span(0, size, is_part=False)
    end = size if last is None else min(last + 1, size)
    return Span(first, end - first if first < size else -1)


def _kind(path: Path) -> str:
    return (
        "text/html; charset=utf-8" if path.name == PAGE else KINDS.get(path.suffix.lower(), "application/octet-stream")
    )
