"""A management library with the GPUs a test describes."""

import sys
from collections.abc import Callable
from types import SimpleNamespace

import pytest

GIB = 2**30


class NVMLError(Exception):
    pass


def unknown(*_):
    raise NVMLError("Not Supported")


def library(*gpus: dict, cuda: int = 13000, driver: str = "580.95.05") -> SimpleNamespace:
    """Return a stand-in for pynvml; a GPU is its name, capability and whatever differs from an idle one of 80 GiB."""

    def of(key: str, otherwise=None) -> Callable:
        return lambda gpu: gpu.get(key, otherwise) if gpu.get(key, otherwise) is not None else unknown()

    def memory(gpu: dict) -> SimpleNamespace:
        total, used = gpu.get("total", 80) * GIB, gpu.get("used", 0) * GIB
        return SimpleNamespace(total=total, used=used, free=total - used)

    return SimpleNamespace(
        NVMLError=NVMLError,
        NVML_TEMPERATURE_GPU=0,
        nvmlInit=lambda: None,
        nvmlShutdown=lambda: None,
        nvmlSystemGetDriverVersion=lambda: driver,
        nvmlSystemGetCudaDriverVersion_v2=lambda: cuda,
        nvmlSystemGetProcessName=lambda pid: f"/usr/bin/trainer-{pid}",
        nvmlDeviceGetCount=lambda: len(gpus),
        nvmlDeviceGetHandleByIndex=lambda index: gpus[index],
        nvmlDeviceGetName=of("name"),
        nvmlDeviceGetUUID=of("uuid", b"GPU-1"),
        nvmlDeviceGetMemoryInfo=memory,
        nvmlDeviceGetCudaComputeCapability=of("capability"),
        nvmlDeviceGetUtilizationRates=lambda gpu: SimpleNamespace(gpu=gpu["busy"]) if "busy" in gpu else unknown(),
        nvmlDeviceGetTemperature=lambda gpu, _sensor: gpu["celsius"] if "celsius" in gpu else unknown(),
        nvmlDeviceGetPowerUsage=of("milliwatts"),
        nvmlDeviceGetComputeRunningProcesses=lambda gpu: gpu.get("processes", []),
    )


@pytest.fixture
def gpus(monkeypatch) -> Callable[..., None]:
    """Put GPUs into this machine, as far as the management library goes."""

    def install(*found: dict, **changes) -> None:
        monkeypatch.setitem(sys.modules, "pynvml", library(*found, **changes))

    return install


@pytest.fixture
def no_driver(monkeypatch) -> None:
    """Take the driver out of this machine."""
    bare = library()
    bare.nvmlInit = unknown
    monkeypatch.setitem(sys.modules, "pynvml", bare)


@pytest.fixture
def hopper() -> dict:
    process = SimpleNamespace(pid=42, usedGpuMemory=3 * GIB)
    return {
        **{"name": "H100", "capability": (9, 0), "used": 20, "busy": 50, "celsius": 61, "milliwatts": 300_500},
        "processes": [process],
    }


@pytest.fixture
def torch_build(monkeypatch) -> Callable[..., None]:
    """Let torch have been built for a release of CUDA and some architectures."""

    def install(runtime: str | None, *architectures: str) -> None:
        from ml_skeleton.utils import gpu

        monkeypatch.setattr(gpu, "_torch_build", lambda: ("2.11.0", runtime, list(architectures)))

    return install
