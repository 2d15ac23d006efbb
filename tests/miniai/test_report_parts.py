"""The small parts of reporting: the clock, the drain, the costs."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from miniai.callbacks.clock import TrainingClock, since_now
from miniai.callbacks.cost import Pace, Stopwatch, TokenBucket
from miniai.callbacks.drain import Drain, start_copy


class Time:
    def __init__(self) -> None:
        self.t = 5.0

    def __call__(self) -> float:
        return self.t


def test_clock_stands_still_in_pauses() -> None:
    time = Time()
    clock = TrainingClock(time)
    time.t += 2
    clock.stop()
    time.t += 10
    clock.stop()
    assert clock.seconds == 2
    time.t += 10
    clock.go()
    clock.go()
    time.t += 1
    assert clock.seconds == 3


def test_since_now() -> None:
    time = Time()
    now = since_now(time)
    time.t += 1.23456
    assert now() == 1.235


class Device:
    """Copies arrive when `arrive` says so; reads of what has not arrived are counted."""

    def __init__(self) -> None:
        self.copies: list[FakeCopy] = []
        self.waits = 0

    def __call__(self, tensor: Tensor) -> FakeCopy:
        self.copies.append(FakeCopy(self, tensor))
        return self.copies[-1]

    def arrive(self, n: int) -> None:
        for copy in self.copies[:n]:
            copy.here = True


class FakeCopy:
    def __init__(self, device: Device, tensor: Tensor) -> None:
        self.device, self.tensor, self.here = device, tensor, False

    def ready(self) -> bool:
        return self.here

    def read(self) -> Tensor:
        self.device.waits += not self.here
        return self.tensor


def test_drain_reads_the_copy_of_the_time_before() -> None:
    device = Device()
    drain = Drain[str](device)
    drain.push("a", torch.tensor(1.0))
    drain.push("b", torch.tensor(2, dtype=torch.int64))
    assert drain.drain() == []
    drain.push("c", torch.tensor(3.0, dtype=torch.float64))
    device.arrive(1)
    assert drain.drain() == [("a", 1.0), ("b", 2.0)]
    assert len(drain) == 1
    assert device.waits == 0
    assert len(device.copies) == 2
    drain.push("d", torch.tensor([4.0]))
    assert drain.flush() == [("c", 3.0), ("d", 4.0)]
    assert device.waits == 2
    assert drain.flush() == drain.drain() == []


def test_drain_on_the_cpu_is_immediate_and_can_be_cleared() -> None:
    drain = Drain[int]()
    for i in range(5):
        drain.push(i, torch.tensor(float(i), requires_grad=True))
    assert drain.drain() == [(i, float(i)) for i in range(5)]
    drain.push(9, torch.tensor(1.0))
    drain.clear()
    assert drain.flush() == []
    assert start_copy(torch.ones(2)).ready()


def test_values_of_several_devices_keep_their_order() -> None:
    kinds: list[str] = []

    class Noted(FakeCopy):
        def read(self) -> Tensor:
            return torch.zeros(self.tensor.shape)

    def copy(tensor: Tensor) -> Noted:
        kinds.append(f"{tensor.device.type}{len(tensor)}")
        return Noted(Device(), tensor)

    drain = Drain[int](copy)
    for i, device in enumerate(["meta", "meta", "cpu", "meta"]):
        drain.push(i, torch.zeros((), device=device))
    assert [tag for tag, _ in drain.flush()] == [0, 1, 2, 3]
    assert kinds == ["meta2", "cpu1", "meta1"]


def test_stopwatch_adds_up() -> None:
    time = Time()
    watch = Stopwatch(time)
    for _ in range(3):
        watch.start(torch.device("cpu"))
        time.t += 2
        watch.stop(torch.device("cpu"))
        time.t += 50
    assert watch.seconds() == 6
    watch.reset()
    assert watch.seconds() == 0


@given(st.lists(st.floats(1, 1e5), min_size=1, max_size=60))
def test_bucket_bounds_the_bytes_of_any_time(sizes: list[float]) -> None:
    """Who waits as told never takes more than the burst and the rate allow, give or take one piece."""
    bucket, now, spent = TokenBucket(burst=1e5, rate=50.0), 0.0, 0.0
    for size in sizes:
        spent += size
        now += bucket.spend(size, now)
        assert spent <= 1e5 + 50.0 * now + max(sizes)


def test_bucket_lets_small_things_pass() -> None:
    bucket = TokenBucket(burst=1000, rate=100)
    assert [bucket.spend(100, float(t)) for t in range(100)] == [0.0] * 100
    assert bucket.spend(950, 100.0) == pytest.approx(9.0)  # 950 of 1000 are gone


def test_a_pace_takes_its_share_and_forgives_one_bad_moment() -> None:
    pace = Pace(budget=0.05)
    assert pace.rest(10.0) == 0.0  # what is loaded once
    assert pace.rest(0.01) == pytest.approx(0.2)
    for cost in (0.01, 5.0, 0.01, 0.01):
        assert pace.rest(cost) <= 101.0
    assert pace.rest(0.02) == pytest.approx(0.2)
    for _ in range(3):
        rest = pace.rest(0.02)
    assert rest == pytest.approx(0.4)  # lasting costs are believed
