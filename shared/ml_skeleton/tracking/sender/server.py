"""Starting a tracking server on this machine."""

from collections.abc import Callable
from functools import cache
from importlib import import_module
from typing import Any
from urllib.parse import urlsplit

from ml_skeleton.errors import UserError

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
    def server() -> Any:
        tracking: Any = import_module("ml_skeleton.tracking")  # here, as most senders find a server that runs
        return tracking.MLflowServer(**settings)

    def start() -> str:
        try:
            server().ensure_running()
        except UserError as error:
            return str(error)
        return ""

    return start
