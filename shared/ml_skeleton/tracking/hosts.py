"""Which host names a server that is bound beyond this machine answers to.

MLflow answers 403 to a name it was not told, so that no web page can reach it by
a name of its own making (DNS rebinding); its page needs its own origin allowed, too.
"""

import socket
from collections.abc import Sequence

LOOPBACK = ("127.0.0.1", "localhost", "::1")
EVERYWHERE = ("0.0.0.0", "::", "")
_OF_CONTAINERS = ("mlflow", "host.docker.internal")  # what Compose files and Docker call it
_PRIVATE = ("10.*", "192.168.*", *(f"172.{second}.*" for second in range(16, 32)))  # MLflow's own default


def host_options(host: str, port: int, more: Sequence[str] = ()) -> list[str]:
    """Return the options of `mlflow server` that let clients of other machines in; none on loopback alone."""
    if host in LOOPBACK and not more:
        return []
    names = [*_own_names(host), *more]
    hosts = [pattern for name in names for pattern in (name, f"{name}:*")]
    origins = [f"http://{name}:{port}" for name in names]
    origins += [f"https://{name}" for name in more]  # a reverse proxy with TLS, see docs/container.md
    return ["--allowed-hosts", ",".join([*hosts, *_PRIVATE]), "--cors-allowed-origins", ",".join(origins)]


def reachable(host: str) -> str:
    """Return the host a client on this machine connects to, bracketed where a URI wants it."""
    host = "127.0.0.1" if host in EVERYWHERE else host
    return f"[{host}]" if ":" in host else host


def _own_names(host: str) -> list[str]:
    own = socket.gethostname()
    names = ["localhost", "127.0.0.1", own, f"{own}.local", *_OF_CONTAINERS, *_own_address()]
    if host not in EVERYWHERE and ":" not in host:
        names.append(host)
    return list(dict.fromkeys(names))


def _own_address() -> list[str]:
    """Return the address that other machines see; no packet is sent to find it."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as route:
        try:
            route.connect(("192.0.2.1", 9))  # RFC 5737: an address that is nobody's
        except OSError:  # no network
            return []
        return [str(route.getsockname()[0])]
