"""What docker/packages.sh installs beside a torch of the base image, and without one; from wheels made here."""

import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

DOCKER = Path(__file__).resolve().parents[2] / "docker"
UV = shutil.which("uv", path=f"{Path(sys.executable).parent}:{os.environ['PATH']}")
PINNED = "other==1.0\ntorch==2.11.0\ntorchaudio==2.11.0\n"

pytestmark = pytest.mark.skipif(UV is None, reason="uv is not installed")


def make_wheel(folder: Path, name: str, version: str, script: str | None = None) -> None:
    """Write a wheel that holds a module of its own name, or a program of that name for the shell."""
    made = f"{name}-{version}"
    with zipfile.ZipFile(folder / f"{made}-py3-none-any.whl", "w") as wheel:
        if script is None:
            wheel.writestr(f"{name}.py", "")
        else:
            program = zipfile.ZipInfo(f"{made}.data/scripts/{name}")
            program.external_attr = 0o100755 << 16
            wheel.writestr(program, script)
        wheel.writestr(f"{made}.dist-info/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
        wheel.writestr(f"{made}.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        wheel.writestr(f"{made}.dist-info/RECORD", "")


@pytest.fixture
def install(tmp_path) -> Callable[..., Path]:
    """Return a function that runs packages.sh for a Python with or without a torch, and returns where packages went."""
    wheels, base = tmp_path / "wheels", tmp_path / "base"
    wheels.mkdir()
    make_wheel(wheels, "uv", "1.0", script=f'#!/bin/sh\nexec {UV} "$@"\n')
    for name, version in {"rust_just": "1.0", "other": "1.0", "torch": "2.11.0"}.items():
        make_wheel(wheels, name, version)
    for version in ("2.10.0", "2.11.0"):
        make_wheel(wheels, "torchaudio", version)
    shutil.copytree(DOCKER, tmp_path / "docker")
    (tmp_path / "requirements.txt").write_text(PINNED)
    python = tmp_path / "python"  # of the base image: sees nothing of what the tests run with
    python.write_text(f'#!/bin/sh\nexec {os.path.realpath(sys.executable)} -S "$@"\n')
    python.chmod(0o755)

    def run(torch: str | None) -> Path:
        if torch:
            (base / f"torch-{torch}.dist-info").mkdir(parents=True)
            (base / f"torch-{torch}.dist-info/METADATA").write_text(f"Name: torch\nVersion: {torch}\n")
        environment = {
            **{"PATH": os.environ["PATH"], "PYTHON": str(python), "PYTHONPATH": str(base), "HOME": str(tmp_path)},
            **{"PIP_CONFIG_FILE": "/dev/null", "PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(wheels)},
            **{"UV_NO_CONFIG": "1", "UV_OFFLINE": "1", "UV_FIND_LINKS": str(wheels), "UV_NO_CACHE": "1"},
        }
        script = tmp_path / "docker/packages.sh"
        done = subprocess.run([script], env=environment, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr
        (packages,) = (tmp_path / ".venv/lib").glob("python3.*/site-packages")
        return packages

    return run


def installed(packages: Path) -> set[str]:
    """Return name and version of what was installed, but for what installed it."""
    made = {path.name.removesuffix(".dist-info") for path in packages.glob("*.dist-info")}
    return {name for name in made if not name.startswith(("pip-", "setuptools-", "uv-", "rust_just-"))}


def test_a_torch_of_the_base_image_is_kept_and_gets_the_torchaudio_of_its_own_version(install):
    packages = install(torch="2.10.0+cpu")

    assert installed(packages) == {"other-1.0", "torchaudio-2.10.0"}
    settings = (packages.parents[2] / "pyvenv.cfg").read_text()
    assert "include-system-site-packages = true" in settings


def test_without_a_torch_the_pinned_one_is_installed_and_all_is_compiled(install):
    packages = install(torch=None)

    assert installed(packages) == {"other-1.0", "torch-2.11.0", "torchaudio-2.11.0"}
    assert [path.name.partition(".")[0] for path in (packages / "__pycache__").glob("o*.pyc")] == ["other"]
