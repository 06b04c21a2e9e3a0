"""A stand-in for MLflow that starts in a moment, ports nobody uses, and a folder of its own for the server's files."""

import socket
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest
from ml_skeleton.tracking import server

STAND_IN = """
import http.server, os, sys
class Api(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(int(sys.argv[2]))
        self.end_headers()
        self.wfile.write(sys.argv[3].encode())
    def log_message(self, *_): pass
print(os.getsid(0), file=open(sys.argv[4], "a"), flush=True)
http.server.HTTPServer(("127.0.0.1", int(sys.argv[1])), Api).serve_forever()
"""


@pytest.fixture
def port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


@pytest.fixture
def stand_in(tmp_path: Path) -> Callable[..., list[str]]:
    """Return the command of a server that gives one answer; it leaves its session in `starts` when it starts."""

    def command(port: int, status: int = 200, body: str = '{"experiments": []}') -> list[str]:
        return [sys.executable, "-c", STAND_IN, str(port), str(status), body, str(tmp_path / "starts")]

    return command


@pytest.fixture
def quick(tmp_path, monkeypatch, stand_in) -> Path:
    """Let MLflowServer start the stand-in, with its files in tmp_path."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(server, "server_command", lambda _host, port, *_: stand_in(port))
    monkeypatch.chdir(tmp_path)
    return tmp_path
