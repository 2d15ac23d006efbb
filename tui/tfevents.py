"""TensorBoard's event files, written without its packages: records of protocol buffers with checksums.

A record (TensorFlow, "TFRecord and tf.train.Example") is the length as 8 bytes, a checksum of these, the data, a
checksum of the data; all little-endian. The checksum is CRC-32C (Castagnoli; RFC 3720, appendix B.4), turned right by
15 bits and raised by 0xa282ead8. The data is one `Event` (event.proto): field 1 the wall time as a double, 2 the step,
3 the version of the file, 5 a `Summary` (summary.proto) whose field 1 holds values: 1 the tag, 2 the number as a float.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import BinaryIO, TypeAlias

import numpy as np
from numpy.typing import NDArray

__all__ = ["EventWriter", "masked_crc", "varint"]

Bytes: TypeAlias = NDArray[np.uint8]

VERSION = b"brain.Event:2"
"""What readers expect in the first record; without it they would drop events whose steps do not grow."""
POLYNOMIAL = 0x82F63B78
"""Castagnoli's, its lowest bit first."""
MASK = 0xA282EAD8
STEPS = 1 << 63
"""Steps are signed numbers of 64 bits."""


def _table() -> NDArray[np.uint32]:
    """Checksum of each single byte."""
    crc: NDArray[np.uint32] = np.arange(256, dtype=np.uint32)
    for _ in range(8):
        crc = (crc >> np.uint32(1)) ^ (np.uint32(POLYNOMIAL) * (crc & np.uint32(1)))
    return crc


_BYTES = _table()


def masked_crc(rows: Bytes) -> NDArray[np.uint32]:
    """The masked checksum of each row of bytes; `rows` is (records, length)."""
    crc = np.full(len(rows), 0xFFFFFFFF, np.uint32)
    for column in rows.T:
        crc = _BYTES[(crc ^ column) & 0xFF] ^ (crc >> np.uint32(8))
    crc = ~crc
    masked: NDArray[np.uint32] = ((crc >> np.uint32(15)) | (crc << np.uint32(17))) + np.uint32(MASK)
    return masked


def varint(number: int) -> bytes:
    """A number of at least 0 in groups of seven bits, the lowest first."""
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*out, number])


class EventWriter:
    """Appends events to an open file; many values of one tag at a time are written together."""

    def __init__(self, file: BinaryIO, wall: float) -> None:
        self._file = file
        self._write(np.frombuffer(b"\x09" + struct.pack("<d", wall) + _field(3, VERSION), np.uint8)[None])

    def scalars(self, tag: str, steps: Sequence[int], walls: Sequence[float], values: Sequence[float]) -> None:
        """Values of one tag: steps from 0 on, wall-clock times in seconds since 1970, numbers, NaN and inf included."""
        step, wall = np.asarray(steps, np.uint64), np.asarray(walls, "<f8")
        with np.errstate(over="ignore"):  # beyond a float's range a number is infinite
            number = np.asarray(values, np.float64).astype("<f4")
        sizes = np.ones(len(step), np.int64)
        for bits in range(7, 63, 7):
            sizes += step >= np.uint64(1 << bits)
        for size in np.unique(sizes):  # records of one length
            held = sizes == size
            self._write(_events(tag, step[held], wall[held], number[held], int(size)))

    def _write(self, events: Bytes) -> None:
        """Records for `events`, which is (records, bytes)."""
        count, size = events.shape
        length = np.frombuffer(struct.pack("<Q", size), np.uint8)[None]
        head = np.concatenate([length, _as_bytes(masked_crc(length))], axis=1)
        tail = _as_bytes(masked_crc(events))
        self._file.write(np.concatenate([np.repeat(head, count, axis=0), events, tail], axis=1).tobytes())


def _events(tag: str, steps: NDArray[np.uint64], walls: Bytes, numbers: Bytes, size: int) -> Bytes:
    """Events whose steps take `size` bytes each; the result is (events, bytes)."""
    count = len(steps)
    shift = 7 * np.arange(size, dtype=np.uint64)
    step = (steps[:, None] >> shift & np.uint64(0x7F)).astype(np.uint8)  # (events, size)
    step[:, :-1] |= 0x80
    value = _field(1, tag.encode()) + b"\x15"  # field 2 of a value: a number of four bytes
    summary = b"\x0a" + varint(len(value) + 4) + value

    def same(part: bytes) -> Bytes:
        return np.tile(np.frombuffer(part, np.uint8), (count, 1))

    return np.concatenate(
        [
            same(b"\x09"), _as_bytes(walls), same(b"\x10"), step, same(b"\x2a" + varint(len(summary) + 4) + summary),
            _as_bytes(numbers),
        ],
        axis=1,
    )  # fmt: skip


def _field(number: int, data: bytes) -> bytes:
    """A field of bytes or text."""
    return bytes([number << 3 | 2]) + varint(len(data)) + data


def _as_bytes(numbers: NDArray[np.generic]) -> Bytes:
    """The bytes of each number, the lowest first: (numbers, bytes)."""
    little = numbers.astype(numbers.dtype.newbyteorder("<"))
    return np.frombuffer(little.tobytes(), np.uint8).reshape(len(numbers), numbers.dtype.itemsize)
