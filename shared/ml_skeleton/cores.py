"""How many processes a tool starts when it is not told."""

import os


def default_workers() -> int:
    """Return 80 % of the cores this process may use, at least 1; the rest keeps the machine usable."""
    return max(1, round(len(os.sched_getaffinity(0)) * 0.8))
