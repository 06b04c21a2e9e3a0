"""GPUs as lines for a person."""

from collections.abc import Iterator
from typing import Any


def gpu_table(found: dict[str, Any]) -> str:
    """Return what `get_gpu_info` found as lines; one sentence if there is no GPU."""
    if not found["available"]:
        return f"no GPU: {found['reason']}"
    head = f"driver {_known(found['driver'])}, CUDA up to {_known(found['cuda_driver'])}"
    return "\n".join([head, *(line for device in found["devices"] for line in _lines(device))])


def _lines(device: dict[str, Any]) -> Iterator[str]:
    facts = (
        f"compute capability {_known(device['compute_capability'])}",
        f"{_known(device['memory_used_gb'], '.1f')} of {_known(device['memory_total_gb'], '.1f')} GB used",
        f"{_known(device['utilization_percent'])} % busy",
        f"{_known(device['temperature_c'])} °C",
        f"{_known(device['power_w'], '.0f')} W",
    )
    yield f"gpu {device['index']}: {_known(device['name'])}, {', '.join(facts)}"
    for process in device["processes"]:
        yield f"  process {process['pid']}, {_known(process['name'])}: {_known(process['memory_gb'], '.1f')} GB"


def _known(value: Any, form: str = "") -> str:
    return "?" if value is None else format(value, form)
