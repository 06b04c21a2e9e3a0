"""Everything random from one seed, and the same seed to the same result."""

import os
import random
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import Any

from ml_skeleton.errors import UsageError

LARGEST_SEED = 2**32 - 1  # of numpy
TENSORFLOW_AND_TORCH = ("tensorflow", "torch")


def set_seed(seed: int = 42, frameworks: Sequence[str] = ()) -> int:
    """Seed Python, numpy, and torch and tensorflow where they are imported already, and return the seed.

    Those named in `frameworks` are imported for it; the others are left out, as importing them takes
    seconds. Raises UsageError outside 0 to 2**32 - 1.
    """
    import numpy as np

    if not 0 <= seed <= LARGEST_SEED:
        raise UsageError(f"seed {seed}: expected 0 to {LARGEST_SEED}")
    os.environ["PYTHONHASHSEED"] = str(seed)  # of processes started from here; this one's is fixed since its start
    random.seed(seed)
    np.random.seed(seed)
    loaded = _loaded(frameworks)
    if "torch" in loaded:
        loaded["torch"].manual_seed(seed)  # all devices
    if "tensorflow" in loaded:
        loaded["tensorflow"].random.set_seed(seed)
    return seed


def set_deterministic(enabled: bool = True, frameworks: Sequence[str] = ()) -> None:
    """Let torch and tensorflow, as in `set_seed`, choose only algorithms that give the same result again.

    They are slower. Where torch knows none, it warns and goes on; tensorflow cannot take it back.
    """
    if enabled:
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # cuBLAS reads it when CUDA starts
    loaded = _loaded(frameworks)
    if "torch" in loaded:
        torch = loaded["torch"]
        torch.use_deterministic_algorithms(enabled, warn_only=True)
        torch.backends.cudnn.deterministic = enabled
        torch.backends.cudnn.benchmark = False  # it would choose by measured time
    if "tensorflow" in loaded and enabled:
        loaded["tensorflow"].config.experimental.enable_op_determinism()


def setup_reproducibility(seed: int = 42, deterministic: bool = True, frameworks: Sequence[str] = ()) -> dict[str, Any]:
    """Do both, and return what a DataLoader needs for it: `DataLoader(songs, **setup_reproducibility(42))`.

    `worker_init_fn` and `generator` where torch is imported, else an empty dict.
    """
    set_seed(seed, frameworks)
    set_deterministic(deterministic, frameworks)
    if "torch" not in sys.modules:
        return {}
    return {"worker_init_fn": seed_worker, "generator": sys.modules["torch"].Generator().manual_seed(seed)}


def seed_worker(_worker: int) -> None:
    """Seed Python and numpy in a worker of a DataLoader from the seed that torch gave it."""
    import numpy as np

    own = sys.modules["torch"].initial_seed() % (LARGEST_SEED + 1)
    random.seed(own)
    np.random.seed(own)


def _loaded(wanted: Sequence[str]) -> dict[str, Any]:
    for name in wanted:
        import_module(name)
    return {name: sys.modules[name] for name in TENSORFLOW_AND_TORCH if name in sys.modules}
