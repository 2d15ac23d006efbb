"""Streams that drop what is refused, the mailbox of requests, and the fan-out of facts."""

from __future__ import annotations

import io
import os
import signal
import sys

import pytest

from miniai.run import output
from miniai.run.control import RunControl, new_id
from miniai.run.events import Continued, Fact
from miniai.run.output import LossyWriter
from miniai.run.reporter import Reporter
from miniai.run.requests import Pause, Stop


def test_what_a_descriptor_refuses_is_dropped_and_counted() -> None:
    reader, writer = os.pipe()
    lossy = LossyWriter(writer)
    assert lossy.write(b"heard") == 5
    assert os.read(reader, 100) == b"heard"
    os.close(reader)
    assert lossy.write(b"lost") == 4
    assert lossy.lost == 4
    os.close(writer)


def test_prints_go_on_where_nobody_reads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", io.StringIO())
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    reader, writer = os.pipe()
    monkeypatch.setattr(output, "LossyWriter", lambda fd: LossyWriter(writer))  # not this process's own 1 and 2
    out, _ = output.install()
    print("seen \udc80 at once", end="")
    assert os.read(reader, 100) == b"seen \\udc80 at once"
    os.close(reader)
    print("nobody")
    sys.stdout.flush()
    assert out.lost == len("nobody\n")
    os.close(writer)


def test_requests_wait_in_their_order() -> None:
    control = RunControl()
    assert control.take() is None
    for n in "ab":
        control.submit(Pause(id=n))
    assert [control.take(), control.wait()] == [Pause(id="a"), Pause(id="b")]
    assert not control.stop_asked


def test_a_stop_is_known_before_the_loop_looks_and_the_first_signal_counts() -> None:
    control = RunControl()
    control.stop(signal.SIGTERM)
    control.stop(signal.SIGINT)
    assert control.stop_asked
    assert control.signal == signal.SIGTERM
    assert isinstance(control.take(), Stop)


def test_ids_are_unique() -> None:
    assert len({new_id() for _ in range(100)}) == 100


def test_every_listener_hears_every_fact_in_order() -> None:
    heard: list[tuple[str, Fact]] = []
    now = [100.0]
    reporter = Reporter([lambda f: heard.append(("a", f)), lambda f: heard.append(("b", f))], lambda: now[0])
    now[0] = 101.23456
    assert reporter.now() == 1.235
    facts = [Continued(at=float(n), paused=0) for n in range(3)]
    for fact in facts:
        reporter.emit(fact)
    assert heard == [(who, fact) for fact in facts for who in "ab"]


def test_times_never_fall() -> None:
    """A fact that was made in another thread may come after a later one."""
    heard: list[Fact] = []
    reporter = Reporter([heard.append])
    for at in (1.0, 3.0, 2.0, 4.0):
        reporter.emit(Continued(at=at, paused=at))
    assert heard == [Continued(at=at, paused=paused) for at, paused in ((1, 1), (3, 3), (3, 2), (4, 4))]
