"""Which precision is the fastest here: found by trying it once, and remembered.

A choice by the clock could fall otherwise on the next run, and the weights with
it; so what was found for an encoder on this machine stays chosen.
"""

import copy
import json
import os
import time
from pathlib import Path
from statistics import median

import torch
from ml_skeleton.artifacts.files import fingerprint_of, write_text
from ml_skeleton.console import note
from ml_skeleton.errors import UserError

from ml_skeleton_train_encoder.learner import ChosenPrecision, Learner
from ml_skeleton_train_encoder.settings import Precision

WINDOWS = 8
ROUNDS = 5
WORTH_IT = 1.1  # times as fast; for less, three digits are not given up


def choose_precision(wanted: Precision, learner: Learner, length: int, device: torch.device) -> ChosenPrecision:
    """Return bf16 on CUDA, and on a CPU what takes less CPU time for windows of `length` samples; a wish is granted."""
    if wanted != "auto":
        return wanted
    if device.type == "cuda":
        return "bf16"
    found = _remembered()
    key = fingerprint_of(_cpu(), torch.__version__, str(torch.get_num_threads()), str(learner.encoder), str(length))
    if key not in found:
        found[key] = bf16_gain(learner, length, device)
        try:
            write_text(memory_path(), json.dumps(found))
        except UserError:
            note("what was found will not be remembered; --precision makes the choice certain")
    chosen: ChosenPrecision = "bf16" if found[key] > WORTH_IT else "fp32"
    note(f"training in {chosen}: bf16 is {found[key]:.2g} times as fast as fp32 on this CPU")
    return chosen


def memory_path() -> Path:
    """Return where the gains that were found are remembered."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "ml_skeleton" / "precision.json"


def bf16_gain(learner: Learner, length: int, device: torch.device) -> float:
    """Return how many times as fast a step in bf16 is; 0 where the encoder cannot be used so."""
    trial = copy.deepcopy(learner)
    audio = torch.randn(WINDOWS, length, device=device, generator=torch.Generator(device).manual_seed(0))
    try:
        _seconds(trial, audio, "bf16")
    except RuntimeError:  # an operation of a user's encoder that has no kernel for bf16
        return 0.0
    _seconds(trial, audio, "fp32")
    pairs = [(_seconds(trial, audio, "fp32"), _seconds(trial, audio, "bf16")) for _ in range(ROUNDS)]
    return median(fp32 / bf16 for fp32, bf16 in pairs)


def _seconds(learner: Learner, audio: torch.Tensor, precision: ChosenPrecision) -> float:
    """Return the CPU time of a step: what else the machine does weighs little in it."""
    learner.precision = precision
    began = time.process_time()
    embeddings = learner.embed(audio)
    embeddings.square().mean().backward()  # type: ignore[no-untyped-call]
    return time.process_time() - began


def _remembered() -> dict[str, float]:
    try:
        found = json.loads(memory_path().read_text(encoding="utf-8"))
    except (OSError, ValueError):  # none yet, or damaged: found anew
        return {}
    return found if isinstance(found, dict) else {}


def _cpu() -> str:
    lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    return "\n".join(sorted({line for line in lines if line.startswith(("model name", "flags", "Features"))}))
