"""ml_skeleton verify: what is missing is said with its remedy, and the exit code tells cron."""

import json
import os
from importlib import metadata
from types import SimpleNamespace

from ml_skeleton.utils import verify


def test_this_environment_has_what_the_tools_need(run_tool):
    done = run_tool("ml_skeleton", "verify", "--json")

    states = {check["name"]: check["state"] for check in json.loads(done.stdout)}
    assert done.returncode == 0
    assert [states[name] for name in ("Python", "torch", "decoding", "optuna", "disk")] == ["ok"] * 5


def test_a_torchaudio_of_another_release_than_torch_is_missing(monkeypatch):
    versions = {"torch": "2.13.0", "torchaudio": "2.11.0"}
    of_another_release = SimpleNamespace(
        version=versions.__getitem__, PackageNotFoundError=metadata.PackageNotFoundError
    )
    monkeypatch.setattr(verify, "metadata", of_another_release)

    (check,) = verify._torch()

    assert (check.state, check.remedy) == ("missing", "install the pinned pair: uv pip install -r requirements.txt")


def test_a_command_of_another_package_that_comes_first_on_path_is_named(monkeypatch, tmp_path):
    other = tmp_path / "tune"
    other.write_text("#!/bin/sh\n")
    other.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.path.dirname(verify.sys.executable)}")

    checks = list(verify._commands())

    assert [(check.state, str(other) in check.found) for check in checks] == [("warning", True)]


def test_a_folder_that_cannot_be_written_is_missing(monkeypatch, tmp_path):
    monkeypatch.setattr(os, "access", lambda *_: False)

    (check,) = verify._disk(tmp_path)

    assert (check.state, str(tmp_path) in check.found) == ("missing", True)


def test_the_table_puts_a_remedy_under_its_check():
    text = verify.table([verify.Check("disk", "warning", "3 GB free", "name a larger disk")])

    assert text == "warning  disk  3 GB free\n               -> name a larger disk"
