"""Brings the lines of runs to a tracking server while they are written, and afterwards.

What earlier processes could not send is sent too, as soon as the server answers.
Standard input is the wire from the training process: its end, or a byte on it, means
that the family of runs is over; this process leaves when all of it is sent, or when
nobody has answered for a while. A server that shall be started is used from here, so
that it outlives the training until it has everything.

    python -m ml_skeleton.tracking.sender SPOOL FAMILY URI SERVER
"""

import json
import os
import select
import sys
import time
from pathlib import Path

from ml_skeleton.tracking.sender.server import starter
from ml_skeleton.tracking.sender.spooled import Spooled

LOOK_EVERY_S = 1.0
TRY_EVERY_S = 2.0
AFTER_THE_END_S = 10.0  # how long a server is tried after the training; the next run sends the rest
SERVER_STARTS_S = 180.0  # and one that is being started
NICENESS = 5  # the training comes first


def main() -> None:
    """Send until the family of runs is over and sent."""
    os.nice(NICENESS)
    spool, family, uri, server = Path(sys.argv[1]), sys.argv[2], sys.argv[3], json.loads(sys.argv[4])
    spooled = Spooled(spool, family, uri)
    start = starter(server) if server else None
    refusal = ""
    leave_at: float | None = None
    while leave_at is None or (time.monotonic() < leave_at and not spooled.family_is_sent()):
        trouble = spooled.advance()
        if trouble and start:
            refusal = start()
            start = None if refusal else start
        if trouble and server:
            spooled.trouble(refusal or f"{trouble}; it is being started")
        if _is_over(TRY_EVERY_S if trouble else LOOK_EVERY_S, leave_at is not None):
            leave_at = leave_at or time.monotonic() + (SERVER_STARTS_S if start else AFTER_THE_END_S)


def _is_over(seconds: float, known: bool) -> bool:
    """Wait so long for the word that the family is over; tell whether it has come, now or before."""
    if known:
        time.sleep(min(seconds, LOOK_EVERY_S))
        return True
    return bool(select.select([sys.stdin], [], [], seconds)[0])


if __name__ == "__main__":
    main()
