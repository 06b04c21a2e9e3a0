"""Which precision is the fastest here, found by trying it."""

import copy
import time
from statistics import median

import torch
from ml_skeleton.console import note

from ml_skeleton_train_encoder.learner import ChosenPrecision, Learner
from ml_skeleton_train_encoder.settings import Precision

WINDOWS = 8
ROUNDS = 3
CLEARLY = 1.3  # times as fast; below it the choice could fall otherwise on the next run, and so the weights


def choose_precision(wanted: Precision, learner: Learner, length: int, device: torch.device) -> ChosenPrecision:
    """Return bf16 on CUDA; on a CPU what takes less CPU time, bf16 only if it is clearly faster. A wish is granted."""
    if wanted != "auto":
        return wanted
    if device.type == "cuda":
        return "bf16"
    gain = _gain(learner, length, device)
    note(f"bf16 is {gain:.2g} times as fast as fp32 here: training in {'bf16' if gain > CLEARLY else 'fp32'}")
    return "bf16" if gain > CLEARLY else "fp32"


def _gain(learner: Learner, length: int, device: torch.device) -> float:
    """Return how many times as fast a step in bf16 is; 0 where the encoder cannot be used so."""
    trial = copy.deepcopy(learner)
    audio = torch.randn(WINDOWS, length, device=device, generator=torch.Generator(device).manual_seed(0))
    try:
        _seconds(trial, audio, "bf16")
    except (RuntimeError, NotImplementedError):  # an operation of a user's encoder that bf16 has no kernel for
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
