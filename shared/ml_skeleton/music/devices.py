"""Where to compute, and how much memory there is.

torch is imported inside the functions: a mistyped device is refused without it.
"""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from ml_skeleton.errors import UsageError, UserError

if TYPE_CHECKING:
    import torch

GIB = 1 << 30
CGROUP_LIMITS = (Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"))
CGROUP_USES = (Path("/sys/fs/cgroup/memory.current"), Path("/sys/fs/cgroup/memory/memory.usage_in_bytes"))


def check_device_name(name: str) -> None:
    """Raise UsageError for a name that is no device on any machine."""
    if not re.fullmatch(r"auto|cpu|cuda(:\d+)?", name):
        raise UsageError(f"--device {name}: unknown; expected auto, cpu, cuda or cuda:N")


def choose_device(name: str) -> "torch.device":
    """Return the device that `name` means; "auto" is the CUDA device with the most free memory, or the CPU.

    Under torchrun "auto" and "cuda" are the device of the process's LOCAL_RANK.
    Raises UsageError for a device that this machine does not have.
    """
    import torch

    check_device_name(name)
    count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if name == "cpu" or (name == "auto" and not count):
        return torch.device("cpu")
    if name in ("auto", "cuda") and count:
        rank = os.environ.get("LOCAL_RANK")
        return torch.device("cuda", int(rank) if rank is not None else _most_free(count))
    device = torch.device(name)
    if (device.index or 0) >= count:
        raise UsageError(f"--device {name}: this machine has {count} CUDA devices; try --device cpu")
    return device


def free_memory(device: "torch.device", limit_gb: float) -> int:
    """Return the bytes that this process may still take on the device; of a GPU no more than `limit_gb` in all."""
    import torch

    if device.type != "cuda":
        return free_host_memory()
    free: int = torch.cuda.mem_get_info(device)[0]
    within = int(limit_gb * GIB) - torch.cuda.memory_reserved(device) if limit_gb > 0 else free
    return max(0, min(free, within))


def free_host_memory() -> int:
    """Return the bytes of main memory that can still be had, within the limit of the container if there is one."""
    meminfo = Path("/proc/meminfo").read_text(encoding="ascii")
    found = re.search(r"^MemAvailable:\s+(\d+) kB", meminfo, re.MULTILINE)
    free = int(found[1]) * 1024 if found else os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    for limit, use in zip(CGROUP_LIMITS, CGROUP_USES, strict=True):
        if limit.exists() and use.exists() and (text := limit.read_text(encoding="ascii").strip()) != "max":
            free = min(free, int(text) - int(use.read_text(encoding="ascii")))
    return max(0, free)


@contextmanager
def out_of_memory_in_one_line(device: "torch.device", batch_size: int) -> Iterator[None]:
    """Turn running out of the device's memory into a UserError that says what to try."""
    import torch

    try:
        yield
    except torch.OutOfMemoryError:
        smaller = f"--batch-size {batch_size // 2}, " if batch_size > 1 else ""
        raise UserError(
            f"{device}: out of memory with batches of {batch_size} windows; try {smaller}--batch-size auto, "
            "or another --gpu-memory-gb"
        ) from None


def _most_free(count: int) -> int:
    """Return the number of the CUDA device with the most free memory; the first where the driver does not say."""
    free = _free_by_nvml(count)
    return max(range(len(free)), key=free.__getitem__, default=0)


def _free_by_nvml(count: int) -> list[int]:
    """Return the free bytes of each device of torch; asking torch itself would take memory of each. [] if unknown."""
    import pynvml
    import torch

    try:
        pynvml.nvmlInit()
        uuids = [f"GPU-{torch.cuda.get_device_properties(number).uuid}" for number in range(count)]
        return [pynvml.nvmlDeviceGetMemoryInfo(pynvml.nvmlDeviceGetHandleByUUID(uuid)).free for uuid in uuids]
    except pynvml.NVMLError:
        return []
