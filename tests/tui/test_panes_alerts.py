"""Alerts: the line, the list, what acknowledging does, and the bell."""

from __future__ import annotations

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from miniai.run import events as ev
from tests.tui.driving import driving, going
from tui.colors import PALETTES
from tui.panes.alerts import AlertPane, alert_list
from tui.panes.lines import Frame
from tui.state import RunState
from tui.state.alerts import LIMIT

COLORS = PALETTES["miniai-dark"]
SPIKE = ev.Alerted(at=61.0, topic="spike", text="the training loss jumped to 4", step=300, rule="a loss above 2 times")
DISK = ev.Alerted(at=90.0, topic="disk", text="the disk is nearly full")


def state_of(*facts: ev.AnyFact) -> RunState:
    state = RunState()
    for fact in facts:
        state.apply(fact)
    return state


def listed(state: RunState, chosen: int = 0, width: int = 80, height: int = 6) -> list[str]:
    strips = alert_list(state, Frame(width, height, COLORS), chosen)
    assert all(s.cell_length == width for s in strips)
    return [s.text.rstrip() for s in strips]


def test_the_list_has_the_newest_first_with_time_and_rule() -> None:
    state = state_of(SPIKE, DISK)
    state.alerts.acknowledge(state.alerts[1])
    assert listed(state, 1) == [
        "  ✓ the disk is nearly full",
        "    after 1:30 · disk · acknowledged",
        "▸ ! the training loss jumped to 4 (step 300)",
        "    after 1:01 · spike · a loss above 2 times",
    ]


def test_a_long_rule_goes_on_in_the_next_line() -> None:
    state = state_of(ev.Alerted(at=61.0, topic="spike", text="jump", rule="a loss that is far above the others " * 4))
    lines = listed(state, 0, 40, 12)
    assert lines[0] == "▸ ! jump"
    assert len([x for x in lines if x]) > 4
    assert not any("…" in x for x in lines)


def test_the_chosen_one_stays_in_sight() -> None:
    state = state_of(*(ev.Alerted(at=n, topic="t", text=f"number {n}") for n in range(40)))
    for chosen in (0, 3, 20, 39):
        lines = listed(state, chosen, 60, 7)
        (at,) = [i for i, x in enumerate(lines) if x.startswith("▸")]
        assert f"number {39 - chosen}" in lines[at]
        assert lines[at + 1].strip().startswith("after")


def test_an_alert_that_is_told_again_is_there_once() -> None:
    state = state_of(SPIKE, DISK, SPIKE, ev.Alerted(at=99.0, topic="disk", text="the disk is nearly full"))
    assert len(state.alerts) == state.alerts.total == 2


def test_the_step_is_not_said_twice() -> None:
    state = state_of(ev.Alerted(at=1, topic="nan", text="the training loss is nan at step 7", step=7))
    assert state.alerts[0].line == "the training loss is nan at step 7"


@given(st.lists(st.tuples(st.sampled_from("ab"), st.integers(0, 5)), max_size=300), st.integers(0, 400))
def test_open_and_acknowledged_make_up_all(told: list[tuple[str, int]], chosen: int) -> None:
    state = state_of(*(ev.Alerted(at=1, topic=topic, text=f"{topic} {n}", step=n) for topic, n in told))
    assert state.alerts.total == len(set(told))
    assert len(state.alerts) <= LIMIT
    for alert in list(state.alerts)[::2]:
        state.alerts.acknowledge(alert)
    assert len(state.alerts.open) + sum(a.seen for a in state.alerts) == len(state.alerts)
    if told:
        assert sum(line.startswith("▸") for line in listed(state, min(chosen, len(state.alerts) - 1))) == 1


async def test_acknowledged_one_by_one_and_the_line_goes(tmp_path: Path) -> None:
    async with driving(going(tmp_path)) as driver:
        assert "alert" not in driver.seen()
        await driver.post(SPIKE, DISK)
        await driver.settle()
        text = driver.text("alert")
        assert "! the disk is nearly full" in text
        assert "and 1 more · a shows" in text
        await driver.press("2", "a")
        await driver.settle()
        assert "alerts ─ 2 of 2 open" in driver.text("alert")
        await driver.press("a")
        assert "✓ the disk" in driver.text("alert")
        assert "▸ ! the training loss" in driver.text("alert")
        await driver.press("up", "down", "enter")
        assert "0 of 2 open" in driver.text("alert")
        await driver.press("escape")
        await driver.settle()
        assert "alert" not in driver.seen()
        assert driver.app.run_screen.query_one("#metrics").has_focus
        await driver.press("a")
        await driver.settle()
        assert "acknowledged" in driver.text("alert")  # they stay in the list
        await driver.press("3")
        await driver.settle()
        assert "alert" not in driver.seen()
        assert driver.app.run_screen.query_one("#layers").has_focus


async def test_all_at_once_and_none(tmp_path: Path) -> None:
    async with driving(going(tmp_path), size=(80, 24)) as driver:
        await driver.press("a")
        await driver.settle()
        assert "no alerts so far" in driver.text("alert")
        await driver.post(SPIKE, DISK)
        await driver.press("A")
        await driver.settle()
        assert "alert" not in driver.seen()
        assert not driver.app.state.alerts.open


async def test_the_bell_only_on_request_and_once_for_what_is_new(tmp_path: Path) -> None:
    async with driving(going(tmp_path)) as driver:
        rung = list[str]()
        pane = driver.app.run_screen.pane(AlertPane)
        pane.ring = rung.append  # type: ignore[assignment, method-assign]
        await driver.post(SPIKE)
        await driver.settle()
        assert rung == []
        pane.bell = True
        await driver.post(DISK)
        await driver.settle()
        await driver.settle()
        assert rung == ["the disk is nearly full"]
