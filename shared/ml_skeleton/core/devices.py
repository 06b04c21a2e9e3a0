"""Where to compute, and how much of it there is, found out without importing a library for it."""

import os
import sys
from collections.abc import Mapping
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
    return "cuda" if gpu_ids() else "cpu"


def gpu_ids() -> tuple[str, ...]:
    """Return the CUDA devices that this process may use, as CUDA_VISIBLE_DEVICES names them."""
    named = os.environ.get("CUDA_VISIBLE_DEVICES")
    if named is not None:
        return tuple(one.strip() for one in named.split(",") if one.strip() not in ("", "-1"))
    count = len(list(_GPUS.iterdir())) if _GPUS.is_dir() else int(_GPU_OF_WSL.exists())
    return tuple(str(number) for number in range(count))


def trials_at_once(most: int, resources: Mapping[str, float]) -> int:
    """Return how many trials of so many `cpu` and `gpu` fit on this machine at once, 1 to `most`.

    Where there is no GPU, none is counted, as nothing could run otherwise.
    """
    there = {"cpu": len(os.sched_getaffinity(0)), "gpu": len(gpu_ids())}
    fitting = [int(there[name] / each) for name, each in resources.items() if each > 0 and there.get(name)]
    return max(1, min([most, *fitting]))
