"""The pool: a job that misbehaves costs itself and nothing else."""

import os
import signal
import time

import pytest
from ml_skeleton_extract_audio.workers import Crash, Limits, WorkerPool


@pytest.fixture(autouse=True)
def importable(request, monkeypatch):
    """Let the workers find `work` by the name that pytest gave to this module."""
    monkeypatch.syspath_prepend(request.config.rootpath)


def work(job):
    """Do what the job says; runs in a worker."""
    match job:
        case "segfault":
            os.kill(os.getpid(), signal.SIGSEGV)
        case "leave":
            os._exit(7)
        case "hang":
            time.sleep(600)
        case "eat memory":
            return len(bytearray(4 * 2**30))
        case "raise":
            raise ValueError("a bug in the decoder")
    return job * 2


USUAL = Limits()


def run(jobs, workers=2, limits=USUAL, stopped=lambda: False):
    return list(WorkerPool(work, workers, limits, []).run(jobs, stopped))


def test_every_job_comes_back_once_with_its_result():
    assert sorted(run(range(50))) == [(number, number * 2) for number in range(50)]


@pytest.mark.parametrize(
    ("job", "reason"),
    [
        ("segfault", "the decoder crashed (SIGSEGV)"),
        ("leave", "the decoder crashed (exit code 7)"),
        ("raise", "the decoder crashed (exit code 1)"),
        ("eat memory", "the decoder asked for more memory than a song may take"),
    ],
)
def test_a_job_that_breaks_its_worker_loses_no_other_job(job, reason):
    results = dict(run([1, 2, job, 3, 4, 5]))

    assert results == {1: 2, 2: 4, 3: 6, 4: 8, 5: 10, job: Crash(reason)}


def test_a_job_that_hangs_is_ended():
    results = dict(run(["hang", 1, 2, 3], workers=1, limits=Limits(seconds=1.0)))

    assert results == {"hang": Crash("the decoder took longer than 1 s"), 1: 2, 2: 4, 3: 6}


def test_after_a_stop_nothing_new_is_begun():
    done = []
    pool = WorkerPool(work, 1, Limits(), [])
    for job, _ in pool.run(range(100), lambda: bool(done)):
        done.append(job)

    assert 1 <= len(done) <= 3


def test_no_jobs_need_no_worker_to_answer():
    assert run([]) == []
