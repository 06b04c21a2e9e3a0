"""tune's side of the warm parent: starting it, asking for children, hearing how they ended."""

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO

from ml_skeleton.console import warn
from ml_skeleton.errors import UserError
from ml_skeleton.tuning.groups import process_facts
from ml_skeleton.tuning.process import Started, start_program

LOST = -signal.SIGTERM  # for a child whose parent died, as nobody else is told how it ended: it runs again
_LOOK_EVERY_S = 0.01


class WarmChild:
    """A command that the warm parent has forked."""

    def __init__(self, parent: "WarmParent", process: "subprocess.Popen[bytes]", pid: int) -> None:
        self.pid = pid
        self._parent, self._process = parent, process

    def poll(self) -> int | None:
        """Return how it ended, None while it runs; `LOST` if that cannot be known."""
        self._parent.listen()
        if self.pid in self._parent.ended:
            return self._parent.ended[self.pid]
        lost = self._process.poll() is not None and process_facts(self.pid) is None
        return LOST if lost else None

    def wait(self) -> int:
        """Wait for its end."""
        while (code := self.poll()) is None:
            time.sleep(_LOOK_EVERY_S)
        return code


class WarmParent:
    """A process that forks commands; started anew when it has died."""

    def __init__(self, modules: Sequence[str]) -> None:
        """Start the process; raise UserError if a module cannot be imported."""
        self.modules = list(modules)
        self.ended: dict[int, int] = {}
        self._start()

    def start(
        self, argv: Sequence[str], stdout: BinaryIO, stderr: BinaryIO, environment: Mapping[str, str], cwd: Path
    ) -> Started:
        """Start a command: warm if it is a Python program of this environment, as ever if not."""
        program = python_program(argv, cwd)
        if program is None:
            return start_program(argv, stdout, stderr, environment, cwd)
        if self._process.poll() is not None:
            self.listen()
            self._wire.close()
            warn("the warm parent died; started a new one")
            self._start()
        text = json.dumps({"program": program, "environment": dict(environment), "cwd": str(cwd)}).encode("ascii")
        try:
            socket.send_fds(self._wire, [text[:1]], [stdout.fileno(), stderr.fileno()])
            self._wire.sendall(text[1:] + b"\n")
            return WarmChild(self, self._process, int(self._hear("started")))
        except (OSError, EOFError) as error:
            raise UserError(f"--warm {','.join(self.modules)}: the warm parent died: {error}") from None

    def listen(self) -> None:
        """Take in what the parent has said."""
        self._wire.setblocking(False)
        with suppress(OSError):
            while heard := self._wire.recv(65536):
                self._take(heard)
        self._wire.setblocking(True)

    def close(self) -> None:
        """End the parent; its children go on."""
        self._wire.close()
        self._process.wait()

    def _start(self) -> None:
        ours, theirs = socket.socketpair()
        with theirs:
            command = [sys.executable, "-m", "ml_skeleton.tuning.warm", *self.modules]
            self._process = subprocess.Popen(command, stdin=theirs.fileno(), stdout=subprocess.DEVNULL, process_group=0)
        self._wire = ours
        self._heard: dict[str, Any] = {}
        self._rest = b""
        try:
            self._hear("ready")
        except EOFError as error:
            raise UserError(f"--warm {','.join(self.modules)}: {error}") from None

    def _hear(self, word: str) -> Any:
        while word not in self._heard:
            heard = self._wire.recv(65536)
            if not heard:
                raise EOFError(self._heard.get("error", "it ended without a word"))
            self._take(heard)
        return self._heard.pop(word)

    def _take(self, heard: bytes) -> None:
        *lines, self._rest = (self._rest + heard).split(b"\n")
        for line in lines:
            message = json.loads(line)
            if "ended" in message:
                self.ended[message["ended"]] = message["code"]
            else:
                self._heard |= message


def python_program(argv: Sequence[str], cwd: Path) -> list[str] | None:
    """Return what this interpreter would run for a command, None if the command is no Python program of its own."""
    found = shutil.which(str(cwd / argv[0]) if os.sep in argv[0] else argv[0])
    if found is None:
        return None
    if _is_this_python(found):
        option = len(argv) > 2 and argv[1] in ("-m", "-c")
        return list(argv[1:]) if option or (len(argv) > 1 and (cwd / argv[1]).is_file()) else None
    with open(found, "rb") as file:
        head = file.read(512).decode("utf-8", "replace")
    shebang = re.match(r"#!\s*(\S+)[^\S\n]*\n(?:'''exec' \"?([^\"\n]+?)\"? \"\$0\")?", head)
    interpreter = (shebang[2] or shebang[1]) if shebang else ""
    return [found, *argv[1:]] if interpreter and _is_this_python(interpreter) else None


def _is_this_python(path: str) -> bool:
    """Tell whether a path is the interpreter of this environment; its links lead out of the environment."""
    folder = Path(sys.executable).parent
    return Path(path).name.startswith("python") and Path(path).parent.resolve() == folder.resolve()
