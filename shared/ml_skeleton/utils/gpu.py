"""The GPUs of this machine: what they are, which to use and how, and whether this torch can."""

import re
from collections.abc import Sequence
from importlib.util import find_spec
from typing import Any

from ml_skeleton.cores import default_workers
from ml_skeleton.utils.nvml import NoDriverError, ask_or_none, nvml, read_devices, text

# the first driver of each CUDA major release on Linux: table 2 of NVIDIA's CUDA release notes
DRIVERS = {11: "450.80", 12: "525.60", 13: "580.65"}


def get_gpu_info() -> dict[str, Any]:
    """Return what NVML says of this machine's GPUs.

    `available` (bool), `reason` (why not, else ""), `driver` (its version), `cuda_driver` (the newest CUDA it
    knows, "13.0") and `devices`, a list with, for each: index, name, uuid, compute_capability ("9.0"),
    memory_total_gb, memory_used_gb and memory_free_gb (GiB), utilization_percent, temperature_c, power_w, and
    processes (pid, name, memory_gb). What the driver does not tell is None.
    """
    try:
        with nvml() as library:
            driver = text(ask_or_none(library, library.nvmlSystemGetDriverVersion))
            newest = ask_or_none(library, library.nvmlSystemGetCudaDriverVersion_v2)
            devices = read_devices(library)
    except NoDriverError as error:
        return {"available": False, "reason": str(error), "driver": None, "cuda_driver": None, "devices": []}
    cuda = f"{newest // 1000}.{newest % 1000 // 10}" if newest else None
    reason = "" if devices else f"driver {driver} sees no GPU"
    return {
        "available": bool(devices),
        "reason": reason,
        "driver": driver,
        "cuda_driver": cuda,
        "devices": devices,
    }


def get_optimal_device() -> str:
    """Return "cuda:N", the device with the most free memory of those torch may use, or "cpu" if there is none."""
    if find_spec("torch") is None:
        return "cpu"
    import torch

    if not torch.cuda.is_available():
        return "cpu"
    free = {index: torch.cuda.mem_get_info(index)[0] for index in range(torch.cuda.device_count())}
    return f"cuda:{max(free, key=lambda index: free[index])}"


def get_optimal_settings(device: str | None = None) -> dict[str, Any]:
    """Return what suits `device`, by default the optimal one.

    `device`, `dtype` (for torch.autocast: "bfloat16", "float16" or "float32"), `amp` (whether autocast gains
    anything), `tf32`, `compute_capability` (or None) and, for a DataLoader, `num_workers`, `pin_memory` and
    `persistent_workers`.
    """
    device = device or get_optimal_device()
    capability = _capability(device)
    dtype = "float32" if capability < (7, 0) else "float16" if capability < (8, 0) else "bfloat16"
    workers = default_workers()
    return {
        "device": device,
        "dtype": dtype,
        "amp": dtype != "float32",
        "tf32": capability >= (8, 0),
        "compute_capability": ".".join(map(str, capability)) if capability > (0, 0) else None,
        "num_workers": workers,
        "pin_memory": capability > (0, 0),
        "persistent_workers": True,
    }


def check_cuda_compatibility() -> dict[str, Any]:
    """Return whether this torch can compute on this machine's GPUs.

    `compatible` (bool; all of them), `problems` (sentences, each with a remedy), `torch`, `cuda_runtime` (that
    torch was built for), `cuda_driver`, `driver`, `architectures` (that torch holds code for) and `devices`: for
    each, index, name, compute_capability and compatible.
    """
    gpus = get_gpu_info()
    version, runtime, architectures = _torch_build()
    devices = [
        {
            **{key: gpu[key] for key in ("index", "name", "compute_capability")},
            "compatible": runs_on(gpu["compute_capability"], architectures),
        }
        for gpu in gpus["devices"]
    ]
    problems = list(_problems(gpus, version, runtime, devices))
    return {
        "compatible": not problems,
        "problems": problems,
        "torch": version,
        "cuda_runtime": runtime,
        "cuda_driver": gpus["cuda_driver"],
        "driver": gpus["driver"],
        "architectures": list(architectures),
        "devices": devices,
    }


def runs_on(compute_capability: str | None, architectures: Sequence[str]) -> bool:
    """Tell whether code for `architectures` ("sm_90", "compute_120") runs on a GPU.

    Machine code runs on the same major number with the same or a higher minor one, "a" behind it on that very
    number alone; code that is compiled on loading (compute_) on anything newer. A GPU that says no number is
    given the benefit of the doubt.
    """
    if compute_capability is None:
        return True
    major, minor = map(int, compute_capability.split("."))
    for found in (re.fullmatch(r"(sm|compute)_(\d+)(\d)([af]?)", name) for name in architectures):
        if found is None:
            continue
        kind, built, suffix = found[1], (int(found[2]), int(found[3])), found[4]
        if suffix == "a":
            fits = built == (major, minor)
        elif kind == "compute" and not suffix:
            fits = built <= (major, minor)
        else:
            fits = built[0] == major and built[1] <= minor
        if fits:
            return True
    return False


def _problems(
    gpus: dict[str, Any], version: str | None, runtime: str | None, devices: list[dict[str, Any]]
) -> list[str]:
    if not gpus["available"]:
        return [gpus["reason"]]
    if version is None:
        return ["torch is not installed; uv pip install -r requirements.txt"]
    if runtime is None:
        return [f"torch {version} is built for the CPU alone; install the build of the package index: torch=={version}"]
    wanted, known = int(runtime.split(".")[0]), gpus["cuda_driver"]
    if known and int(known.split(".")[0]) < wanted:
        need = f", {DRIVERS[wanted]} or newer" if wanted in DRIVERS else ""
        return [f"driver {gpus['driver']} knows CUDA {known}, torch is built for {runtime}; update the driver{need}"]
    return [
        f"{device['name']}: torch {version} holds no code for compute capability {device['compute_capability']}; "
        "install a torch release that does"
        for device in devices
        if not device["compatible"]
    ]


def _torch_build() -> tuple[str | None, str | None, list[str]]:
    """Return torch's version, the CUDA it was built for, and the architectures it holds code for."""
    if find_spec("torch") is None:
        return None, None, []
    import torch

    flags = torch._C._cuda_getArchFlags() if torch.version.cuda else None  # get_arch_list is empty without a GPU
    return torch.__version__, torch.version.cuda, flags.split() if flags else []


def _capability(device: str) -> tuple[int, int]:
    if not device.startswith("cuda"):
        return (0, 0)
    import torch

    return torch.cuda.get_device_capability(device)
