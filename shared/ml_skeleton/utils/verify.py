"""Checks of this machine: what the tools need, whether it is there, and what to do where it is not."""

import importlib
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import metadata, util
from pathlib import Path
from typing import Literal

from ml_skeleton.utils.gpu import check_cuda_compatibility

State = Literal["ok", "missing", "warning"]
SMALLEST_PYTHON = (3, 11)
ROOMY_GB = 20.0  # crops of 10,000 songs
SHARED_MEMORY = Path("/dev/shm")
ROOMY_SHARED_MEMORY_GB = 0.5
PLAYER_DATABASES = {
    "Clementine": "~/.config/Clementine/clementine.db",
    "Strawberry": "~/.local/share/strawberry/strawberry/strawberry.db",
}
COMMANDS = (
    "clem-extract",
    "train-encoder",
    "embed",
    "train-classifier",
    "evaluate",
    "recommend",
    "tune",
    "clem-nightly",
    "ml_skeleton",
)


@dataclass(frozen=True)
class Check:
    """One thing that was looked at."""

    name: str
    state: State  # "missing": some command cannot work; "warning": worth knowing
    found: str
    remedy: str = ""


def verify_environment(folder: Path = Path()) -> list[Check]:
    """Return the checks of this environment; `folder` is where artifacts would be written."""
    checks: list[Callable[[], Iterator[Check]]] = [
        _python,
        _torch,
        _device,
        _decoding,
        _optional,
        _commands,
        _databases,
        lambda: _disk(folder),
        _temporary,
        _shared_memory,
    ]
    return [result for check in checks for result in check()]


def table(checks: list[Check]) -> str:
    """Return the checks as lines for a person."""
    width = max(len(check.name) for check in checks)
    lines = []
    for check in checks:
        lines.append(f"{check.state:<8} {check.name:<{width}}  {check.found}")
        if check.remedy:
            lines.append(f"{'':<8} {'':<{width}}  -> {check.remedy}")
    return "\n".join(lines)


def _python() -> Iterator[Check]:
    found = ".".join(map(str, sys.version_info[:3]))
    good = sys.version_info >= SMALLEST_PYTHON
    yield Check("Python", "ok" if good else "missing", found, "" if good else "install Python 3.11 or newer")


def _torch() -> Iterator[Check]:
    """torchaudio loads only against the torch release of its own number, so both are tried together."""
    remedy = "install the pinned pair: uv pip install -r requirements.txt"
    try:
        versions = {name: metadata.version(name) for name in ("torch", "torchaudio")}
        importlib.import_module("torchaudio")
    except metadata.PackageNotFoundError as error:
        yield Check("torch", "missing", f"{error} is not installed", remedy)
    except (ImportError, OSError) as error:
        yield Check("torch", "missing", f"cannot be loaded: {str(error).splitlines()[0]}", remedy)
    else:
        same = versions["torch"].split(".")[:2] == versions["torchaudio"].split(".")[:2]
        found = ", ".join(f"{name} {version}" for name, version in versions.items())
        yield Check("torch", "ok" if same else "missing", found, "" if same else remedy)


def _device() -> Iterator[Check]:
    """A GPU that torch cannot use is a warning: the CPU does the same work, only longer."""
    cuda = check_cuda_compatibility()
    if not cuda["devices"]:
        yield Check("device", "warning", f"no GPU: {cuda['problems'][0]}", "for training at speed: an NVIDIA GPU")
        return
    for problem in cuda["problems"]:
        found, _, remedy = problem.partition("; ")
        yield Check("CUDA", "warning", found, remedy)
    if cuda["compatible"]:
        yield Check(
            "CUDA", "ok", f"torch for {cuda['cuda_runtime']}, driver {cuda['driver']} up to {cuda['cuda_driver']}"
        )
    for gpu in cuda["devices"]:
        state: State = "ok" if gpu["compatible"] else "warning"
        yield Check(f"gpu {gpu['index']}", state, f"{gpu['name']}, compute capability {gpu['compute_capability']}")


def _decoding() -> Iterator[Check]:
    if util.find_spec("av") is None:
        yield Check("decoding", "missing", "PyAV is not installed", "uv pip install av")
        return
    import av

    wanted = {"mp3float", "aac", "flac", "vorbis", "opus", "alac", "wmav2", "wavpack", "tta", "mpc8", "ape"}
    lacking = sorted(wanted - av.codecs_available)
    found = f"PyAV {av.__version__}" + (f" without {', '.join(lacking)}" if lacking else "")
    yield Check("decoding", "warning" if lacking else "ok", found, "use the wheel from PyPI" if lacking else "")


def _optional() -> Iterator[Check]:
    uses = {
        "duckdb": "stores ending in .duckdb",
        "optuna": "tune",
        "mlflow": "tune --mlflow and tracked runs",
        "ray": "RayTuneTuner and tune on several machines",
    }
    for name, use in uses.items():
        try:
            yield Check(name, "ok", metadata.version(name))
        except metadata.PackageNotFoundError:
            yield Check(name, "warning", f"not installed, needed for {use}", f"uv pip install {name}")


def _commands() -> Iterator[Check]:
    """Other packages install scripts of the same names; the first on PATH is the one that runs."""
    own = Path(sys.executable).parent
    first = {command: shutil.which(command) for command in COMMANDS if (own / command).exists()}
    lacking = [command for command, found in first.items() if found is None]
    foreign = [found for found in first.values() if found and Path(found).parent.resolve() != own.resolve()]
    if lacking:
        yield Check("commands", "warning", f"not on PATH: {', '.join(lacking)}", f"put {own} on PATH")
    if foreign:
        yield Check("commands", "warning", f"PATH finds {', '.join(foreign)} first", f"put {own} first on PATH")
    if not lacking and not foreign:
        yield Check("commands", "ok", f"tune is {first.get('tune', 'not installed')}")


def _databases() -> Iterator[Check]:
    found = [f"{player} {path}" for player, path in PLAYER_DATABASES.items() if Path(path).expanduser().exists()]
    remedy = "" if found else "name yours with --db, or try the pipeline with: just demo"
    yield Check("player", "ok" if found else "warning", ", ".join(found) or "no database in its usual place", remedy)


def _disk(folder: Path) -> Iterator[Check]:
    if not os.access(folder, os.W_OK):
        yield Check("disk", "missing", f"{folder.resolve()} is not writable", "work in another folder, or name --out")
        return
    free = shutil.disk_usage(folder).free / 1e9
    remedy = "" if free > ROOMY_GB else "crops take 2 MB a song; name a larger disk with --out"
    yield Check("disk", "ok" if free > ROOMY_GB else "warning", f"{free:.0f} GB free in {folder.resolve()}", remedy)


def _temporary() -> Iterator[Check]:
    try:
        yield Check("temporary", "ok", f"{tempfile.gettempdir()} is writable")
    except FileNotFoundError as error:
        yield Check("temporary", "missing", str(error), "set TMPDIR to a folder that is writable")


def _shared_memory() -> Iterator[Check]:
    """Workers hand their batches over in it; a container has 64 MB unless told otherwise."""
    if SHARED_MEMORY.is_dir():
        total_gb = shutil.disk_usage(SHARED_MEMORY).total / 1e9
        roomy = total_gb >= ROOMY_SHARED_MEMORY_GB
        remedy = "" if roomy else "start the container with --shm-size=2g, or train with --workers 1"
        yield Check("memory", "ok" if roomy else "warning", f"{total_gb:.1f} GB of shared memory", remedy)
