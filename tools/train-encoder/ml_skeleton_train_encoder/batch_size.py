"""As many windows in a batch as the device bears."""

import copy

import torch
from ml_skeleton.console import note

from ml_skeleton_train_encoder.learner import Learner

FEWEST, MOST = 8, 256  # beyond it, the learning rate would have to follow
FEWEST_STEPS = 8  # of an epoch, or few songs would make no step to speak of
ON_CPU = 32  # more windows are no faster there, and take memory


def find_batch_size(learner: Learner, length: int, windows: int, device: torch.device) -> int:
    """Return the batch size for windows of `length` samples, of which an epoch has `windows`: a power of two.

    On a GPU, half of the largest that its memory bears, tried out on a copy of
    the network.
    """
    most = min(MOST, max(FEWEST, 1 << (max(1, windows // FEWEST_STEPS).bit_length() - 1)))
    size = most
    if device.type == "cpu":
        size = min(ON_CPU, most)
    else:
        while size > FEWEST and not _bears(learner, 2 * size, length, device):
            size //= 2
    note(f"batches of {size} windows")
    return size


def step_memory(learner: Learner, size: int, length: int, device: torch.device) -> int:
    """Return the bytes of a GPU that a step with `size` windows takes; 0 on a CPU, where it is not known."""
    if device.type != "cuda":
        return 0
    torch.cuda.reset_peak_memory_stats(device)
    trial = copy.deepcopy(learner)
    audio = torch.randn(size, length, device=device)
    trial.embed(audio).square().mean().backward()  # type: ignore[no-untyped-call]
    del trial, audio
    peak: int = torch.cuda.max_memory_reserved(device)
    torch.cuda.empty_cache()
    return peak


def _bears(learner: Learner, size: int, length: int, device: torch.device) -> bool:
    try:
        step_memory(learner, size, length, device)
    except torch.OutOfMemoryError:
        torch.cuda.empty_cache()
        return False
    return True
