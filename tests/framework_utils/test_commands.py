"""gpu-info, memory and mlflow-ui as commands."""

import json
import sys

import pytest
from ml_skeleton.cli import main


@pytest.fixture
def command(monkeypatch, capsys):
    """Run ml_skeleton in this process, and return its exit code and both streams."""

    def run(*words: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["ml_skeleton", *words])
        with pytest.raises(SystemExit) as left:
            main()
        return left.value.code or 0, *capsys.readouterr()

    return run


def test_a_machine_without_a_driver_is_no_error(command, no_driver):
    code, out, _ = command("gpu-info")

    assert (code, out.startswith("no GPU: no NVIDIA driver answers")) == (0, True)


def test_a_program_gets_the_same_as_json(command, gpus, hopper):
    gpus(hopper)

    code, out, _ = command("gpu-info", "--json")

    assert (code, json.loads(out)["devices"][0]["name"]) == (0, "H100")


def test_memory_prints_the_line_that_sets_the_limit(command):
    assert command("memory", "--limit", "16.5")[:2] == (0, "export ML_SKELETON_GPU_MEMORY_GB=16.5\n")


def test_memory_shows_the_limit_of_the_environment(command, monkeypatch):
    monkeypatch.setenv("ML_SKELETON_GPU_MEMORY_GB", "8")

    assert command("memory", "--show")[1].splitlines()[-1] == "limit: 8 GB a process"


def test_memory_wants_to_know_what_is_asked(command):
    code, _, err = command("memory")

    assert (code, "--show" in err) == (2, True)
