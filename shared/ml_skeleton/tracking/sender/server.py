"""Starting a tracking server on this machine."""

from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from ml_skeleton.errors import UserError

if TYPE_CHECKING:
    from ml_skeleton.tracking.server import MLflowServer

LOCAL_HOSTS = ("localhost", "127.0.0.1", "::1")


def local_server(uri: str, backend: str, artifacts: str) -> dict[str, Any] | None:
    """Return the settings of the server that would answer at `uri`; None unless that is on this machine."""
    parts = urlsplit(uri)
    if parts.scheme != "http" or parts.hostname not in LOCAL_HOSTS:
        return None
    return {"host": "127.0.0.1", "port": parts.port or 80, "backend": backend, "artifacts": artifacts}


def starter(settings: dict[str, Any]) -> Callable[[], str]:
    """Return a function that sees to it that a server runs, without waiting; it returns why there is none, or ""."""

    @cache
    def server() -> "MLflowServer":
        from ml_skeleton.tracking.server import MLflowServer  # here, as most senders find one that runs

        return MLflowServer(**settings)

    def start() -> str:
        try:
            server().ensure_running()
        except UserError as error:
            return str(error)
        return ""

    return start
