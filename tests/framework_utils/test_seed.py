"""One seed, one result: Python, numpy, torch, and the workers of a DataLoader."""

import os
import random
import subprocess
import sys

import numpy as np
import pytest
import torch
from ml_skeleton.errors import UsageError
from ml_skeleton.utils.seed import set_deterministic, set_seed, setup_reproducibility
from torch.utils.data import DataLoader, Dataset


@pytest.fixture(autouse=True)
def as_before(monkeypatch):
    """Give the other tests back what is set for the whole process."""
    for name in ("PYTHONHASHSEED", "CUBLAS_WORKSPACE_CONFIG"):
        monkeypatch.setenv(name, os.environ.get(name, ""))
    yield
    set_deterministic(False)


class Noise(Dataset):
    """Numbers that numpy and Python draw in the worker."""

    def __len__(self) -> int:
        return 4

    def __getitem__(self, _index: int) -> tuple[float, float]:
        return np.random.random(), random.random()


def draw() -> list[float]:
    return [random.random(), float(np.random.random()), float(torch.rand(()))]


def test_the_same_seed_draws_the_same_numbers():
    set_seed(5)
    first = draw()
    set_seed(5)

    assert draw() == first


def test_another_seed_draws_others():
    set_seed(5)
    first = draw()
    set_seed(6)

    assert all(one != other for one, other in zip(first, draw(), strict=True))


def test_workers_draw_different_numbers_and_the_same_ones_again():
    def epoch() -> list[float]:
        loader = DataLoader(Noise(), batch_size=1, num_workers=2, **setup_reproducibility(5, deterministic=False))
        return [float(value) for batch in loader for value in batch]

    first = epoch()

    assert epoch() == first
    assert len(set(first)) == len(first)


def test_deterministic_algorithms_are_asked_for_and_let_go():
    set_deterministic(True)
    asked = torch.are_deterministic_algorithms_enabled()
    set_deterministic(False)

    assert (asked, torch.are_deterministic_algorithms_enabled()) == (True, False)


@pytest.mark.parametrize("seed", [-1, 2**32])
def test_a_seed_numpy_cannot_take_is_refused_before_anything_is_seeded(seed):
    state = random.getstate()

    with pytest.raises(UsageError, match="expected 0 to 4294967295"):
        set_seed(seed)

    assert random.getstate() == state


def test_seeding_does_not_import_what_is_not_used():
    code = (
        "import sys; from ml_skeleton.utils.seed import setup_reproducibility as s; print(s(1), 'torch' in sys.modules)"
    )

    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout == "{} False\n"
