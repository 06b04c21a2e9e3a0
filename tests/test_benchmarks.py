"""Benchmarks are run by hand; here only that they still fit the code they measure."""

import subprocess
import sys
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"
NAMES = sorted(path.stem for path in BENCHMARKS.glob("*.py"))


def test_every_benchmark_finds_what_it_imports():
    code = (
        f"import importlib, sys; sys.path.insert(0, {str(BENCHMARKS)!r}); [importlib.import_module(n) for n in {NAMES}]"
    )

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)

    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("name", NAMES)
def test_every_benchmark_is_on_the_page(name):
    assert f"{name}.py" in (BENCHMARKS / "README.md").read_text(encoding="utf-8")


def test_every_figure_names_the_program_that_measures_it():
    _, figures = (BENCHMARKS / "README.md").read_text(encoding="utf-8").split("\n## Figures\n")
    rows = [line.split("|")[1:-1] for line in figures.splitlines() if line.startswith("| ")]

    assert {row[3].strip().strip("`").removesuffix(".py") for row in rows[1:]} <= set(NAMES)
