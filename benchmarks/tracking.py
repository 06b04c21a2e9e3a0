"""Measures what tracking costs a training that logs 1,000 steps of 5 metrics to a tracking server on this machine.

    python benchmarks/tracking.py --repeats 5

Starts a server, runs the same loop with a NullTracker and with an ExplrTracker, in
processes of their own, and prints for each the CPU seconds of the training process and
of the process that sends, the longest that one call held the loop up, and the difference.
"""

import argparse
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from urllib.request import urlopen

STEPS, METRICS = 1000, 5
READY_WITHIN_S = 180.0
LOOP = f"""
import json, resource, sys, time
from ml_skeleton.tracking import ExplrTracker, NullTracker

longest = 0.0
began = time.monotonic()
with ExplrTracker(sys.argv[1], "benchmark") if sys.argv[1] else NullTracker() as tracker:
    for step in range({STEPS}):
        values = {{f"metric_{{number}}": step * 0.5 for number in range({METRICS})}}
        before = time.monotonic()
        tracker.log_metrics(values, step=step)
        longest = max(longest, time.monotonic() - before)
own = resource.getrusage(resource.RUSAGE_SELF)
print(json.dumps([own.ru_utime + own.ru_stime, longest * 1000, time.monotonic() - began]))
"""


@dataclass(frozen=True)
class Cost:
    """What one run of the loop took."""

    cpu_s: float  # of the training and of the sender together
    training_cpu_s: float
    longest_call_ms: float
    seconds: float


def run_loop(uri: str, folder: Path) -> Cost:
    """Run the loop once, its lines in `folder`, and wait for its sender, whose CPU time counts too."""
    before = os.times()
    environment = {**os.environ, "ML_SKELETON_TRACKING_DIR": str(folder)}
    # a sender that outlives its training becomes a child of `subreaper`, whose times it adds to
    command = [sys.executable, "-c", SUBREAPER, sys.executable, "-c", LOOP, uri]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    after = os.times()
    training, longest, seconds = json.loads(done.stdout)
    spent = after.children_user + after.children_system - before.children_user - before.children_system
    return Cost(spent, training, longest, seconds)


SUBREAPER = """
import ctypes, os, subprocess, sys
ctypes.CDLL(None).prctl(36, 1, 0, 0, 0)  # PR_SET_CHILD_SUBREAPER
code = subprocess.call(sys.argv[1:])
try:
    while True:
        os.wait()
except ChildProcessError:
    sys.exit(code)
"""


def wait_until_ready(uri: str) -> None:
    """Return when the server answers."""
    end = time.monotonic() + READY_WITHIN_S
    while time.monotonic() < end:
        try:
            with urlopen(f"{uri}/api/2.0/mlflow/experiments/search?max_results=1", timeout=1):
                return
        except OSError:
            time.sleep(0.5)
    raise SystemExit("the server did not start")


def free_port() -> int:
    """Return a port that nobody uses."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=5)
    repeats = parser.parse_args().repeats
    with tempfile.TemporaryDirectory() as name:
        folder, port = Path(name), free_port()
        uri = f"http://127.0.0.1:{port}"
        server = subprocess.Popen(
            [
                *(sys.executable, "-m", "mlflow", "server", "--port", str(port), "--workers", "1"),
                *("--backend-store-uri", f"sqlite:///{folder}/mlflow.db", "--artifacts-destination", f"{folder}/kept"),
            ],
            env=os.environ | {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"},
            cwd=folder,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            process_group=0,
        )
        try:
            wait_until_ready(uri)
            pairs = [(run_loop("", folder / "lines"), run_loop(uri, folder / "lines")) for _ in range(repeats)]
        finally:
            os.killpg(server.pid, 15)
            server.wait()
    for name, costs in (("NullTracker", [null for null, _ in pairs]), ("ExplrTracker", [full for _, full in pairs])):
        print(
            f"{name:<13} {median(one.cpu_s for one in costs):.2f} CPU-s, "
            f"{median(one.training_cpu_s for one in costs):.2f} of them in the training; "
            f"longest call {median(one.longest_call_ms for one in costs):.1f} ms; "
            f"{median(one.seconds for one in costs):.2f} s until all was sent"
        )
    extra = median(full.cpu_s - null.cpu_s for null, full in pairs)
    ratio = median(full.cpu_s / null.cpu_s for null, full in pairs)
    print(f"difference    {extra:.2f} CPU-s for {STEPS} steps of {METRICS} metrics, {ratio:.1f} times NullTracker")


if __name__ == "__main__":
    main()
