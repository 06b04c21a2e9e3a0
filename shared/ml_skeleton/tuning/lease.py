"""lease.json: whose process works on a trial; and finding and ending what a killed run left running.

A process is told apart from a later one of the same number by the boot and the
tick it was started in. Where the system does not tell (no /proc), nothing is
taken for alive and nothing is ended.
"""

import json
import os
import signal
import socket
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from ml_skeleton.errors import UserError
from ml_skeleton.tuning.groups import PROCESSES, process_facts, process_ids, signal_group
from ml_skeleton.tuning.trial_folder import TrialFolder

_LOOK_EVERY_S = 0.05
_KILL_TAKES_S = 10.0  # a process that waits for a disk or a driver is slow to die


def write_lease(path: Path, pid: int) -> None:
    """Write that process `pid` of this machine works on the trial."""
    held = {"host": socket.gethostname(), "pid": pid, "mark": _mark(pid), "tune_pid": os.getpid()}
    path.write_text(json.dumps(held), encoding="ascii")


def lease_lives(path: Path) -> bool:
    """Tell whether the process of a lease runs on this machine at this moment."""
    return _live_holder(path) is not None


def end_left_behind(folder: TrialFolder, grace_s: float) -> bool:
    """End the commands of a trial whose tune was killed; tell whether there were any.

    Raise UserError if one of them does not even end by SIGKILL.
    """
    found = _groups(folder)
    for group in found:
        signal_group(group, signal.SIGTERM)
    end = time.monotonic() + grace_s
    while left := _groups(folder):
        late_s = time.monotonic() - end
        for group in left if late_s >= 0 else ():
            signal_group(group, signal.SIGKILL)
        if late_s > _KILL_TAKES_S:
            raise UserError(f"{folder.path}: process group {min(left)} of an earlier run does not end; end it by hand")
        time.sleep(_LOOK_EVERY_S)
    return bool(found)


def _groups(folder: TrialFolder) -> set[int]:
    """Return the process groups of a trial: that of its lease, and those whose output goes to its files.

    The files find what was started just before a kill, when there was no lease yet.
    """
    holder = _live_holder(folder.lease)
    groups = {holder} if holder else set()
    for pid in _writers(folder):
        with suppress(ProcessLookupError):
            groups.add(os.getpgid(pid))
    return groups - {os.getpgrp()}


def _writers(folder: TrialFolder) -> Iterator[int]:
    outputs = {("1", str(folder.stdout)), ("2", str(folder.stderr))}
    for pid in process_ids():
        with suppress(OSError):  # gone, or another user's
            if any(os.readlink(PROCESSES / str(pid) / "fd" / number) == path for number, path in outputs):
                yield pid


def _live_holder(lease: Path) -> int | None:
    try:
        held = json.loads(lease.read_bytes())
        host, pid, mark = held["host"], int(held["pid"]), held["mark"]
    except (FileNotFoundError, ValueError, TypeError, KeyError):
        return None
    return pid if mark is not None and host == socket.gethostname() and _mark(pid) == mark else None


def _mark(pid: int) -> str | None:
    """Return what tells a process from any other that ever had its number, or None if it does not run."""
    facts = process_facts(pid)
    if facts is None:
        return None
    boot = (PROCESSES / "sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    return f"{boot}/{facts[19].decode('ascii')}"
