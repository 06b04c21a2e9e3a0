"""Where to compute, found out without importing a library for it."""

import os
import sys
from pathlib import Path

_GPUS = Path("/proc/driver/nvidia/gpus")
_GPU_OF_WSL = Path("/dev/dxg")


def default_device() -> str:
    """Return "cuda" where there is a CUDA device to use, else "cpu".

    torch is asked if it is loaded already; else the driver's files are looked at, as
    importing torch takes seconds that a function without torch should not cost.
    """
    torch = sys.modules.get("torch")
    if torch is not None:
        return "cuda" if torch.cuda.is_available() else "cpu"
    hidden = os.environ.get("CUDA_VISIBLE_DEVICES") in ("", "-1")
    there = (_GPUS.is_dir() and any(_GPUS.iterdir())) or _GPU_OF_WSL.exists()
    return "cuda" if there and not hidden else "cpu"
