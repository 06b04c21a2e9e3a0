"""lease.json: whose process works on a trial; and finding and ending what a killed run left running.

A process is told apart from a later one of the same number by the boot and the
tick it was started in, and only from the same machine and PID namespace. From
elsewhere a lease is alive as long as it changes: its worker touches it. Where
the system does not tell (no /proc), that alone counts, and nothing is ended.
"""

import json
import os
import signal
import socket
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

from ml_skeleton.errors import UserError
from ml_skeleton.tuning.groups import PROCESSES, process_facts, process_ids, signal_group
from ml_skeleton.tuning.trial_folder import TrialFolder

TOUCH_EVERY_S = 10.0
DEAD_AFTER_S = 60.0  # without a touch; a worker that slept longer asks whether its trials are still its own

_LOOK_EVERY_S = 0.05
_KILL_TAKES_S = 10.0  # a process that waits for a disk or a driver is slow to die


def process_lease(pid: int) -> dict[str, Any]:
    """Return what tells others, here and elsewhere, whether a process of this machine still runs."""
    return {"place": _place(), "pid": pid, "mark": _mark(pid)}


def is_alive(lease: Mapping[str, Any]) -> bool | None:
    """Tell whether the process of a lease runs; None if that cannot be seen from here."""
    if lease["place"] != _place() or not PROCESSES.is_dir():
        return None
    return lease["mark"] is not None and bool(_mark(lease["pid"]) == lease["mark"])


def write_lease(path: Path, pid: int) -> None:
    """Write that process `pid` of this machine works on the trial."""
    path.write_text(json.dumps(process_lease(pid) | {"tune_pid": os.getpid()}), encoding="ascii")


def write_loan(path: Path, until: float) -> None:
    """Write that a script has the trial until that time, in seconds since 1970."""
    path.write_text(json.dumps({"until": until}), encoding="ascii")


def touch_lease(path: Path) -> None:
    """Say to other machines that the trial is being worked on."""
    with suppress(OSError):  # at the worst the trial is taken over, which the next touch finds out
        os.utime(path)


def lease_lives(path: Path) -> bool:
    """Tell whether the process of a lease runs: for certain from the same machine, by its last touch from another."""
    lease = _read(path)
    if lease is None:
        return False
    if "until" in lease:
        return time.time() < float(lease["until"])
    alive = is_alive(lease)
    return time.time() - path.stat().st_mtime < DEAD_AFTER_S if alive is None else alive


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
    lease = _read(folder.lease)
    groups = {lease["pid"]} if lease and "pid" in lease and is_alive(lease) else set()
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


def _read(lease: Path) -> dict[str, Any] | None:
    try:
        held = json.loads(lease.read_bytes())
        if "until" in held:
            return {"until": float(held["until"])}
        return {"place": held["place"], "pid": int(held["pid"]), "mark": held["mark"]}
    except (FileNotFoundError, ValueError, TypeError, KeyError):
        return None


@cache
def _place() -> str:
    """Return what processes have in common that can see each other: host, boot and PID namespace."""
    if not PROCESSES.is_dir():
        return socket.gethostname()
    boot = (PROCESSES / "sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    return f"{socket.gethostname()}/{boot}/{os.readlink(PROCESSES / 'self/ns/pid')}"


def _mark(pid: int) -> str | None:
    """Return the tick a process was started in, which a later one of its number does not share; None if it is gone."""
    facts = process_facts(pid)
    return None if facts is None else facts[19].decode("ascii")
