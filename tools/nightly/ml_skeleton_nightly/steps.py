"""One step of the night: a command of this environment, run as a shell would, its talk passed on line by line."""

import signal
import subprocess
import sys
import sysconfig
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from ml_skeleton.console import Terminated
from ml_skeleton.errors import UserError


@dataclass(frozen=True)
class Ended:
    """How a command ended."""

    exit_code: int
    last_line: str  # of its standard error; the reason, where it failed


Run = Callable[[Sequence[str]], Ended]


class StepFailed(UserError):
    """A command of the night ended with something else than 0; carries its exit code."""

    def __init__(self, step: str, ended: Ended) -> None:
        super().__init__(f"{step} ended with {ended.exit_code}: {ended.last_line or 'it said nothing'}")
        self.exit_code = ended.exit_code if ended.exit_code > 0 else 128 - ended.exit_code  # as a shell counts signals


def run_command(words: Sequence[str]) -> Ended:
    """Run the command, wait for its end, and return how it ended.

    It has a process group of its own: a signal that ends the night is passed on
    to it once, and it is waited for, so that it can finish what is in flight. A
    second signal ends it at once.
    """
    program = Path(sysconfig.get_path("scripts")) / words[0]
    process = subprocess.Popen(
        [program, *words[1:]],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        errors="replace",
        process_group=0,
    )
    try:
        return _listen(process)
    except (KeyboardInterrupt, Terminated) as stop:
        process.send_signal(signal.SIGTERM if isinstance(stop, Terminated) else signal.SIGINT)
        _listen(process)
        raise
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()


def _listen(process: "subprocess.Popen[str]") -> Ended:
    last = ""
    assert process.stderr is not None
    for line in process.stderr:
        sys.stderr.write(line)
        sys.stderr.flush()
        last = line.strip() or last
    return Ended(process.wait(), last)
