"""The warm parent: imports modules once, then forks a child for each command that is asked for.

It speaks with tune over the socket on standard input: a JSON line with the
files of the child's output comes in for each start, and a JSON line goes out
with the number of the child, and one with how it ended. The end of the socket
is its own end; children go on, as those of tune itself do.

    python -m ml_skeleton.tuning.warm MODULE…
"""

import atexit
import builtins
import gc
import importlib
import json
import os
import random
import runpy
import selectors
import signal
import socket
import sys
import threading
import traceback
import weakref
from contextlib import suppress
from dataclasses import dataclass
from types import FrameType, ModuleType
from typing import Any


@dataclass(frozen=True)
class Start:
    """What a child is to run."""

    program: list[str]  # a file, or -m and a module, or -c and code; and the arguments
    environment: dict[str, str]
    cwd: str


def main() -> None:
    """Import the modules and serve until tune is gone; in a child, run its command."""
    wire = socket.socket(fileno=os.dup(0))
    try:
        for name in sys.argv[1:]:
            importlib.import_module(name)
        _refuse_gpu()
    except Exception as error:
        _say(wire, {"error": f"{type(error).__name__}: {error}"})
        sys.exit(1)
    _reseed()  # the first time imports what the children then need not
    gc.freeze()  # what is there stays: pages that the collector does not touch stay shared
    for finalizer in list(vars(weakref.finalize)["_registry"]):
        finalizer.atexit = False  # of what is this process's own; torch's alone take 30 ms at the end of each child
    _say(wire, {"ready": True})
    start = serve(wire)
    if start is not None:
        leave(run(start))


def serve(wire: socket.socket) -> Start | None:
    """Fork a child for each request and return in it with what to run; None in the parent, when tune is gone."""
    woken, waking = socket.socketpair()
    waking.setblocking(False)
    signal.set_wakeup_fd(waking.fileno(), warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, _wake)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for tune
    selector = selectors.DefaultSelector()
    selector.register(wire, selectors.EVENT_READ)
    selector.register(woken, selectors.EVENT_READ)
    while True:
        ready = {key.fileobj for key, _ in selector.select()}
        if woken in ready:
            woken.recv(4096)
            _report_ends(wire)
        if wire in ready:
            text, files, _, _ = socket.recv_fds(wire, 65536, 2)
            if not text:
                return None
            while not text.endswith(b"\n"):
                text += wire.recv(65536)
            child = os.fork()
            if child == 0:
                return _become(Start(**json.loads(text)), files, [wire, woken, waking])
            with suppress(OSError):  # the child does it too, and may have ended
                os.setpgid(child, child)
            for file in files:
                os.close(file)
            _say(wire, {"started": child})


def run(start: Start) -> int:
    """Run the program as the interpreter would, and return its exit code."""
    kind, *rest = start.program
    try:
        if kind == "-m":
            sys.argv, sys.path[0] = rest, start.cwd
            runpy.run_module(rest[0], run_name="__main__", alter_sys=True)
        elif kind == "-c":
            sys.argv, sys.path[0] = ["-c", *rest[1:]], ""
            _run_source(rest[0], "<string>")
        else:
            sys.argv, sys.path[0] = start.program, os.path.dirname(os.path.abspath(kind))
            with open(kind, "rb") as file:
                _run_source(file.read(), kind)
    except SystemExit as left:
        return _exit_code(left)
    except KeyboardInterrupt:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        os.kill(os.getpid(), signal.SIGINT)
    except BaseException:
        traceback.print_exc()
        return 1
    return 0


def _run_source(source: str | bytes, name: str) -> None:
    module = ModuleType("__main__")
    module.__dict__.update({"__file__": name, "__builtins__": builtins})
    sys.modules["__main__"] = module
    exec(compile(source, name, "exec"), module.__dict__)


def leave(code: int) -> None:
    """End the process with all that the interpreter does at its end but the tearing down of modules."""
    for thread in threading.enumerate():
        if thread is not threading.current_thread() and not thread.daemon:
            thread.join()
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    os._exit(code)


def _become(start: Start, files: list[int], not_mine: list[socket.socket]) -> Start:
    """Make a forked child what a fresh process would be."""
    os.setpgid(0, 0)
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    for one in not_mine:
        one.close()
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    for target, file in zip((1, 2), files, strict=True):
        os.dup2(file, target)
        os.close(file)
    os.environ.clear()
    os.environ.update(start.environment)
    os.chdir(start.cwd)
    _reseed()
    return start


def _reseed() -> None:
    """Make the generators that a fresh process seeds by chance differ from child to child."""
    random.seed()
    numpy: Any = sys.modules.get("numpy")
    if numpy is not None:
        numpy.random.seed()


def _report_ends(wire: socket.socket) -> None:
    while True:
        try:
            child, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return
        if child == 0:
            return
        _say(wire, {"ended": child, "code": os.waitstatus_to_exitcode(status)})
        os.kill(os.getppid(), signal.SIGCHLD)  # wakes tune, as the end of a child of its own does


def _refuse_gpu() -> None:
    torch: Any = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_initialized():
        raise RuntimeError("one of the modules uses the GPU on import, and CUDA does not survive a fork")


def _exit_code(left: SystemExit) -> int:
    if left.code is None or isinstance(left.code, int):
        return (left.code or 0) & 0xFF
    print(left.code, file=sys.stderr)
    return 1


def _wake(_number: int, _frame: FrameType | None) -> None:
    """Let the signal wake the selector."""


def _say(wire: socket.socket, message: dict[str, Any]) -> None:
    wire.sendall(json.dumps(message).encode("ascii") + b"\n")


if __name__ == "__main__":
    main()
