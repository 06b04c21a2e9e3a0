"""Checkpoints: whole or refused, and never a way to run code."""

import os
import pickle
import resource
import subprocess
import sys

import pytest
import torch
from ml_skeleton.artifacts.checkpoints import FORMAT, load_tensors, read_header, save_checkpoint
from ml_skeleton.artifacts.provenance import Parent, Provenance
from ml_skeleton.errors import InputError, UserError

PARENT = Parent("crops", "/crops", "c" * 32)


def save(path, kind="encoder", number=FORMAT, weights=None):
    weights = {"layer.weight": torch.arange(600.0).reshape(20, 30)} if weights is None else weights
    content = {"model": "simple", "arguments": {"width": 8}, "weights": weights, "metrics": {"val_loss": None}}
    return save_checkpoint(path, Provenance(kind, number, "test", seed=3, parents=(PARENT,)), content)


def test_the_header_and_the_weights_come_back(tmp_path):
    saved = save(tmp_path / "encoder.pt")

    header = read_header(tmp_path / "encoder.pt", "encoder")

    assert (header.provenance, header.fingerprint) == (saved.provenance, saved.fingerprint)
    assert header.content["metrics"] == {"val_loss": None}
    assert load_tensors(header)["weights"]["layer.weight"].equal(torch.arange(600.0).reshape(20, 30))


def test_the_fingerprint_is_that_of_the_model_and_not_of_the_file(tmp_path):
    first, second = save(tmp_path / "a.pt"), save(tmp_path / "b.pt")
    other = save(tmp_path / "c.pt", weights={"layer.weight": torch.zeros(2)})

    assert (first.fingerprint == second.fingerprint, first.fingerprint == other.fingerprint) == (True, False)


def test_torch_alone_can_read_the_plain_dict(tmp_path):
    save(tmp_path / "encoder.pt")

    content = torch.load(tmp_path / "encoder.pt", weights_only=True)

    assert (content["model"], content["arguments"]) == ("simple", {"width": 8})


def test_reading_the_header_imports_no_torch(tmp_path):
    save(tmp_path / "encoder.pt")
    code = (
        "import sys, pathlib; from ml_skeleton.artifacts.checkpoints import read_header; "
        f"read_header(pathlib.Path({str(tmp_path / 'encoder.pt')!r}), 'encoder'); print('torch' in sys.modules)"
    )

    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout == "False\n"


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.999])
def test_a_truncated_checkpoint_is_refused_with_the_command_that_makes_it(tmp_path, share):
    path = tmp_path / "encoder.pt"
    save(path)
    os.truncate(path, int(path.stat().st_size * share))

    with pytest.raises(InputError, match=r"encoder.pt: damaged, or no encoder; make it again with: train-encoder"):
        read_header(path, "encoder")


def test_a_weight_with_a_flipped_bit_is_refused(tmp_path):
    path = tmp_path / "encoder.pt"
    save(path)
    content = bytearray(path.read_bytes())
    place = content.index(torch.arange(600.0).numpy().tobytes())
    content[place + 99] ^= 1
    path.write_bytes(content)

    with pytest.raises(InputError, match="its weights are damaged"):
        load_tensors(read_header(path, "encoder"))


@pytest.mark.parametrize(
    ("kind", "number", "message"),
    [
        ("classifier", FORMAT, "found classifier, expected encoder"),
        ("encoder", 99, "encoder format 99, this version reads format"),
    ],
)
def test_another_kind_or_format_number_is_refused(tmp_path, kind, number, message):
    save(tmp_path / "encoder.pt", kind, number)

    with pytest.raises(InputError, match=message):
        read_header(tmp_path / "encoder.pt", "encoder")


class Bomb:
    def __reduce__(self):
        return os.mkdir, ("exploded",)


def test_a_pickle_with_code_is_refused_and_not_run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "encoder.pt").write_bytes(pickle.dumps(Bomb()))

    with pytest.raises(InputError, match="damaged, or no encoder"):
        read_header(tmp_path / "encoder.pt", "encoder")

    assert not (tmp_path / "exploded").exists()


def test_code_hidden_behind_a_valid_header_is_not_run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "encoder.pt"
    header = save(path)
    import json
    import zipfile

    torch.save({"weights": Bomb()}, path)
    with zipfile.ZipFile(path, "a") as archive:
        folder = archive.namelist()[0].partition("/")[0]
        content = {**header.content, "ml_skeleton": header.provenance.to_json()}
        archive.writestr(f"{folder}/ml_skeleton.json", json.dumps(content))

    with pytest.raises(InputError, match="its weights are damaged"):
        load_tensors(read_header(path, "encoder"))

    assert not (tmp_path / "exploded").exists()


def test_a_crash_while_writing_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "encoder.pt"
    before = save(path)

    def power_fails(_number):
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", power_fails)
    with pytest.raises(KeyboardInterrupt):
        save(path, weights={"layer.weight": torch.zeros(2)})

    assert read_header(path, "encoder").fingerprint == before.fingerprint
    assert list(tmp_path.iterdir()) == [path]


def test_a_disk_that_is_full_is_one_line_and_leaves_the_old_file(tmp_path):
    path = tmp_path / "encoder.pt"
    before = save(path)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)

    resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, limits[1]))  # bytes of a file, as a disk with so much room
    try:
        with pytest.raises(UserError, match=r"encoder\.pt: cannot write: File too large"):
            save(path, weights={"layer.weight": torch.zeros(100_000)})
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)

    assert read_header(path, "encoder").fingerprint == before.fingerprint
    assert list(tmp_path.iterdir()) == [path]
