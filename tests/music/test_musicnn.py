"""musicnn from TensorFlow's files without TensorFlow; the files here are made by a writer of the same form."""

import os
import struct

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from ml_skeleton.errors import InputError
from ml_skeleton.music.encoders import build_encoder, new_encoder
from ml_skeleton.music.encoders.musicnn_files import DATA, INDEX, load_musicnn
from ml_skeleton.music.encoders.tf_checkpoint import MAGIC, BadCheckpoint, masked_sum, read_variables

KEYS_PER_BLOCK = 3


def varint(number: int) -> bytes:
    low, rest = number & 0x7F, number >> 7
    return bytes([low | 0x80]) + varint(rest) if rest else bytes([low])


def field(number: int, value: int | bytes) -> bytes:
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    return varint(number << 3 | 2) + varint(len(value)) + value


def entry(dtype: int, shape: tuple[int, ...], offset: int, content: bytes, shard: int = 0) -> bytes:
    dimensions = b"".join(field(2, field(1, extent)) for extent in shape)
    place = field(3, shard) + field(4, offset) + field(5, len(content))
    checked = bytes([6 << 3 | 5]) + struct.pack("<I", masked_sum(content))
    return field(1, dtype) + field(2, dimensions) + place + checked


def block(pairs: list[tuple[bytes, bytes]], compression: int = 0) -> bytes:
    """Return a block whose keys leave out what they share with the key before."""
    content, before = b"", b""
    for key, value in pairs:
        shared = next(
            (n for n, (a, b) in enumerate(zip(key, before, strict=False)) if a != b), min(map(len, (key, before)))
        )
        content += varint(shared) + varint(len(key) - shared) + varint(len(value)) + key[shared:] + value
        before = key
    content += struct.pack("<II", 0, 1) + bytes([compression])
    return content + struct.pack("<I", masked_sum(content))


def index_of(entries: dict[str, bytes], compression: int = 0) -> bytes:
    pairs = [(b"", field(1, 1)), *((name.encode(), entries[name]) for name in sorted(entries))]
    content, handles = b"", []
    for start in range(0, len(pairs), KEYS_PER_BLOCK):
        held = pairs[start : start + KEYS_PER_BLOCK]
        body = block(held, compression)
        handles.append((held[-1][0] + b"~", varint(len(content)) + varint(len(body) - 5)))
        content += body
    index_block = block(handles)
    footer = varint(0) + varint(0) + varint(len(content)) + varint(len(index_block) - 5)
    return content + index_block + footer.ljust(40, b"\0") + struct.pack("<Q", MAGIC)


def checkpoint_of(variables: dict[str, np.ndarray]) -> tuple[bytes, bytes]:
    """Return the contents of the index and the data of a checkpoint."""
    entries, data = {}, b""
    for name, values in variables.items():
        raw = values.astype("<f4").tobytes()
        entries[name] = entry(1, values.shape, len(data), raw)
        data += raw
    return index_of(entries), data


NAMES = st.text("abconv2d/_0123", min_size=1, max_size=12)
VALUES = arrays(np.float32, array_shapes(min_dims=0, max_dims=3, max_side=4), elements=st.floats(-1, 1, width=32))


@given(st.dictionaries(NAMES, VALUES, max_size=12))
def test_every_variable_comes_back_with_its_shape_and_values(variables):
    read = read_variables(*checkpoint_of(variables))

    assert read.keys() == variables.keys()
    for name, values in variables.items():
        np.testing.assert_array_equal(read[name], values, strict=True)


def test_variables_of_other_types_are_left_out():
    index = index_of({"step": entry(9, (), 0, bytes(8)), "w": entry(1, (1,), 8, bytes(4))})

    assert read_variables(index, bytes(12)).keys() == {"w"}


def test_the_sum_is_crc_32c():
    """RFC 3720, appendix B.4: 32 bytes of 0 sum up to aa36918a in the order they are sent in."""
    total = 0x8A9136AA

    assert masked_sum(bytes(32)) == ((total >> 15 | total << 17) + 0xA282EAD8) & 0xFFFFFFFF


@pytest.mark.parametrize(
    ("index", "message"),
    [
        (b"no table", "does not end as an index"),
        (index_of({"w": entry(1, (2,), 0, bytes(4))}), r"shape \(2,\) should be bytes 0 to 4 of the data, which has 4"),
        (index_of({"w": entry(1, (2,), 4, bytes(8))}), "should be bytes 4 to 12 of the data, which has 4"),
        (index_of({"w": entry(1, (1,), 0, bytes(4), shard=1)}), "in part 1 of the data"),
        (index_of({"w": entry(1, (1,), 0, bytes(4))}, compression=1), "is compressed"),
        (b"\xff" * 3 + index_of({})[3:], "the index is damaged, a sum is wrong"),
        (index_of({"w": entry(1, (1,), 0, b"none")}), "variable w is damaged"),
    ],
)
def test_what_cannot_be_read_is_said(index, message):
    with pytest.raises(BadCheckpoint, match=message):
        read_variables(index, bytes(4))


NORMALISED = [1, 204, 204, 51, 51, 51, 8, 8, 8, 2 * (2 * 204 + 3 * 51 + 3 * 8), 5]  # channels of each, in order
KERNELS = [
    *((7, 38, 1, 204), (7, 67, 1, 204), (128, 1, 1, 51), (64, 1, 1, 51), (32, 1, 1, 51)),
    *((7, 561, 1, 8), (7, 8, 1, 8), (7, 8, 1, 8)),
]


@pytest.fixture(scope="module")
def small_musicnn():
    """Return the variables of a musicnn with 8 channels in the middle and 5 units, of random weights, by name."""
    random = np.random.default_rng(0)
    variables = {}

    def add(name, shape, scale=0.1, centre=0.0):
        variables[name] = (centre + scale * random.standard_normal(shape)).astype(np.float32)

    for number, shape in enumerate(KERNELS):
        name = f"conv2d_{number}" if number else "conv2d"
        add(f"{name}/kernel", shape)
        add(f"{name}/bias", shape[-1])
    for number, channels in enumerate(NORMALISED):
        name = f"batch_normalization_{number}" if number else "batch_normalization"
        for figure, centre in (("gamma", 1.0), ("beta", 0.0), ("moving_mean", 0.0), ("moving_variance", 1.0)):
            add(f"{name}/{figure}", channels, centre=centre)
    add("dense/kernel", (NORMALISED[-2], 5))
    add("dense/bias", 5)
    return variables


@pytest.fixture
def weights_folder(small_musicnn, tmp_path):
    index, data = checkpoint_of(small_musicnn)
    (tmp_path / INDEX).write_bytes(index)
    (tmp_path / DATA).write_bytes(data)
    return tmp_path


def penultimate(patch, variables):
    """Return what the paper and its graph describe for a patch (187, 96), step by step, in numpy (float64)."""

    def kernel(number):
        name = f"conv2d_{number}" if number else "conv2d"
        return variables[f"{name}/kernel"].astype(np.float64), variables[f"{name}/bias"]

    def normalised(values, number):
        name = f"batch_normalization_{number}" if number else "batch_normalization"
        gamma, beta, mean, variance = (
            variables[f"{name}/{figure}"] for figure in ("gamma", "beta", "moving_mean", "moving_variance")
        )
        return (values - mean) / np.sqrt(variance + 1e-3) * gamma + beta

    def convolved(image, number, before, after):
        """Return a rectified convolution (L, W', C) of an image (L, W) padded in time."""
        weights, bias = kernel(number)
        padded = np.pad(image, ((before, after), (0, 0)))
        views = np.lib.stride_tricks.sliding_window_view(padded, weights.shape[:2])  # (L, W', kh, kw)
        return np.maximum(np.einsum("lwhk,hkc->lwc", views, weights[:, :, 0], optimize=True) + bias, 0)

    image = normalised(patch[..., None], 0)[..., 0]
    padding = [(3, 3), (3, 3), (63, 64), (31, 32), (15, 16)]
    front = [normalised(convolved(image, n, *padding[n]), n + 1).max(axis=1) for n in range(5)]
    layers = [np.concatenate(front, axis=1)]
    for number in (5, 6, 7):
        layer = normalised(convolved(layers[-1], number, 3, 3)[:, 0], number + 1)
        layers.append(layer + (layers[-1] if number > 5 else 0))
    frames = np.concatenate(layers, axis=1)
    pooled = np.stack([frames.max(axis=0), frames.mean(axis=0)], axis=1).reshape(-1)
    dense = normalised(pooled, 9) @ variables["dense/kernel"] + variables["dense/bias"]
    return normalised(np.maximum(dense, 0), 10)


def test_the_network_computes_what_the_original_describes(small_musicnn, weights_folder):
    patch = np.random.default_rng(1).random((187, 96)).astype(np.float32)

    encoder = new_encoder(f"musicnn:{weights_folder}", {}, 16000, albums=0).encoder

    found = encoder.of_log_mel(torch.from_numpy(patch)[None])[0].numpy()
    np.testing.assert_allclose(found, penultimate(patch, small_musicnn), atol=1e-4)


def test_the_checkpoint_needs_no_file_of_the_original(weights_folder):
    new = new_encoder(f"musicnn:{weights_folder}", {}, 22050, albums=0)
    again = build_encoder(new.model, new.arguments)
    again.load_state_dict(new.encoder.state_dict())

    audio = torch.randn(2, 22050, generator=torch.Generator().manual_seed(0))
    assert (new.model, new.source) == ("musicnn", str(weights_folder))
    assert torch.equal(again.eval()(audio), new.encoder(audio))


def test_it_is_frozen_unless_it_is_to_be_trained(weights_folder):
    frozen, trained = (
        new_encoder(f"musicnn:{weights_folder}", arguments, 16000, 0).encoder.train()
        for arguments in ({}, {"trainable": True})
    )

    assert [any(weight.requires_grad for weight in encoder.parameters()) for encoder in (frozen, trained)] == [
        False,
        True,
    ]
    assert [encoder.norm.training for encoder in (frozen, trained)] == [False, True]


def test_weights_of_something_else_are_refused(tmp_path, small_musicnn):
    index, data = checkpoint_of({"dense/bias": np.zeros(5), "conv2d_5/bias": np.zeros(8)})
    (tmp_path / INDEX).write_bytes(index)
    (tmp_path / DATA).write_bytes(data)

    with pytest.raises(
        InputError, match="not the weights of musicnn: no variable 'conv2d/kernel'; its wheel holds them"
    ):
        load_musicnn(tmp_path, 16000)
    with pytest.raises(InputError, match="cannot read the weights of musicnn: No such file"):
        load_musicnn(tmp_path / "none", 16000)


@pytest.mark.skipif("MUSICNN_WHEEL" not in os.environ, reason="MUSICNN_WHEEL names no wheel of musicnn")
def test_the_real_weights_give_what_the_original_graph_gives():
    """The figures are those of its graph, restored and run by TensorFlow 2.21."""
    patch = torch.from_numpy((np.random.default_rng(0).random((1, 187, 96)) * 4).astype(np.float32))

    encoder = new_encoder(f"musicnn:{os.environ['MUSICNN_WHEEL']}", {}, 16000, albums=0).encoder

    expected = [-0.0298474, 0.3511268, -0.2848264, 3.6982026, -0.3531506, 4.7095933]
    assert encoder.of_log_mel(patch)[0, :6].tolist() == pytest.approx(expected, abs=2e-5)
