"""TensorBoard's event files, read back by a strict decoder of the published format, byte by byte."""

from __future__ import annotations

import math
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from miniai.errors import UsageError
from miniai.run import events as ev
from tests.tui.compared import make_run, resumed
from tests.tui.recorded import Recording
from tui.export_facts import RunFacts
from tui.export_files import Place
from tui.export_tensorboard import write_tensorboard
from tui.tfevents import EventWriter, masked_crc, varint

Event = dict[str, Any]


def crc32c(data: bytes) -> int:
    """CRC-32C bit by bit, from its definition: the polynomial 0x1EDC6F41, reflected."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = (crc >> 1) ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


def masked(data: bytes) -> int:
    crc = crc32c(data)
    return ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF


def records(data: bytes) -> list[bytes]:
    """The records of a file; every checksum must be right, and nothing may be left over."""
    found = []
    while data:
        head, check = data[:8], struct.unpack("<I", data[8:12])[0]
        assert check == masked(head)
        size = struct.unpack("<Q", head)[0]
        body, data = data[12 : 12 + size], data[12 + size :]
        assert len(body) == size
        assert struct.unpack("<I", data[:4])[0] == masked(body)
        found.append(body)
        data = data[4:]
    return found


def fields(data: bytes) -> list[tuple[int, int, Any]]:
    """(number, wire type, value) of each field of a protocol buffer."""
    found = []
    while data:
        tag, data = number_of(data)
        kind = tag & 7
        value: Any
        if kind == 0:
            value, data = number_of(data)
        elif kind in (1, 5):
            size = 8 if kind == 1 else 4
            value, data = struct.unpack("<d" if kind == 1 else "<f", data[:size])[0], data[size:]
        else:
            assert kind == 2
            size, data = number_of(data)
            value, data = data[:size], data[size:]
            assert len(value) == size
        found.append((tag >> 3, kind, value))
    return found


def number_of(data: bytes) -> tuple[int, bytes]:
    value = shift = 0
    for i, byte in enumerate(data):
        value |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return value, data[i + 1 :]
    raise AssertionError("a number without an end")


def events(path: Path) -> list[Event]:
    """The scalars of an event file, after the version that must come first."""
    first, *rest = [fields(body) for body in records(path.read_bytes())]
    assert [(number, kind) for number, kind, _ in first] == [(1, 1), (3, 2)]
    assert first[1][2] == b"brain.Event:2"
    found = []
    for event in rest:
        assert [(number, kind) for number, kind, _ in event] == [(1, 1), (2, 0), (5, 2)]
        ((number, kind, value),) = fields(event[2][2])
        assert (number, kind) == (1, 2)
        assert [(number, kind) for number, kind, _ in fields(value)] == [(1, 2), (2, 5)]
        tag, scalar = (f[2] for f in fields(value))
        found.append({"wall": event[0][2], "step": event[1][2], "tag": tag.decode(), "value": scalar})
    return found


def test_checksums_of_the_standard() -> None:
    """RFC 3720, appendix B.4: 32 bytes of zeros, of ones, growing."""
    known = {bytes(32): 0x8A9136AA, b"\xff" * 32: 0x62A8AB43, bytes(range(32)): 0x46DD794E}
    for data, crc in known.items():
        assert crc32c(data) == crc
        turned = ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF
        assert masked_crc(np.frombuffer(data, np.uint8)[None]).tolist() == [turned]


@given(st.lists(st.binary(min_size=7, max_size=7), min_size=1, max_size=8))
def test_checksums_of_many_rows_are_those_of_each(rows: list[bytes]) -> None:
    table = np.frombuffer(b"".join(rows), np.uint8).reshape(len(rows), 7)
    assert masked_crc(table).tolist() == [masked(row) for row in rows]


@given(st.integers(0, 2**63 - 1))
def test_numbers_are_read_back(number: int) -> None:
    assert number_of(varint(number)) == (number, b"")


@given(
    points=st.lists(
        st.tuples(
            st.integers(0, 2**63 - 1), st.floats(0, 4e9), st.floats(allow_nan=True, allow_infinity=True, width=32)
        ),
        min_size=1,
        max_size=30,
    ),
    tag=st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=300),
)
def test_any_values_are_read_back(
    points: list[tuple[int, float, float]], tag: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp("tb") / "events"
    steps, walls, values = ([*column] for column in zip(*points, strict=True))
    with path.open("wb") as file:
        EventWriter(file, 1.5).scalars(tag, steps, walls, values)
    found = [(e["step"], e["wall"], e["value"]) for e in events(path)]
    assert {e["tag"] for e in events(path)} == {tag}

    def plain(rows: list[tuple[int, float, float]]) -> list[tuple[int, float, str]]:
        return sorted((s, w, repr(v)) for s, w, v in rows)

    assert plain(found) == plain(points)


def test_a_run_s_series_have_their_steps_and_times(tmp_path: Path) -> None:
    facts = [*Recording(epochs=2).whole()]
    run = make_run(tmp_path, "run", facts)
    place = Place(tmp_path / "tb", force=False)
    count = write_tensorboard(RunFacts(run), place)
    (path,) = place.written
    assert path.name.startswith("events.out.tfevents.1800000000.box.")
    found = events(path)
    assert len(found) == count
    losses = [e for e in found if e["tag"] == "train/loss"]
    wanted = [float(v) for f in facts if isinstance(f, ev.Scalars) for v in f.values]
    assert [e["step"] for e in losses] == list(range(1, 237))
    assert [e["value"] for e in losses] == pytest.approx(wanted)
    assert losses[0]["wall"] == pytest.approx(1.8e9 + 3.041)
    end = next(f for f in facts if isinstance(f, ev.EpochEnded) and f.phase == "valid")
    valid = next(e for e in found if e["tag"] == "valid/accuracy")
    assert (valid["step"], valid["wall"]) == (118, 1.8e9 + end.at)
    assert valid["value"] == pytest.approx(float(end.metrics["accuracy"]))


def test_a_resumed_run_is_one_curve_on_two_days(tmp_path: Path) -> None:
    first = Recording(epochs=2)
    before = [*first.until(0, 100)]
    again = Recording(epochs=2, seed=9)
    again.step, again.at = 50, first.at
    run = make_run(tmp_path, "run", resumed(before, 50, again.half(0, "train", stop_at=68)))
    place = Place(tmp_path / "tb", force=False)
    write_tensorboard(RunFacts(run), place)
    losses = [e for e in events(place.written[0]) if e["tag"] == "train/loss"]
    assert [e["step"] for e in losses] == list(range(1, 119))
    assert losses[49]["wall"] < 1.8e9 + 100
    assert 1.9e9 < losses[50]["wall"] < 1.9e9 + 1


def test_nan_is_nan_and_too_large_is_infinite(tmp_path: Path) -> None:
    facts = [*Recording().start(), ev.Scalars(at=4, name="loss", first=1, values=["nan", "-inf", 1e300])]
    place = Place(tmp_path / "tb", force=False)
    write_tensorboard(RunFacts(make_run(tmp_path, "run", facts)), place)
    values = [e["value"] for e in events(place.written[0])]
    assert math.isnan(values[0])
    assert values[1:] == [-math.inf, math.inf]


def test_another_run_s_events_are_not_joined(tmp_path: Path) -> None:
    facts = [*Recording(epochs=1).whole()]
    for name in ("one", "two"):
        make_run(tmp_path, name, facts)
    from miniai.run.directory import RunDir

    one, two = (RunFacts(RunDir(tmp_path / name)) for name in ("one", "two"))
    write_tensorboard(one, Place(tmp_path / "tb", force=False))
    with pytest.raises(UsageError, match="another run's"):
        write_tensorboard(two, Place(tmp_path / "tb", force=True))
    with pytest.raises(UsageError, match="--force"):
        write_tensorboard(one, Place(tmp_path / "tb", force=False))
    assert write_tensorboard(one, Place(tmp_path / "tb", force=True)) > 100
    assert len([*(tmp_path / "tb").iterdir()]) == 1
