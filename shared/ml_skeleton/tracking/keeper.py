"""The process that minds a tracking server: it starts it, and stops it when the last process that uses it has ended.

It outlives whoever started it, so that Ctrl-C, SIGTERM or SIGKILL there leaves no
server behind. `FD` is the descriptor of the keeper's lock, held since before this
process began; the kernel lets go of it at its end. Standard output and error are
the server's log.

    python -m ml_skeleton.tracking.keeper PORT URI BACKEND FD COMMAND…
"""

import os
import signal
import subprocess
import sys
import time
from contextlib import ExitStack, suppress

from ml_skeleton.tracking.probe import knock
from ml_skeleton.tracking.server_files import ServerFiles, files_of, open_lock, try_lock
from ml_skeleton.tracking.tables import is_fresh, making_tables

LOOK_EVERY_S = 0.5
GRACE_S = 5.0
NICENESS = 5  # the work that is tracked comes first


def main() -> None:
    """Leave the process that waits for this one, and mind the server."""
    port, uri, backend, _, *command = sys.argv[1:]
    if os.fork():
        os._exit(0)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())
    os.nice(NICENESS)
    mind(files_of(int(port)), uri, backend, command)


def mind(files: ServerFiles, uri: str, backend: str, command: list[str]) -> None:
    """Run the server until nobody uses it any more or it ends by itself.

    When that is so, the lock of the users is held until this process ends, so that
    whoever wants a server next finds the port free.
    """
    users = open_lock(files.users)
    with ExitStack() as tables:
        if is_fresh(backend):
            tables.enter_context(making_tables(backend))
        server = subprocess.Popen(command, process_group=0)
        answered = False
        try:
            while server.poll() is None and (files.stay.exists() or not try_lock(users)):
                if not answered and knock(uri).who == "mlflow":
                    answered = True
                    tables.close()
                time.sleep(LOOK_EVERY_S)
        finally:
            end(server)


def end(server: subprocess.Popen[bytes]) -> None:
    """End the server and all that it has started: asked first, then killed."""
    _signal_group(server.pid, signal.SIGTERM)
    with suppress(subprocess.TimeoutExpired):
        server.wait(GRACE_S)
    _signal_group(server.pid, signal.SIGKILL)
    server.wait()


def _signal_group(group: int, number: int) -> None:
    with suppress(ProcessLookupError):
        os.killpg(group, number)


if __name__ == "__main__":
    main()
