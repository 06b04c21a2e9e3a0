"""A study in a temporary folder, run in this process or by the installed command."""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
from ml_skeleton.tuning.backend import Backend, here
from ml_skeleton.tuning.constraints import parse_constraint
from ml_skeleton.tuning.enqueue import read_enqueued
from ml_skeleton.tuning.loop import Limits
from ml_skeleton.tuning.objective import parse_objectives
from ml_skeleton.tuning.outcome import Outcome
from ml_skeleton.tuning.records import TrialRecord, read_trials
from ml_skeleton.tuning.runner import run_study
from ml_skeleton.tuning.search import SearchSettings
from ml_skeleton.tuning.study import plan_of
from ml_skeleton.tuning.trial import Allowance
from ml_skeleton_tune.cli import main

TUNE = Path(sys.executable).with_name("tune")
DEADLINE_S = 30.0


@dataclass
class Study:
    """A study folder and the ways to work on it."""

    folder: Path

    def run(
        self,
        *command: str,
        n: int = 1,
        metric: str | Sequence[str] | None = "loss:min",
        constraints: Sequence[str] = (),
        params: Sequence[str] = (),
        space: Path | None = None,
        reduce: str = "last",
        regex: str | None = None,
        seed: int | None = None,
        sampler: str = "tpe",
        pruner: str = "none",
        timeout_s: float | None = None,
        grace_s: float = 5.0,
        mlflow: str = "off",
        storage: str | None = None,
        enqueue: Sequence[str] = (),
        reuse: bool = False,
        backend: Backend = here,
        **limits: object,
    ) -> Outcome:
        metrics = [metric] if isinstance(metric, str) else metric or []
        kept = [parse_constraint(one) for one in constraints]
        plan = plan_of(self.folder, command, params, space, parse_objectives(metrics, reduce, regex), seed, kept)
        name = self.folder.name if storage else SearchSettings.name
        search = SearchSettings(sampler, pruner, plan.seed, limits.get("jobs", 1) != 1, storage, name)
        allowance, first = Allowance(timeout_s, grace_s), read_enqueued(enqueue, plan.space)
        bounds = Limits(n, reuse=reuse, **limits)
        return run_study(self.folder, plan, search, bounds, allowance, mlflow, first, backend)

    def trials(self) -> list[TrialRecord]:
        return read_trials(self.folder)

    def states(self) -> list[str]:
        return [trial.state for trial in self.trials()]

    def file(self, trial: int, name: str) -> Path:
        return self.folder / "trials" / f"{trial:05d}" / name


@pytest.fixture
def study(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Study:
    monkeypatch.chdir(tmp_path)
    return Study(tmp_path / "study")


@pytest.fixture
def script(tmp_path: Path) -> Callable[[str], str]:
    """Write a shell script and return its path, so that its braces need no doubling."""

    def write(text: str) -> str:
        path = tmp_path / f"script-{len(list(tmp_path.glob('script-*')))}.sh"
        path.write_text(text)
        return str(path)

    return write


@pytest.fixture(scope="session")
def empty_mlflow(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """MLflow's tables without a row, which take seconds to make."""
    from mlflow import MlflowClient

    path = tmp_path_factory.mktemp("mlflow") / "mlflow.db"
    MlflowClient(f"sqlite:///{path}").search_experiments()
    return path


@pytest.fixture
def mlflow_uri(empty_mlflow: Path, tmp_path: Path) -> str:
    """The address of a store of MLflow in which there is nothing yet."""
    return f"sqlite:///{shutil.copy(empty_mlflow, tmp_path)}"


def command_line(*arguments: object) -> list[str]:
    return [str(TUNE), *map(str, arguments)]


def environment() -> dict[str, str]:
    return {name: text for name, text in os.environ.items() if not name.startswith(("MLFLOW_", "TUNE_"))}


@dataclass
class Ended:
    """What a run of the command came to."""

    code: int
    stdout: str
    stderr: str


@pytest.fixture
def tune(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Callable[..., Ended]]:
    """Run the command in this process and check its exit code; a failure shows both streams."""
    for name in [name for name in os.environ if name.startswith(("MLFLOW_", "TUNE_"))]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    former = signal.getsignal(signal.SIGTERM)

    def run(*arguments: object, code: int = 0) -> Ended:
        capsys.readouterr()
        monkeypatch.setattr(sys, "argv", command_line(*arguments))
        with pytest.raises(SystemExit) as left:
            main()
        ended = Ended(left.value.code or 0, *capsys.readouterr())
        assert ended.code == code, f"{sys.argv} in {tmp_path}: {ended}"
        return ended

    yield run
    signal.signal(signal.SIGTERM, former)


@pytest.fixture
def installed_tune(tmp_path: Path) -> Callable[..., Ended]:
    """Run the installed command."""

    def run(*arguments: object) -> Ended:
        command = command_line(*arguments)
        done = subprocess.run(
            command, cwd=tmp_path, env=environment(), text=True, capture_output=True, timeout=DEADLINE_S
        )
        return Ended(done.returncode, done.stdout, done.stderr)

    return run


@pytest.fixture
def tune_in_background(tmp_path: Path) -> Iterator[Callable[..., "subprocess.Popen[str]"]]:
    """Start the installed command; what still runs at the end of the test is killed."""
    started: list[subprocess.Popen[str]] = []

    def start(*arguments: object) -> "subprocess.Popen[str]":
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        started.append(subprocess.Popen(command_line(*arguments), cwd=tmp_path, env=environment(), text=True, **pipes))
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.communicate()


@pytest.fixture
def limited_tune(tmp_path: Path) -> Callable[..., Ended]:
    """Run the installed command under a limit on the size of files, in blocks of 512 bytes."""

    def run(blocks: int, *arguments: object) -> Ended:
        command = ["sh", "-c", f'ulimit -f {blocks}; exec "$@"', "sh", *command_line(*arguments)]
        done = subprocess.run(
            command, cwd=tmp_path, env=environment(), text=True, capture_output=True, timeout=DEADLINE_S
        )
        return Ended(done.returncode, done.stdout, done.stderr)

    return run


@pytest.fixture
def lives() -> Callable[[int], bool]:
    """Tell whether a process runs; a zombie does not."""

    def ask(pid: int) -> bool:
        try:
            return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
        except (FileNotFoundError, ProcessLookupError):
            return False

    return ask
