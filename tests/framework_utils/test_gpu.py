"""What the management library tells, what runs where, and plain words where there is no GPU."""

import json

import pytest
from ml_skeleton.utils.gpu import (
    check_cuda_compatibility,
    get_gpu_info,
    get_optimal_device,
    get_optimal_settings,
    runs_on,
)
from ml_skeleton.utils.gpu_table import gpu_table
from ml_skeleton.utils.verify import _device


def test_everything_the_library_tells_of_a_gpu_is_there(gpus, hopper):
    gpus(hopper)

    assert get_gpu_info() == {
        "available": True,
        "reason": "",
        "driver": "580.95.05",
        "cuda_driver": "13.0",
        "devices": [
            {
                "index": 0,
                "name": "H100",
                "uuid": "GPU-1",
                "compute_capability": "9.0",
                "memory_total_gb": 80.0,
                "memory_used_gb": 20.0,
                "memory_free_gb": 60.0,
                "utilization_percent": 50,
                "temperature_c": 61,
                "power_w": 300.5,
                "processes": [{"pid": 42, "name": "/usr/bin/trainer-42", "memory_gb": 3.0}],
            }
        ],
    }


def test_what_a_gpu_does_not_tell_is_none_and_the_rest_is_there(gpus):
    gpus({"name": "MIG 1g.10gb", "capability": (9, 0), "total": 10})

    (device,) = get_gpu_info()["devices"]

    assert (device["utilization_percent"], device["temperature_c"], device["memory_total_gb"]) == (None, None, 10.0)


def test_without_a_driver_a_sentence_says_so(no_driver):
    found = get_gpu_info()

    assert (found["available"], found["devices"]) == (False, [])
    assert gpu_table(found) == "no GPU: no NVIDIA driver answers (Not Supported), so everything runs on the CPU"


def test_the_table_shows_a_gpu_and_who_uses_it(gpus, hopper):
    gpus(hopper)

    assert gpu_table(get_gpu_info()).splitlines() == [
        "driver 580.95.05, CUDA up to 13.0",
        "gpu 0: H100, compute capability 9.0, 20.0 of 80.0 GB used, 50 % busy, 61 °C, 300 W",
        "  process 42, /usr/bin/trainer-42: 3.0 GB",
    ]


@pytest.mark.parametrize(
    ("capability", "architectures", "runs"),
    [
        ("9.0", ["sm_80", "sm_90"], True),
        ("8.6", ["sm_80"], True),  # machine code holds for higher minor numbers
        ("8.0", ["sm_86"], False),
        ("12.0", ["sm_80", "sm_90"], False),
        ("12.0", ["sm_90", "sm_120"], True),
        ("12.1", ["sm_120"], True),
        ("12.0", ["sm_100"], False),
        ("12.0", ["compute_90"], True),  # compiled on loading
        ("12.0", ["sm_90a", "compute_90a"], False),
        ("9.0", ["sm_90a"], True),
        ("12.1", ["sm_120f"], True),
        ("9.0", [], False),
        (None, ["sm_90"], True),
    ],
)
def test_code_runs_on_the_gpus_it_was_built_for(capability, architectures, runs):
    assert runs_on(capability, architectures) is runs


def test_a_hopper_with_a_new_driver_is_compatible(gpus, hopper, torch_build):
    gpus(hopper)
    torch_build("13.0", "sm_80", "sm_90", "sm_120")

    found = check_cuda_compatibility()

    assert (found["compatible"], found["problems"]) == (True, [])
    assert found["devices"] == [{"index": 0, "name": "H100", "compute_capability": "9.0", "compatible": True}]


def test_a_driver_of_an_older_major_release_is_too_old(gpus, hopper, torch_build):
    gpus(hopper, cuda=12040, driver="550.54")
    torch_build("13.0", "sm_90")

    (problem,) = check_cuda_compatibility()["problems"]

    assert problem == "driver 550.54 knows CUDA 12.4, torch is built for 13.0; update the driver, 580.65 or newer"


def test_a_driver_of_an_older_minor_release_is_new_enough(gpus, hopper, torch_build):
    gpus(hopper, cuda=12040)
    torch_build("12.8", "sm_90")

    assert check_cuda_compatibility()["compatible"]


def test_a_blackwell_needs_a_torch_that_knows_it(gpus, torch_build):
    gpus({"name": "RTX 5090", "capability": (12, 0)})
    torch_build("12.6", "sm_80", "sm_90")

    (problem,) = check_cuda_compatibility()["problems"]

    assert problem.startswith("RTX 5090: torch 2.11.0 holds no code for compute capability 12.0; ")


def test_a_torch_for_the_cpu_beside_a_gpu_is_a_problem(gpus, hopper, torch_build):
    gpus(hopper)
    torch_build(None)

    (problem,) = check_cuda_compatibility()["problems"]

    assert problem.startswith("torch 2.11.0 is built for the CPU alone; ")


def test_verify_shows_the_remedy_beside_a_gpu_that_cannot_be_used(gpus, hopper, torch_build):
    gpus(hopper, cuda=12040)
    torch_build("13.0", "sm_90")

    cuda, gpu = _device()

    assert (cuda.state, cuda.remedy) == ("warning", "update the driver, 580.65 or newer")
    assert (gpu.name, gpu.state) == ("gpu 0", "ok")


@pytest.mark.parametrize(
    ("capability", "settings"),
    [
        ((12, 0), ("bfloat16", True, True)),
        ((7, 5), ("float16", True, False)),
        ((6, 1), ("float32", False, False)),
    ],
)
def test_a_gpu_computes_in_the_shortest_numbers_it_is_made_for(capability, settings, monkeypatch):
    monkeypatch.setattr("torch.cuda.get_device_capability", lambda _device: capability)

    found = get_optimal_settings("cuda:0")

    assert (found["dtype"], found["amp"], found["tf32"]) == settings


def test_the_gpu_with_the_most_free_memory_is_the_optimal_one(monkeypatch):
    monkeypatch.setattr("torch.cuda.is_available", lambda: True)
    monkeypatch.setattr("torch.cuda.device_count", lambda: 3)
    monkeypatch.setattr("torch.cuda.mem_get_info", lambda index: ([10, 70, 30][index], 80))

    assert get_optimal_device() == "cuda:1"


def test_without_a_gpu_the_settings_are_those_of_the_cpu(monkeypatch):
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)

    found = get_optimal_settings()

    assert (found["device"], found["dtype"], found["compute_capability"]) == ("cpu", "float32", None)
    assert json.dumps(found)
