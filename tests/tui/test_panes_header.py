"""The two header lines, the newest numbers and the keys, line by line."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import pytest

from miniai.run import events as ev
from miniai.run.requests import Pause, Stop
from tests.tui.driving import driving
from tests.tui.fake_session import FakeSession
from tests.tui.recorded import Recording
from tui.colors import PALETTES
from tui.keys import BINDINGS, GROUPS
from tui.panes.header import bar, header
from tui.panes.lines import changed, line
from tui.panes.newest import newest
from tui.state import RunState

COLORS = PALETTES["miniai-dark"]
KEYS = [binding for _, bindings in GROUPS for binding in bindings]


def after(*facts: ev.AnyFact) -> RunState:
    state = RunState()
    for fact in facts:
        state.apply(fact)
    return state


def texts(state: RunState, width: int = 120) -> list[str]:
    strips = header(state, width, COLORS)
    assert [s.cell_length for s in strips] == [width, width]
    return [s.text for s in strips]


def test_two_lines_tell_the_run() -> None:
    first, second = texts(after(*Recording().until(1, 74)))
    assert first.startswith(" miniai-tui   fashion · all 60,000 + 10,000 images · conv, 30,154 parameters · cpu")
    assert first.endswith("● training ")
    assert second.startswith(" epoch 2/5 · train  ━")
    assert second.rstrip().endswith("74/118   12,488 img/s   waiting for data   2 %     0:18 left")


def test_the_sample_is_called_so() -> None:
    facts = list(Recording().start())
    sample = ev.DataLoaded(
        at=1, dataset="fashion", source="", sample=True, train=6000, valid=1000, shape=(1, 28, 28), classes=[]
    )
    assert "embedded sample, 6,000 + 1,000 images" in texts(after(facts[0], sample))[0]


def test_before_training_it_says_what_is_waited_for() -> None:
    assert "waiting for the trainer" in texts(RunState())[1]
    facts = list(Recording().start())
    first, second = texts(after(*facts[:2]))
    assert "loading torch …" in second
    assert first.rstrip().endswith("○ starting")
    assert "reading data …" in texts(after(*facts[:3]))[1]
    assert "30,000/70,000" in texts(after(*facts[:3]))[1]


def test_asked_then_answered() -> None:
    state = after(*Recording().until(1, 74))
    state.ask(Pause(id="x"))
    assert texts(state)[0].endswith("◐ pausing … ")
    state.apply(ev.Paused(at=9, epoch=1, phase="train", batch=74, step=192, request="x"))
    assert texts(state)[0].endswith("‖ paused at step 192 ")


def test_a_notice_stands_beside_the_status() -> None:
    state = after(*Recording().until(1, 74), ev.Refused(at=9, request="", why="the run is not paused"))
    assert "refused: the run is not paused   ● training" in header(state, 120, COLORS, notice=True)[0].text
    assert "refused" not in texts(state)[0]


def test_a_planned_stop_hides_no_answer() -> None:
    state = after(*Recording().until(1, 74))
    state.ask(Stop(id="x", when="epoch"))
    state.apply(ev.StopPlanned(at=9, when="epoch", epoch=1, request="x"))
    state.apply(ev.Refused(at=9, request="", why="the run is not paused"))
    first = header(state, 120, COLORS, notice=True)[0].text
    assert "refused: the run is not paused   ◐ stopping after this epoch …" in first


@pytest.mark.parametrize("when", ["batch", "epoch"])
def test_a_planned_stop_of_another_viewer_is_shown(when: Literal["batch", "epoch"]) -> None:
    state = after(*Recording().until(1, 74), ev.StopPlanned(at=9, when=when, epoch=1, request="y"))
    assert texts(state)[0].endswith("◐ stopping ")


@pytest.mark.parametrize("width", [1, 10, 30, 60, 80, 119, 200])
def test_every_width_is_filled_exactly(width: int) -> None:
    for state in (RunState(), after(*Recording().until(1, 74)), after(*Recording(epochs=1).whole())):
        texts(state, width)


def test_narrow_keeps_position_and_rest() -> None:
    second = texts(after(*Recording().until(1, 74)), 60)[1]
    assert "74/118" in second
    assert "left" in second


def test_numbers_keep_their_place() -> None:
    """A batch more changes digits, and moves nothing."""
    recording = Recording(every=1)
    facts = list(recording.until(1, 20))
    one, two = texts(after(*facts[:-2]))[1], texts(after(*facts))[1]
    for word in ("img/s", "waiting", "left", "/118"):
        assert one.index(word) == two.index(word)


def test_the_end_is_a_summary_and_a_failure_says_why() -> None:
    first, second = texts(after(*Recording(epochs=2).whole()))
    assert first.endswith("✓ done ")
    assert "2/2 epochs · 236 steps" in second
    state = after(*Recording(epochs=2).whole())
    next(row for row in state.rows if row.phase == "train").ended = "skipped"
    assert "1/2 epochs complete · 236 steps" in texts(state)[1]
    assert "best valid accuracy" in second
    failed = after(*Recording().until(0, 8), ev.FitEnded(at=9, reason="failed", step=8, error="out of memory"))
    assert texts(failed)[0].endswith("✗ failed ")
    assert "out of memory" in texts(failed)[1]


@pytest.mark.parametrize("share", [-1.0, 0.0, 0.24, 0.5, 1.0, 2.0])
def test_a_bar_has_its_width(share: float) -> None:
    assert sum(len(text) for text, _ in bar(share, 21, COLORS.train, COLORS)) == 21


def test_newest_shows_both_halves() -> None:
    text = newest(after(*Recording().until(1, 74)), 80, COLORS).text
    assert len(text) == 80
    assert "train  loss 0.4581   accuracy 0.8488" in text
    assert "valid  loss 0.6105" in text
    assert "not yet" in newest(RunState(), 80, COLORS).text
    narrow = newest(after(*Recording().until(1, 74)), 60, COLORS).text.rstrip()
    assert narrow == " train  loss 0.4581    valid  loss 0.6105"  # no number is cut


def test_bindings_have_ids_and_words() -> None:
    assert len({b.id for b in BINDINGS}) == len(BINDINGS)
    assert all(b.tooltip and b.description for b in BINDINGS)


def test_only_the_cells_that_differ_are_changed() -> None:
    from tui.colors import style

    a, b = style(COLORS.muted), style(COLORS.train)
    old = line([("epoch ", a), ("12", b), (" of 20", a)], 20)
    new = line([("epoch ", a), ("13", b), (" of 20", a)], 20)
    assert changed(old, new) == (6, 8)
    assert changed(old, old) is None
    assert changed(old, line([("x", a)], 10)) == (0, 10)


async def test_an_answer_of_long_ago_is_no_news_to_who_looks_only_now(tmp_path: Path) -> None:
    facts = list(Recording().until(1, 74))
    skipped = ev.BatchSkipped(at=4.0, request="x", epoch=0, phase="train", batch=17)
    early = next(i for i, fact in enumerate(facts) if fact.at > 4.0)
    async with driving(FakeSession(tmp_path, [*facts[:early], skipped, *facts[early:]])) as driver:
        assert driver.app.state.notice == "batch 18 skipped"
        assert "skipped" not in driver.text("header")
        now = ev.BatchSkipped(at=driver.app.state.at, request="y", epoch=1, phase="train", batch=74)
        await driver.post(now, seconds=0.5)
        assert "batch 75 skipped" in driver.text("header")
