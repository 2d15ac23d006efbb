"""How seldom the screen wakes: what is not drawn costs a trainer with a thread on every core nothing."""

from __future__ import annotations

from pathlib import Path

import pytest
from textual.filter import ANSIToTruecolor

from miniai.run import events as ev
from tests.tui.driving import driving
from tests.tui.fake_session import FakeSession
from tests.tui.recorded import Recording
from tests.tui.test_state import after
from tui.app import MonitorApp
from tui.panes.keybar import KeyBar


def test_the_keys_are_drawn_anew_for_a_pause_and_the_end_and_for_no_epoch() -> None:
    pane, recording = KeyBar(id="keys"), Recording(epochs=2)
    state = after(*recording.until(0, 5))
    seen, status = pane.seen(state), state.revision("status")
    for fact in Recording(epochs=2).until(1, 30):
        state.apply(fact)
    assert state.revision("status") > status
    assert pane.seen(state) == seen
    state.apply(ev.Paused(at=9.0, epoch=1, phase="train", batch=30, step=150))
    paused = pane.seen(state)
    assert paused != seen
    state.apply(ev.Continued(at=10.0, paused=1.0))
    assert pane.seen(state) == seen
    state.apply(ev.FitEnded(at=11.0, reason="done", step=200))
    assert pane.seen(state) not in (seen, paused)


async def test_facts_and_the_timer_share_a_turn(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with driving(FakeSession(tmp_path)) as driver:
        screen, now = driver.app.run_screen, [1000.0]
        ticks: list[float] = []
        monkeypatch.setattr(screen, "clock", lambda: now[0])
        screen.tick()
        tick = screen.tick

        def counted() -> None:
            ticks.append(now[0])
            tick()

        monkeypatch.setattr(screen, "tick", counted)
        screen.tick_soon()
        assert ticks == []
        now[0] += 0.25
        screen.tick_soon()
        screen.tick_soon()
        assert ticks == [1000.25]


@pytest.mark.parametrize("plain", [False, True])
def test_no_line_is_searched_for_colours_by_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, plain: bool) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    if plain:
        monkeypatch.setenv("NO_COLOR", "1")
    filters = MonitorApp(FakeSession(tmp_path)).get_line_filters()
    assert not any(isinstance(each, ANSIToTruecolor) for each in filters)
    assert bool(filters) is plain  # what takes the colours away stays
