"""Panes share their turns: whatever changed within one of them goes to the terminal in one update."""

from __future__ import annotations

from pathlib import Path

import pytest

from miniai.run import events as ev
from tests.tui.driving import driving, going
from tui.panes.header import HeaderPane
from tui.panes.images import ImagesPane
from tui.panes.loss import LossPane


def progressed(batch: int) -> list[ev.AnyFact]:
    return [
        ev.Progressed(
            at=9, epoch=1, phase="train", batch=batch, samples=batch * 512, seconds=3.1, waited=0.1, metrics={}
        ),
        ev.Scalars(at=9, name="loss", first=118 + batch, values=[0.4]),
    ]


@pytest.mark.parametrize("shown_at", [200.01, 200.13, 200.24])
async def test_turns_meet_however_a_pane_was_shown_in_between(tmp_path: Path, shown_at: float) -> None:
    async with driving(going(tmp_path)) as driver:
        state, screen = driver.app.state, driver.app.run_screen
        panes = [screen.pane(HeaderPane), screen.pane(LossPane)]
        for pane in panes:
            pane.show(state, shown_at)
        for fact in progressed(75):
            state.apply(fact)
        assert [pane.wants(state, 200.249) for pane in panes] == [False, False]
        assert [pane.wants(state, 200.25) for pane in panes] == [True, False]
        assert [pane.wants(state, 200.5) for pane in panes] == [True, True]


async def test_pictures_carry_no_marks_for_selecting_text(tmp_path: Path) -> None:
    async with driving(going(tmp_path)) as driver:
        screen = driver.app.run_screen
        for kind, selectable in ((HeaderPane, True), (ImagesPane, False), (LossPane, False)):
            segments = list(screen.query_one(kind).render_line(1))
            assert any("offset" in s.style.meta for s in segments if s.style) == selectable
