"""GPU memory of this process: how much it may take, and how much it has taken."""

import os
from importlib.util import find_spec
from typing import Any

from ml_skeleton.errors import UsageError

LIMIT_VARIABLE = "ML_SKELETON_GPU_MEMORY_GB"
DEFAULT_LIMIT_GB = 24.0
GIB = 2**30


def memory_limit_gb(max_memory_gb: float | None = None) -> float:
    """Return the limit to hold to, in GiB: the argument, else the environment's, else 24; 0 means none."""
    if max_memory_gb is not None:
        limit, where = max_memory_gb, "max_memory_gb"
    else:
        given, where = os.environ.get(LIMIT_VARIABLE, ""), LIMIT_VARIABLE
        try:
            limit = float(given) if given else DEFAULT_LIMIT_GB
        except ValueError:
            raise UsageError(f"{where}={given}: expected gigabytes, such as 16, or 0 for no limit") from None
    if not 0 <= limit < float("inf"):
        raise UsageError(f"{where}={limit:g}: expected gigabytes, such as 16, or 0 for no limit")
    return limit


def limit_gpu_memory(max_memory_gb: float | None = None) -> float | None:
    """Hold this process to so many GiB of each GPU, and return the limit; None if there is none, or no GPU.

    The argument, else ML_SKELETON_GPU_MEMORY_GB, else 24; 0 lifts the limit. Beyond it torch raises
    OutOfMemoryError in this process and leaves the rest to others. Raises UsageError for what is no size.
    """
    limit = memory_limit_gb(max_memory_gb)
    if not _has_cuda():
        return None
    import torch

    for index in range(torch.cuda.device_count()):
        total_gb = torch.cuda.get_device_properties(index).total_memory / GIB
        torch.cuda.set_per_process_memory_fraction(min(1.0, limit / total_gb) if limit else 1.0, index)
    return limit or None


def get_gpu_memory_info(device: int = 0) -> dict[str, Any]:
    """Return the memory of a device of torch in GiB.

    `available` (bool), `device` (its index), `name`, `total_gb`, `free_gb` and `used_gb` of the whole GPU, and of
    this process `allocated_gb` (by tensors), `reserved_gb` (held for them), `peak_gb` (the most allocated) and
    `limit_gb` (it may take). Without a GPU the sizes are 0.0 and the name is "CPU".
    """
    sizes = ("total_gb", "free_gb", "used_gb", "allocated_gb", "reserved_gb", "peak_gb", "limit_gb")
    if not _has_cuda():
        return {"available": False, "device": device, "name": "CPU", **dict.fromkeys(sizes, 0.0)}
    import torch

    free, total = torch.cuda.mem_get_info(device)
    figures = (
        *(total, free, total - free),
        *(torch.cuda.memory_allocated(device), torch.cuda.memory_reserved(device)),
        *(torch.cuda.max_memory_allocated(device), torch.cuda.get_per_process_memory_fraction(device) * total),
    )
    found = {name: figure / GIB for name, figure in zip(sizes, figures, strict=True)}
    return {"available": True, "device": device, "name": torch.cuda.get_device_name(device), **found}


def memory_summary() -> str:
    """Return a line per device of torch; one sentence if there is none."""
    if not _has_cuda():
        return "no CUDA device: no GPU memory to look after"
    import torch

    lines = []
    for device in range(torch.cuda.device_count()):
        found = get_gpu_memory_info(device)
        lines.append(
            f"cuda:{device} {found['name']}: {found['used_gb']:.1f} of {found['total_gb']:.1f} GB used, "
            f"{found['allocated_gb']:.1f} by this process (most {found['peak_gb']:.1f}, limit {found['limit_gb']:.1f})"
        )
    return "\n".join(lines)


def print_memory_summary() -> None:
    """Print a line per device of torch; one sentence if there is none."""
    print(memory_summary())


def _has_cuda() -> bool:
    if find_spec("torch") is None:
        return False
    import torch

    return torch.cuda.is_available()
