"""Reads the variables of a TensorFlow checkpoint without TensorFlow.

A checkpoint is two files. PREFIX.index is a sorted table of LevelDB's form (its
doc/table_format.md): blocks of entries whose keys leave out what they share with
the key before, an index block that finds them, a footer that finds the index.
Its values are protocol buffers (TensorFlow's tensor_bundle.proto): type, shape,
and where in PREFIX.data-00000-of-00001 the bytes of a variable lie. Blocks and
variables carry a sum (CRC-32C, masked), and all of them are checked.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

MAGIC = 0xDB4775248B80FB57
FOOTER_BYTES = 48
UNCOMPRESSED = 0
FLOAT32 = 1  # TensorFlow's DT_FLOAT
VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5  # wire types of protocol buffers
CASTAGNOLI = 0x82F63B78  # the polynomial of CRC-32C, lowest bit first
MASK = 0xA282EAD8  # LevelDB stores a sum turned by 15 bits plus this, as sums of sums are weak


class BadCheckpoint(ValueError):
    """The bytes are no checkpoint of the kind that is read here; says what was found."""


@dataclass(frozen=True)
class Entry:
    """Where a variable lies; proto BundleEntryProto."""

    dtype: int
    shape: tuple[int, ...]
    shard: int
    offset: int
    size: int
    sum: int


def read_variables(index: bytes, data: bytes) -> dict[str, npt.NDArray[np.float32]]:
    """Return the float32 variables of a checkpoint by name; those of other types are left out.

    `index` and `data` are the contents of the two files. Raises BadCheckpoint
    where they do not fit together or are of another form.
    """
    try:
        entries = {key.decode(): _entry(value) for key, value in _table(index) if key}  # b"" is the header
    except (IndexError, struct.error, UnicodeDecodeError) as error:
        raise BadCheckpoint(f"the index is damaged: {error}") from None
    return {name: _variable(name, entry, data) for name, entry in entries.items() if entry.dtype == FLOAT32}


def _variable(name: str, entry: Entry, data: bytes) -> npt.NDArray[np.float32]:
    count = int(np.prod(entry.shape, dtype=np.int64))
    if entry.shard:
        raise BadCheckpoint(f"variable {name} is in part {entry.shard} of the data, expected a single part")
    if entry.size != 4 * count or entry.offset + entry.size > len(data):
        raise BadCheckpoint(
            f"variable {name} of shape {entry.shape} should be bytes {entry.offset} to "
            f"{entry.offset + entry.size} of the data, which has {len(data)}"
        )
    if masked_sum(data[entry.offset : entry.offset + entry.size]) != entry.sum:
        raise BadCheckpoint(f"variable {name} is damaged, its sum is wrong")
    return np.frombuffer(data, dtype="<f4", count=count, offset=entry.offset).reshape(entry.shape)


def _table(content: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yield the keys and values of a table, in order."""
    footer = content[-FOOTER_BYTES:]
    if len(footer) < FOOTER_BYTES or struct.unpack_from("<Q", footer, FOOTER_BYTES - 8)[0] != MAGIC:
        raise BadCheckpoint("the index does not end as an index of TensorFlow does")
    _, position = _handle(footer, 0)  # of a block of statistics, always empty here
    index_block, _ = _handle(footer, position)
    for _, value in _block(content, *index_block):
        yield from _block(content, *_handle(value, 0)[0])


def _block(content: bytes, offset: int, size: int) -> Iterator[tuple[bytes, bytes]]:
    """Yield the keys and values of a block; behind it stand how it is compressed, and its sum."""
    if content[offset + size] != UNCOMPRESSED:
        raise BadCheckpoint("the index is compressed, expected it as TensorFlow writes checkpoints")
    if masked_sum(content[offset : offset + size + 1]) != struct.unpack_from("<I", content, offset + size + 1)[0]:
        raise BadCheckpoint("the index is damaged, a sum is wrong")
    (restarts,) = struct.unpack_from("<I", content, offset + size - 4)
    position, end = offset, offset + size - 4 * (restarts + 1)
    key = b""
    while position < end:
        shared, position = _varint(content, position)
        unshared, position = _varint(content, position)
        length, position = _varint(content, position)
        key = key[:shared] + content[position : position + unshared]
        position += unshared
        yield key, content[position : position + length]
        position += length


def _handle(content: bytes, position: int) -> tuple[tuple[int, int], int]:
    """Return offset and size of a block, and where the handle ends."""
    offset, position = _varint(content, position)
    size, position = _varint(content, position)
    return (offset, size), position


def _entry(value: bytes) -> Entry:
    numbers = dict.fromkeys(range(1, 8), 0)
    shape: tuple[int, ...] = ()
    for field, found in _fields(value):
        if isinstance(found, int):
            numbers[field] = found
        elif field == 2:
            shape = tuple(_dimensions(found))
    return Entry(dtype=numbers[1], shape=shape, shard=numbers[3], offset=numbers[4], size=numbers[5], sum=numbers[6])


def _dimensions(shape: bytes) -> Iterator[int]:
    """Yield the sizes of a TensorShapeProto; a size that is left out is 0."""
    for field, dimension in _fields(shape):
        if field == 2 and isinstance(dimension, bytes):
            yield next((size for number, size in _fields(dimension) if number == 1 and isinstance(size, int)), 0)


def _fields(message: bytes) -> Iterator[tuple[int, int | bytes]]:
    """Yield number and value of each field of a protocol buffer; nested ones as bytes."""
    position = 0
    while position < len(message):
        tag, position = _varint(message, position)
        number, wire_type = tag >> 3, tag & 7
        if wire_type == VARINT:
            value, position = _varint(message, position)
            yield number, value
        elif wire_type == BYTES:
            length, position = _varint(message, position)
            yield number, message[position : position + length]
            position += length
        elif wire_type in (FIXED64, FIXED32):
            length = 8 if wire_type == FIXED64 else 4
            yield number, int.from_bytes(message[position : position + length], "little")
            position += length
        else:
            raise BadCheckpoint(f"the index holds a field of wire type {wire_type}")


def _varint(content: bytes, position: int) -> tuple[int, int]:
    """Return a number written in groups of seven bits, lowest first, and where it ends."""
    value = shift = 0
    while True:
        byte = content[position]
        value |= (byte & 0x7F) << shift
        position += 1
        if byte < 0x80:
            return value, position
        shift += 7


def masked_sum(content: bytes) -> int:
    """Return the CRC-32C of the content as LevelDB and TensorFlow store it; 0.1 s a MB."""
    remainder = 0xFFFFFFFF
    for byte in content:
        remainder = _OF_BYTE[(remainder ^ byte) & 0xFF] ^ (remainder >> 8)
    total = remainder ^ 0xFFFFFFFF
    return (((total >> 15) | (total << 17)) + MASK) & 0xFFFFFFFF


def _remainder(byte: int) -> int:
    for _ in range(8):
        byte = (byte >> 1) ^ (CASTAGNOLI if byte & 1 else 0)
    return byte


_OF_BYTE = [_remainder(byte) for byte in range(256)]
