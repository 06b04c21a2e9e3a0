"""Nobody waits for a library that is not needed: --help, refusals and runs with nothing to do stay light."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from pipeline import WHOLE_LINE
from shell import OURS, run_line

HEAVY = [
    *("torch", "torchaudio", "numpy", "scipy", "pyarrow", "duckdb", "mlflow", "optuna", "ray"),
    *("av", "soxr", "soundfile", "onnxruntime", "yaml", "rich"),
]


def said_by_python(code: str, folder: Path | None = None) -> str:
    """Return what a fresh interpreter prints."""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=folder)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def test_help_imports_nothing_heavy():
    modules = sorted({script.module for script in OURS.values()})
    code = (
        "import importlib, json, sys; brought = {}\n"
        f"for module in {modules}:\n"
        "    importlib.import_module(module)\n"
        f"    brought[module] = [name for name in {HEAVY} if name in sys.modules]\n"
        "print(json.dumps(brought))"
    )

    assert json.loads(said_by_python(code)) == {module: [] for module in modules}


@pytest.mark.parametrize("command", OURS)
def test_help_explains_the_command(command):
    done = run_line(f"{command} --help")

    assert (done.exit_code, done.stderr) == (0, "")
    assert done.stdout.startswith(f"Usage: {command} ")


@pytest.mark.parametrize(
    ("line", "idle"),
    [
        (f"{WHOLE_LINE} && evaluate artifacts/embeddings.db", 4),
        ("recommend checkpoints/classifier.pt --out others", 0),  # the usual classifier needs no torch to be used
    ],
)
def test_a_run_without_a_network_to_train_or_apply_does_not_import_torch(after_the_line, line, idle):
    run_line(WHOLE_LINE)  # the playlists name the folder that they are made from, which is another one now
    code = (
        f"import sys; sys.path.insert(0, {str(Path(__file__).parents[1])!r})\n"
        f"from shell import run_line; done = run_line({line!r})\n"
        "idle = sum('nothing new' in text or ' 0 songs embedded' in text for text in done.stderr.splitlines())\n"
        "print(done.exit_code, idle, 'torch' in sys.modules)"
    )

    assert said_by_python(code, after_the_line) == f"0 {idle} False\n"
