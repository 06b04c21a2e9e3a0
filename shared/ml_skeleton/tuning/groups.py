"""Process groups: a command and all it has started, as far as they did not leave the group."""

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

PROCESSES = Path("/proc")  # absent on macOS


def signal_group(group: int, number: int) -> None:
    """Send a signal to a process group, if it is there."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(group, number)


def group_lives(group: int) -> bool:
    """Tell whether a process group has a member that runs.

    The kernel counts zombies too, and in a container whose first process reaps
    nobody, those of dead grandchildren stay for ever.
    """
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return any(_runs_in(pid, group) for pid in process_ids()) if PROCESSES.is_dir() else True


def process_ids() -> Iterator[int]:
    """Yield the numbers of all processes; none where the system does not tell."""
    entries = PROCESSES.iterdir() if PROCESSES.is_dir() else ()
    yield from (int(entry.name) for entry in entries if entry.name.isdigit())


def process_facts(pid: int) -> list[bytes] | None:
    """Return the fields of /proc/PID/stat from the state on, or None if the process does not run."""
    try:
        fields = (PROCESSES / str(pid) / "stat").read_bytes().rpartition(b")")[2].split()
    except OSError:
        return None
    return None if fields[0] in (b"Z", b"X") else fields


def _runs_in(pid: int, group: int) -> bool:
    facts = process_facts(pid)
    return facts is not None and int(facts[2]) == group
