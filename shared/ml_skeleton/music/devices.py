"""Where to compute."""

import torch

from ml_skeleton.errors import UsageError


def choose_device(name: str) -> torch.device:
    """Return the device that `name` means; "auto" is the first CUDA device, or the CPU where there is none.

    Raises UsageError for a device that this machine does not have.
    """
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
    except RuntimeError:
        raise UsageError(f"--device {name}: unknown; expected auto, cpu, cuda or cuda:N") from None
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        raise UsageError(
            f"--device {name}: this machine has {torch.cuda.device_count()} CUDA devices; try --device cpu"
        )
    return device
