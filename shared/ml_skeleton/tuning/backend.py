"""Where the commands of a worker run: on this machine, from a warm parent, or on a Ray cluster."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from ml_skeleton.tuning.attempts import Attempt
from ml_skeleton.tuning.space import Setting
from ml_skeleton.tuning.study import Plan
from ml_skeleton.tuning.trial import Allowance, Launch, RunningTrial, Trial
from ml_skeleton.tuning.warm.parent import WarmParent

Backend = Callable[[Path, Plan, Allowance], AbstractContextManager[Launch]]


@dataclass(frozen=True)
class LaunchHere:
    """Starts trials on this machine."""

    study: Path
    plan: Plan
    allowance: Allowance

    def __call__(self, attempt: Attempt, settings: Mapping[str, Setting], gpu: str | None) -> Trial:
        return RunningTrial(self.study, self.plan, attempt, settings, gpu, self.allowance)


@contextmanager
def here(study: Path, plan: Plan, allowance: Allowance) -> Iterator[Launch]:
    """Yield what starts each command as a fresh process."""
    yield LaunchHere(study, plan, allowance)


def warm(modules: Sequence[str]) -> Backend:
    """Return the backend that forks commands from a process with `modules` imported."""

    @contextmanager
    def open_parent(study: Path, plan: Plan, allowance: Allowance) -> Iterator[Launch]:
        parent = WarmParent(modules)
        try:
            yield LaunchHere(study, plan, replace(allowance, start=parent.start))
        finally:
            parent.close()

    return open_parent
