"""Devices: those that are not there are refused, and memory is what the process may have."""

import pytest
import torch
from ml_skeleton.errors import UsageError, UserError
from ml_skeleton.music import devices
from ml_skeleton.music.devices import check_device_name, choose_device, free_host_memory, out_of_memory_in_one_line


@pytest.mark.parametrize("name", ["gpu", "cuda:x", "cuda:-1", "", "CPU"])
def test_a_mistyped_device_is_refused(name):
    with pytest.raises(UsageError, match="unknown; expected auto, cpu, cuda or cuda:N"):
        check_device_name(name)


def test_a_device_that_this_machine_lacks_is_refused(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)

    with pytest.raises(UsageError, match="this machine has 0 CUDA devices; try --device cpu"):
        choose_device("cuda:3")


def test_without_a_gpu_auto_is_the_cpu(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)

    assert choose_device("auto") == torch.device("cpu")


def test_auto_is_the_gpu_with_the_most_free_memory(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 3)
    monkeypatch.setattr(devices, "_free_by_nvml", lambda count: [3, 9, 5])
    monkeypatch.delenv("LOCAL_RANK", raising=False)

    assert choose_device("auto") == torch.device("cuda", 1)


def test_under_torchrun_each_process_has_the_gpu_of_its_number(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 3)
    monkeypatch.setenv("LOCAL_RANK", "2")

    assert choose_device("auto") == torch.device("cuda", 2)


def test_a_container_s_limit_is_the_memory_there_is(monkeypatch, tmp_path):
    limit, use = tmp_path / "memory.max", tmp_path / "memory.current"
    limit.write_text("1000000\n")
    use.write_text("400000\n")
    monkeypatch.setattr(devices, "CGROUP_LIMITS", (limit,))
    monkeypatch.setattr(devices, "CGROUP_USES", (use,))

    assert free_host_memory() == 600_000


def test_running_out_of_memory_says_which_batch_size_to_try():
    with (
        pytest.raises(
            UserError, match="out of memory with batches of 64 windows; try --batch-size 32, --batch-size auto"
        ),
        out_of_memory_in_one_line(torch.device("cuda:0"), 64),
    ):
        raise torch.OutOfMemoryError("CUDA out of memory")
