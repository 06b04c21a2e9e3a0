"""What NVIDIA's management library says of the GPUs of this machine; it needs neither torch nor CUDA."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

GIB = 2**30


class NoDriverError(Exception):
    """There is nothing to ask; the message is one sentence that says why."""


@contextmanager
def nvml() -> Iterator[Any]:
    """Yield the module pynvml, ready to be asked; raise NoDriverError where it cannot be."""
    try:
        import pynvml
    except ImportError:
        raise NoDriverError("nvidia-ml-py is not installed, so no GPU can be looked at") from None
    try:
        pynvml.nvmlInit()
    except pynvml.NVMLError as error:
        raise NoDriverError(f"no NVIDIA driver answers ({error}), so everything runs on the CPU") from None
    try:
        yield pynvml
    finally:
        pynvml.nvmlShutdown()


def read_devices(library: Any) -> list[dict[str, Any]]:
    """Return one dict per GPU, in the order of nvidia-smi, with the keys that `get_gpu_info` of utils.gpu names."""
    return [_read(library, index) for index in range(library.nvmlDeviceGetCount())]


def _read(library: Any, index: int) -> dict[str, Any]:
    handle = library.nvmlDeviceGetHandleByIndex(index)

    def ask(question: Callable[[Any], Any]) -> Any:
        return ask_or_none(library, lambda: question(handle))

    memory = ask(library.nvmlDeviceGetMemoryInfo)
    usage = ask(library.nvmlDeviceGetUtilizationRates)
    capability = ask(library.nvmlDeviceGetCudaComputeCapability)
    power = ask(library.nvmlDeviceGetPowerUsage)
    return {
        "index": index,
        "name": text(ask(library.nvmlDeviceGetName)),
        "uuid": text(ask(library.nvmlDeviceGetUUID)),
        "compute_capability": ".".join(map(str, capability)) if capability else None,
        "memory_total_gb": memory and memory.total / GIB,
        "memory_used_gb": memory and memory.used / GIB,
        "memory_free_gb": memory and memory.free / GIB,
        "utilization_percent": usage and usage.gpu,
        "temperature_c": ask(lambda gpu: library.nvmlDeviceGetTemperature(gpu, library.NVML_TEMPERATURE_GPU)),
        "power_w": None if power is None else power / 1000,
        "processes": [_process(library, one) for one in ask(library.nvmlDeviceGetComputeRunningProcesses) or ()],
    }


def _process(library: Any, found: Any) -> dict[str, Any]:
    name = text(ask_or_none(library, lambda: library.nvmlSystemGetProcessName(found.pid)))
    memory_gb = None if found.usedGpuMemory is None else found.usedGpuMemory / GIB
    return {"pid": found.pid, "name": name, "memory_gb": memory_gb}


def ask_or_none(library: Any, question: Callable[[], Any]) -> Any:
    """Return the answer, or None where this GPU or driver has none: MIG, containers and old cards lack some."""
    try:
        return question()
    except library.NVMLError:
        return None


def text(answer: str | bytes | None) -> str | None:
    """Return a name as text; older releases of the library give bytes."""
    return answer.decode("utf-8", "replace") if isinstance(answer, bytes) else answer
