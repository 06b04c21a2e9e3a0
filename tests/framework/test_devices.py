"""Where to compute, and how much at once."""

import os
import sys

import pytest
from ml_skeleton.core.devices import default_device, gpu_ids, trials_at_once


@pytest.mark.parametrize(
    ("visible", "ids", "device"),
    [("0,1", ("0", "1"), "cuda"), ("", (), "cpu"), ("-1", (), "cpu"), ("3", ("3",), "cuda")],
)
def test_the_devices_are_those_that_are_visible(monkeypatch, visible, ids, device):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    monkeypatch.delitem(sys.modules, "torch", raising=False)

    assert (gpu_ids(), default_device()) == (ids, device)


@pytest.mark.parametrize(
    ("cores", "gpus", "resources", "most", "expected"),
    [
        (16, "0", {"cpu": 4, "gpu": 1}, 4, 1),
        (16, "0,1", {"cpu": 4, "gpu": 1}, 4, 2),
        (16, "", {"cpu": 4, "gpu": 1}, 4, 4),
        (16, "", {"cpu": 4, "gpu": 1}, 3, 3),
        (2, "", {"cpu": 4, "gpu": 1}, 4, 1),
        (2, "0", {"gpu": 0.5}, 4, 2),
        (2, "", {}, 4, 4),
    ],
)
def test_as_many_trials_run_at_once_as_the_machine_bears(monkeypatch, cores, gpus, resources, most, expected):
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: range(cores))
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", gpus)

    assert trials_at_once(most, resources) == expected
