"""A tracking server of MLflow on this machine: started by who needs it first, stopped after who used it last."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from fcntl import LOCK_SH, LOCK_UN, flock
from importlib.util import find_spec
from json import dumps
from types import TracebackType

from ml_skeleton.console import warn
from ml_skeleton.errors import UserError
from ml_skeleton.tracking.hosts import host_options, reachable
from ml_skeleton.tracking.probe import Answer, knock
from ml_skeleton.tracking.server_files import files_of, is_locked, open_lock, try_lock
from ml_skeleton.tracking.tables import absolute

READY_TIMEOUT_S = 180.0  # a start takes 20 s of a core, more of a busy one
STOP_TIMEOUT_S = 15.0
LOOK_EVERY_S = 0.2
_ENVIRONMENT = {
    "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",  # with it: 10 processes and 1.1 GB instead of 2 and 0.5
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "PYTHONWARNINGS": "ignore",
}


def server_command(host: str, port: int, backend: str, artifacts: str, allowed_hosts: Sequence[str] = ()) -> list[str]:
    """Return the command line of a server; one worker answers 2.5 times faster than four on two cores."""
    place = ["--host", host or "0.0.0.0", "--port", str(port), *host_options(host, port, allowed_hosts)]
    stores = ["--backend-store-uri", backend, "--artifacts-destination", artifacts]
    quiet = ["--uvicorn-opts", "--log-level warning"]
    return [sys.executable, "-m", "mlflow", "server", *place, *stores, "--workers", "1", *quiet]


class MLflowServer:
    """The server of one port, shared by all processes of a user that want it.

    It stays as long as one of them lives, or until `end_keeping` with `keep`. A
    process that has called `ensure_running` counts until `stop` or its own end,
    and so do its forked children.
    """

    def __init__(
        self,
        host: str = "127.0.0.1",
        port: int = 5000,
        backend: str = "sqlite:///mlflow.db",
        artifacts: str = "./mlruns",
        keep: bool = False,
        allowed_hosts: Sequence[str] = (),
    ) -> None:
        """Only take note; `allowed_hosts` are further names by which other machines may call it."""
        self.uri = f"http://{reachable(host)}:{port}"
        self._backend = absolute(backend)
        self._command = server_command(host, port, self._backend, artifacts, allowed_hosts)
        self._port, self._keep = port, keep
        self._files = files_of(port)
        self._use: tuple[int, int] | None = None  # the process that counts as a user, and its lock

    def ensure_running(self) -> bool:
        """Start a server unless one answers or is being started, and return whether one answers now.

        Does not wait for it. Raises UserError if the port is taken by something that is no MLflow.
        """
        self._count_in()
        lock = open_lock(self._files.keeper)
        try:
            mine = try_lock(lock)
            answer = knock(self.uri)
            self._refuse(answer)
            if not mine:
                self._join()
            elif answer.who == "nobody":
                self._start(lock)
            elif answer.who == "silent":
                warn(f"port {self._port}: what listens there {answer.said}; taken for a busy MLflow server")
        finally:
            os.close(lock)
        return answer.who == "mlflow"

    def wait_until_ready(self, timeout_s: float = READY_TIMEOUT_S) -> None:
        """Return when the server answers; raise UserError when it has ended instead, or does not in time."""
        end = time.monotonic() + timeout_s
        while not self.is_running():
            if not self.is_kept():
                raise UserError(f"MLflow did not start: {self._files.last_words()}; all it said: {self._files.log}")
            if time.monotonic() > end:
                raise UserError(f"MLflow at {self.uri}: no answer within {timeout_s:g} s; its log: {self._files.log}")
            time.sleep(LOOK_EVERY_S)

    def is_running(self) -> bool:
        """Tell whether an MLflow server answers, whoever started it."""
        return knock(self.uri).who == "mlflow"

    def is_kept(self) -> bool:
        """Tell whether a server that one of this user's processes has started runs or is on its way."""
        return is_locked(self._files.keeper)

    def stop(self) -> None:
        """Count this process out; if it was the last one, wait until the server is gone, unless that is to stay."""
        if self._use is None or self._use[0] != os.getpid():
            return
        lock, self._use = self._use[1], None
        last = try_lock(lock)
        flock(lock, LOCK_UN)
        os.close(lock)
        if last and not self._files.stay.exists():
            self._wait(lambda: not self.is_kept())

    def end_keeping(self) -> None:
        """Take back `keep`: the server stops when nobody uses it, which is waited for if nobody does."""
        self._files.stay.unlink(missing_ok=True)
        if not is_locked(self._files.users):
            self._wait(lambda: not self.is_kept())

    def __enter__(self) -> "MLflowServer":
        self.ensure_running()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _count_in(self) -> None:
        """Hold the users' lock, shared; waits, for seconds at most, while a keeper that holds it stops its server."""
        if self._use is None or self._use[0] != os.getpid():
            lock = open_lock(self._files.users)
            flock(lock, LOCK_SH)
            self._use = (os.getpid(), lock)

    def _refuse(self, answer: Answer) -> None:
        if answer.who == "stranger":
            raise UserError(
                f"port {self._port}: taken by something that is no MLflow server: it {answer.said}; "
                "stop it, or choose another port"
            )
        if answer.who == "refuses":
            raise UserError(f"MLflow at {self.uri}: {answer.said}")

    def _join(self) -> None:
        """Use the server of another process, and say so where its runs go elsewhere."""
        if self._keep:
            self._files.stay.touch()
        backend = self._files.started_with().get("backend", self._backend)
        if backend != self._backend:
            warn(f"MLflow at {self.uri} keeps its runs in {backend}, not in {self._backend}; another port parts them")

    def _start(self, lock: int) -> None:
        """Start a keeper, which takes over `lock`, and return once it stands on its own feet."""
        if find_spec("mlflow") is None:
            raise UserError("MLflow is not installed; uv pip install 'ml-skeleton[tracking]'")
        if self._keep:
            self._files.stay.touch()
        else:
            self._files.stay.unlink(missing_ok=True)
        self._files.keeper.write_text(dumps({"backend": self._backend}), encoding="utf-8")
        keeper = [sys.executable, "-m", "ml_skeleton.tracking.keeper", str(self._port), self.uri]
        with open(self._files.log, "wb") as log:
            subprocess.run(
                [*keeper, self._backend, str(lock), *self._command],
                env=os.environ | _ENVIRONMENT,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                pass_fds=(lock,),
                start_new_session=True,  # Ctrl-C is for this process
                check=True,
            )

    def _wait(self, condition: Callable[[], bool]) -> None:
        end = time.monotonic() + STOP_TIMEOUT_S
        while not condition():
            if time.monotonic() > end:
                raise UserError(
                    f"MLflow at {self.uri}: did not stop within {STOP_TIMEOUT_S:g} s; see {self._files.log}"
                )
            time.sleep(LOOK_EVERY_S)
