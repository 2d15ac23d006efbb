"""Facts and requests survive the way through JSON, and stay within the journal's budget of bytes."""

from __future__ import annotations

import math
import struct
from typing import get_args

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from miniai.run import events as ev
from miniai.run import requests as rq


@given(st.floats(width=32))
def test_number_keeps_a_float32_to_seven_digits(value: float) -> None:
    back = float(ev.number(value))
    if math.isnan(value):
        assert math.isnan(back)
    elif math.isinf(value):
        assert back == value
    else:
        assert back == pytest.approx(value, rel=1e-6, abs=0)


@given(st.lists(st.floats(width=32)), st.integers(0, 10**9), st.integers(1, 100))
def test_scalars_go_through_json(values: list[float], first: int, stride: int) -> None:
    fact = ev.Scalars(at=1.5, name="loss", first=first, values=ev.numbers(values), stride=stride)
    assert ev.decode(ev.encode(fact)) == fact


def test_a_line_is_one_line_and_names_its_fact() -> None:
    line = ev.encode(ev.Alerted(at=0.25, topic="x", text="two\nlines \x1b[31m"))
    assert b"\n" not in line
    assert msgspec.json.decode(line)["is"] == "Alerted"


def test_scalars_cost_eleven_bytes_a_value_and_sixty_a_line() -> None:
    losses = [struct.unpack("f", struct.pack("f", 2.302 / (1 + 0.01 * i)))[0] for i in range(400)]
    for n in (4, 40, 400):
        fact = ev.Scalars(at=1234.567, name="loss", first=123_456, values=ev.numbers(losses[:n]))
        assert len(ev.encode(fact)) + 1 <= 11 * n + 80 - 0.4 * n


def test_every_fact_and_every_request_can_be_read() -> None:
    assert set(get_args(ev.AnyFact)) == set(ev.Fact.__subclasses__())
    assert set(get_args(rq.AnyRequest)) == set(rq.Request.__subclasses__())


def test_an_unknown_fact_is_an_error_and_unknown_fields_are_not() -> None:
    with pytest.raises(msgspec.DecodeError):
        ev.decode(b'{"is":"Invented","at":1}')
    assert ev.decode(b'{"is":"Continued","at":1,"paused":2.5,"later":true}') == ev.Continued(at=1, paused=2.5)


@pytest.mark.parametrize(
    "request_",
    [
        rq.Pause(id="a"),
        rq.Continue(id="b", epoch=1, phase="valid"),
        rq.Step(id="c"),
        rq.SkipBatch(id="d", epoch=0, phase="train"),
        rq.SkipEpoch(id="e", epoch=2, phase="train"),
        rq.Stop(id="f", when="epoch"),
        rq.Kill(id="g"),
    ],
)
def test_requests_go_through_json(request_: rq.AnyRequest) -> None:
    assert rq.decode(rq.encode(request_)) == request_


@pytest.mark.parametrize(
    "line", [b'{"is":"FitEnded","at":1,"error":"\xff"}', b'{"is":"Alerted","x":' + b"[" * 9_000, b"\x00"]
)
def test_whatever_is_no_fact_is_the_same_error(line: bytes) -> None:
    for read in (ev.decode, ev.decode_lines):
        with pytest.raises(msgspec.DecodeError):
            read(line)
