"""How much GPU memory a process may take: the argument, else the environment, else 24 GB."""

from types import SimpleNamespace

import pytest
from ml_skeleton.errors import UsageError
from ml_skeleton.utils.memory import (
    LIMIT_VARIABLE,
    get_gpu_memory_info,
    limit_gpu_memory,
    memory_limit_gb,
    print_memory_summary,
)

GIB = 2**30


@pytest.fixture
def fractions(monkeypatch) -> dict[int, float]:
    """Put two GPUs of 80 and 16 GiB into this machine, and return the share that each is held to."""
    held: dict[int, float] = {}
    monkeypatch.delenv(LIMIT_VARIABLE, raising=False)
    monkeypatch.setattr("torch.cuda.is_available", lambda: True)
    monkeypatch.setattr("torch.cuda.device_count", lambda: 2)
    total = [80 * GIB, 16 * GIB]
    monkeypatch.setattr("torch.cuda.get_device_properties", lambda index: SimpleNamespace(total_memory=total[index]))
    monkeypatch.setattr(
        "torch.cuda.set_per_process_memory_fraction", lambda share, index: held.__setitem__(index, share)
    )
    return held


def test_a_limit_is_a_share_of_each_gpu_and_never_more_than_all_of_it(fractions):
    assert (limit_gpu_memory(), fractions) == (24.0, {0: 24 / 80, 1: 1.0})


def test_zero_lifts_the_limit(fractions):
    assert (limit_gpu_memory(0), fractions) == (None, {0: 1.0, 1: 1.0})


def test_the_environment_stands_in_for_the_argument(fractions, monkeypatch):
    monkeypatch.setenv(LIMIT_VARIABLE, "8")

    assert (memory_limit_gb(), memory_limit_gb(4)) == (8.0, 4.0)


@pytest.mark.parametrize("given", ["much", "-1", "inf", "nan"])
def test_what_is_no_size_is_refused(given, monkeypatch):
    monkeypatch.setenv(LIMIT_VARIABLE, given)

    with pytest.raises(UsageError, match=f"{LIMIT_VARIABLE}={given}: expected gigabytes"):
        memory_limit_gb()


def test_without_a_gpu_there_is_nothing_to_limit_and_the_sizes_are_zero(monkeypatch, capsys):
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)

    print_memory_summary()

    assert limit_gpu_memory(8) is None
    assert get_gpu_memory_info()["total_gb"] == 0.0
    assert capsys.readouterr().out == "no CUDA device: no GPU memory to look after\n"
