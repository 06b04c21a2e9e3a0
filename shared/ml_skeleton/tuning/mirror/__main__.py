"""A process that copies a study's folder into MLflow while trials run, and never gets in their way.

The files of the study are the truth; here they are only read. What has been
sent is kept beside them in `mlflow.json`, by tracking URI, so that whatever a
server missed is sent by the next run. Standard input is the wire from tune: its
end is the end of the run, and a status on it is that of the study.

    python -m ml_skeleton.tuning.mirror STUDY URI EXPERIMENT
"""

import os
import select
import sys
from pathlib import Path
from typing import TYPE_CHECKING, cast

from ml_skeleton.tracking.errors import TrackingError
from ml_skeleton.tracking.probe import knock
from ml_skeleton.tracking.runs import is_server
from ml_skeleton.tuning.mirror.launch import CONNECTED
from ml_skeleton.tuning.mirror.sent import anything_to_send

if TYPE_CHECKING:
    from ml_skeleton.tracking.mlflow_runs import Status
    from ml_skeleton.tuning.mirror.study import StudyMirror

LOOK_EVERY_S = 1.0
TRY_EVERY_S = 5.0
NICENESS = 5  # trials come first


def main() -> None:
    """Mirror until standard input ends."""
    os.nice(NICENESS)
    study, uri, experiment = Path(sys.argv[1]), sys.argv[2], sys.argv[3]
    mirror: StudyMirror | None = None
    complaint = ""
    status: Status | None = None
    while status is None:
        status = _end_of_run(TRY_EVERY_S if complaint else LOOK_EVERY_S)
        if mirror is None and not anything_to_send(study, uri):
            continue
        try:
            mirror = mirror or _connect(study, uri, experiment)
            mirror.send()
            if status:
                mirror.end(status)
            complaint = ""
        except TrackingError as error:
            mirror = None
            if not complaint:
                _say(f"MLflow at {uri}: {error}; the study goes on, and its files are sent when MLflow answers")
            complaint = str(error)
    sys.exit(1 if complaint else 0)


def _end_of_run(seconds: float) -> "Status | None":
    """Wait so long for the end of standard input, and return the status that tune wrote, KILLED if it died."""
    ready, _, _ = select.select([sys.stdin], [], [], seconds)
    return cast("Status", sys.stdin.read().strip() or "KILLED") if ready else None


def _connect(study: Path, uri: str, experiment: str) -> "StudyMirror":
    if is_server(uri):
        _probe(uri)
        print(CONNECTED, flush=True)
    from ml_skeleton.tuning.mirror.study import StudyMirror  # here, as mlflow costs seconds, wasted without a server

    return StudyMirror(study, uri, experiment)


def _probe(uri: str) -> None:
    """Raise TrackingError unless a server answers the API; what a login page hides is left to the client to find."""
    answer = knock(uri)
    if answer.who not in ("mlflow", "stranger"):
        raise TrackingError(answer.said)


def _say(text: str) -> None:
    print(f"tune: {text}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
