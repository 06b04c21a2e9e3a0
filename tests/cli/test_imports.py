"""Nobody waits for a library that is not needed: --help, refusals and runs with nothing to do stay light."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

COMMANDS = {
    "clem-extract": "ml_skeleton_extract_audio",
    "train-encoder": "ml_skeleton_train_encoder",
    "embed": "ml_skeleton_embed",
    "train-classifier": "ml_skeleton_train_classifier",
    "evaluate": "ml_skeleton_evaluate",
    "recommend": "ml_skeleton_recommend",
    "tune": "ml_skeleton_tune",
    "clem-demo": "ml_skeleton_demo_library",
    "clem-nightly": "ml_skeleton_nightly",
    "ml_skeleton": "ml_skeleton",
}
HEAVY = [
    *("torch", "torchaudio", "numpy", "scipy", "pyarrow", "duckdb", "mlflow", "optuna", "ray"),
    *("av", "soxr", "soundfile", "onnxruntime", "yaml", "rich"),
]


@pytest.mark.parametrize("package", COMMANDS.values())
def test_help_imports_nothing_heavy(package):
    code = f"import sys, {package}.cli; print([name for name in {HEAVY} if name in sys.modules])"

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)

    assert (done.stdout, done.stderr) == ("[]\n", "")


@pytest.mark.parametrize("command", COMMANDS)
def test_help_explains_the_command(run_tool, command):
    done = run_tool(command, "--help")

    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(f"Usage: {command} ")


def loaded_torch(command: list[str], cwd: Path) -> bool:
    """Return whether the command imported torch, as the interpreter's own list of imports tells."""
    script = [sys.executable, "-X", "importtime", str(Path(sys.executable).parent / command[0]), *command[1:]]
    done = subprocess.run(script, capture_output=True, text=True, cwd=cwd, env={**os.environ, "PYTHONPATH": ""})
    assert done.returncode == 0, done.stderr[-2000:]
    return any(line.rsplit("|", 1)[-1].strip() == "torch" for line in done.stderr.splitlines() if "|" in line)


def test_a_run_with_nothing_to_do_does_not_import_torch(audible_library, tmp_path):
    first = [
        "train-encoder",
        "crops",
        "--encoder",
        "simple",
        "--epochs",
        "1",
        "--window",
        "1",
        "--test-fraction",
        "0.4",
    ]
    commands = [
        [*first, "--test-fraction", "0.4", "--encoder-args", '{"width": 4}'],
        ["embed", "checkpoints/encoder.pt"],
        ["train-classifier", "artifacts/embeddings.db", "--max-steps", "3"],
        ["evaluate", "artifacts/embeddings.db"],
        ["recommend", "checkpoints/classifier.pt"],
    ]

    runs = [(loaded_torch(command, tmp_path), loaded_torch(command, tmp_path)) for command in commands]

    assert runs == [(True, False)] * 3 + [(False, False)] * 2  # the usual classifier is used without torch as well
