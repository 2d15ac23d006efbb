"""RunControl: what signal handlers, sockets and screens hand in, and what the loop finds."""

from __future__ import annotations

from miniai.run.control import RunControl
from miniai.run.requests import Pause, Save, Stop


def test_requests_come_in_their_order_and_nothing_is_none() -> None:
    control = RunControl()
    assert control.take() is None
    control.submit(Pause(id="1"))
    control.submit(Pause(id="2"))
    assert control.take() == Pause(id="1")
    assert control.wait() == Pause(id="2")
    assert control.take() is None


def test_only_a_stop_at_once_ends_the_preparation() -> None:
    """A stop after an epoch has an epoch to wait for, also before the first."""
    control = RunControl()
    control.submit(Stop(id="1", when="epoch"))
    assert not control.stop_asked
    control.submit(Stop(id="2"))
    assert control.stop_asked


def test_the_first_signal_is_the_one_that_ended_the_run() -> None:
    control = RunControl()
    control.stop()  # asked by a key
    assert (control.stop_asked, control.signal) == (True, 0)
    control.stop(15)
    control.stop(2)
    assert control.signal == 15
    stops = [control.take() for _ in range(3)]
    assert [isinstance(stop, Stop) and stop.when == "batch" for stop in stops] == [True] * 3
    assert len({stop.id for stop in stops if stop is not None}) == 3


def test_a_checkpoint_is_asked_for() -> None:
    control = RunControl()
    control.save()
    assert isinstance(control.take(), Save)
    assert not control.stop_asked
