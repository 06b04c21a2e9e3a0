"""Weights read without torch: the same numbers, whole or refused, and never a way to run code."""

import os
import pickle
import zipfile

import numpy as np
import pytest
import torch
from ml_skeleton.artifacts.arrays import load_arrays
from ml_skeleton.artifacts.checkpoints import FORMATS, Header, load_tensors, read_header, save_checkpoint
from ml_skeleton.artifacts.provenance import Provenance
from ml_skeleton.errors import InputError

WEIGHTS = {
    "matrix": torch.arange(600.0).reshape(20, 30),
    "keys": torch.tensor([-(2**63), 7]),
    "number": torch.tensor(0.25, dtype=torch.float64),
    "empty": torch.zeros(3, 0),
    "part": torch.arange(9.0)[2:5],
}


def save(path) -> Header:
    content = {"model": "gp", "arguments": {"rank": 3}, "weights": WEIGHTS, "metrics": {}}
    return save_checkpoint(path, Provenance("classifier", FORMATS["classifier"], "test"), content)


def test_the_arrays_are_the_tensors(tmp_path):
    save(tmp_path / "c.pt")
    header = read_header(tmp_path / "c.pt", "classifier")

    arrays, tensors = load_arrays(header), load_tensors(header)["weights"]

    assert {name: (a.dtype, a.tolist()) for name, a in arrays.items()} == {
        name: (t.numpy().dtype, t.tolist()) for name, t in tensors.items()
    }


@pytest.mark.parametrize("share", [0.3, 0.6, 0.8])
def test_a_turned_bit_is_refused(tmp_path, share):
    header = save(tmp_path / "c.pt")
    content = bytearray((tmp_path / "c.pt").read_bytes())
    start = content.index(WEIGHTS["matrix"].numpy().tobytes())
    content[start + int(share * 2400)] ^= 4
    (tmp_path / "c.pt").write_bytes(content)

    with pytest.raises(InputError, match="weights are damaged; make it again with: train-classifier STORE --force"):
        load_arrays(header)


def test_a_pickle_that_would_run_code_is_refused(tmp_path):
    class Evil:
        def __reduce__(self):
            return os.mkdir, (str(tmp_path / "made"),)

    header = save(tmp_path / "c.pt")
    with zipfile.ZipFile(tmp_path / "evil.pt", "w") as archive:
        archive.writestr("c/data.pkl", pickle.dumps({"weights": Evil()}))

    with pytest.raises(InputError, match="weights are damaged"):
        load_arrays(Header(tmp_path / "evil.pt", header.provenance, header.content))
    assert not (tmp_path / "made").exists()


def test_a_tensor_that_is_not_in_the_order_of_its_rows_is_refused(tmp_path):
    content = {"model": "gp", "arguments": {}, "weights": {"turned": torch.arange(6.0).reshape(2, 3).T}, "metrics": {}}
    header = save_checkpoint(tmp_path / "c.pt", Provenance("classifier", 2, "test"), content)

    with pytest.raises(InputError, match="weights are damaged"):
        load_arrays(header)
    assert np.array_equal(load_tensors(header)["weights"]["turned"].numpy(), np.arange(6.0).reshape(2, 3).T)
