"""A pool of worker processes in which a job that crashes, hangs or eats memory costs one worker and itself only.

The pools of the standard library fail as a whole when one process dies, and
cannot end one job that takes too long.
"""

import math
import multiprocessing
import resource
import signal
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from multiprocessing import forkserver, resource_tracker
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from typing import Generic, TypeVar

Job = TypeVar("Job")
Result = TypeVar("Result")

READY = "ready"  # a worker's first message
QUEUED_PER_WORKER = 2  # one at work, one waiting, so that a worker never waits for the writer


@dataclass(frozen=True)
class Limits:
    """What one job may take."""

    seconds: float = 120.0
    memory_mb: int = 2048  # of address space, on top of what the worker needs to start


@dataclass(frozen=True)
class Crash:
    """A job whose worker died or was ended."""

    reason: str


@dataclass
class _Worker(Generic[Job]):
    process: BaseProcess
    pipe: Connection
    jobs: deque[Job] = field(default_factory=deque)
    since: float = math.inf  # when the first of `jobs` was begun; a worker that is still starting has begun none


class WorkerPool(Generic[Job, Result]):
    """Runs `work(job)` in processes of their own; `work` must be importable by name."""

    def __init__(self, work: Callable[[Job], Result], workers: int, limits: Limits, modules: list[str]) -> None:
        self.work, self.limits = work, limits
        # forkserver: a fork of this process would inherit the threads' locks of Arrow, a spawn costs a start each
        self._context = multiprocessing.get_context("forkserver")
        self._context.set_forkserver_preload(modules)
        _start_server()
        self._workers: list[_Worker[Job]] = [self._start() for _ in range(workers)]

    def run(self, jobs: Iterable[Job], stopped: Callable[[], bool]) -> Iterator[tuple[Job, Result | Crash]]:
        """Yield each job with what came of it, in the order of completion.

        Once `stopped()` is true no more jobs are begun, those at work are still yielded.
        """
        waiting: deque[Job] = deque()
        source = iter(jobs)
        try:
            while True:
                if not stopped():
                    self._hand_out(waiting, source)
                busy = [worker for worker in self._workers if worker.jobs]
                if not busy:
                    return
                yield from self._collect(busy, waiting, stopped())
        finally:
            self.close()

    @property
    def pids(self) -> list[int | None]:
        """The processes that work now."""
        return [worker.process.pid for worker in self._workers]

    def close(self) -> None:
        """End all workers."""
        for worker in self._workers:
            _end(worker)
        self._workers = []

    def _hand_out(self, waiting: deque[Job], source: Iterator[Job]) -> None:
        for depth in range(1, QUEUED_PER_WORKER + 1):
            for worker in self._workers:
                while len(worker.jobs) < depth:
                    try:
                        job = waiting.popleft() if waiting else next(source)
                    except StopIteration:
                        return
                    self._give(worker, job)

    def _give(self, worker: _Worker[Job], job: Job) -> None:
        if not worker.jobs and worker.since < math.inf:
            worker.since = time.monotonic()
        worker.jobs.append(job)
        with suppress(BrokenPipeError, ConnectionResetError):  # a dead worker is found by _collect
            worker.pipe.send(job)

    def _collect(
        self, busy: list[_Worker[Job]], waiting: deque[Job], stopping: bool
    ) -> Iterator[tuple[Job, Result | Crash]]:
        deadline = min(worker.since for worker in busy) + self.limits.seconds
        ready = wait([worker.pipe for worker in busy], timeout=max(0.0, min(0.5, deadline - time.monotonic())))
        for worker in busy:
            result = self._answer(worker, worker.pipe in ready)
            if result is None:
                continue
            worker.since = time.monotonic()
            if result == READY:
                continue
            yield worker.jobs.popleft(), result
            if isinstance(result, Crash):
                self._replace(worker, waiting, stopping)

    def _answer(self, worker: _Worker[Job], has_news: bool) -> Result | Crash | None:
        """Return what the worker sent or came to, None while it is at work."""
        if has_news:
            try:
                answer: Result = worker.pipe.recv()
                return answer
            except (EOFError, ConnectionResetError):
                return Crash(f"the decoder crashed ({_last_words(worker.process)})")
        if time.monotonic() - worker.since > self.limits.seconds:
            return Crash(f"the decoder took longer than {self.limits.seconds:g} s")
        return None

    def _replace(self, worker: _Worker[Job], waiting: deque[Job], stopping: bool) -> None:
        """End a worker and start another, unless no more jobs are begun; what waited behind the crash is kept."""
        _end(worker)
        self._workers.remove(worker)
        if not stopping:
            waiting.extend(worker.jobs)
            self._workers.append(self._start())

    def _start(self) -> _Worker[Job]:
        here, there = self._context.Pipe()
        process = self._context.Process(target=_serve, args=(there, self.work, self.limits.memory_mb), daemon=True)
        process.start()
        there.close()
        return _Worker(process, here)


def _start_server() -> None:
    """Start the process that all workers are forks of, deaf to SIGINT and SIGTERM like them.

    A terminal sends the one to every process, a service manager the other; the
    parent decides, and ends them by SIGKILL. A blocked signal stays blocked in
    children from their first moment on, and one that arrives here is not lost.
    """
    resource_tracker.ensure_running()  # first: started by the server's start, it would unblock them
    former = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM})
    try:
        forkserver.ensure_running()
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, former)


def _serve(pipe: Connection, work: Callable[[Job], Result], memory_mb: int) -> None:
    limit = _address_space() + memory_mb * 2**20
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    with suppress(EOFError, BrokenPipeError, ConnectionResetError):  # the parent is gone
        pipe.send(READY)
        while True:
            pipe.send(_attempt(work, pipe.recv()))


def _attempt(work: Callable[[Job], Result], job: Job) -> Result | Crash:
    try:
        return work(job)
    except MemoryError:
        return Crash("the decoder asked for more memory than a song may take")


def _address_space() -> int:
    with open("/proc/self/statm", encoding="ascii") as figures:
        return int(figures.read().split()[0]) * resource.getpagesize()


def _last_words(process: BaseProcess) -> str:
    process.join(1.0)
    code = process.exitcode
    return signal.Signals(-code).name if code is not None and code < 0 else f"exit code {code}"


def _end(worker: _Worker[Job]) -> None:
    worker.pipe.close()
    worker.process.kill()
    worker.process.join()
