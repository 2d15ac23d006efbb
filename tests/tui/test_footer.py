"""The footer at every width: the important keys first, the rest as far as there is room, each to be clicked."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from miniai.run import events as ev
from tests.tui.driving import driving, going
from tests.tui.recorded import Recording
from tui.colors import PALETTES
from tui.footer import FOOTER
from tui.keys import GROUPS
from tui.panes.keybar import keybar
from tui.panes.lines import Frame
from tui.state import RunState

COLORS = PALETTES["miniai-dark"]
KEYS = [binding for _, bindings in GROUPS for binding in bindings]


def after(*facts: ev.AnyFact) -> RunState:
    state = RunState()
    for fact in facts:
        state.apply(fact)
    return state


def shown(width: int, focused: str = "", state: RunState | None = None) -> str:
    state = state or after(*Recording().until(1, 74))
    strip = keybar(state, KEYS, Frame(width, 1, COLORS), focused)
    assert strip.cell_length == len(strip.text) == width
    assert strip.text.endswith("q quit ")
    return strip.text


FIRST = ("space pause", "b e skip", "s stop", "1-8 panes", "? help")
MORE = (". step", "v valid", "L rate", "E epochs", "w save", "0 layout", "f full")
ALL = (
    "space pause", ". ", "b skip batch", "e skip epoch", "s stop", "v valid", "L rate", "E epochs", "w save",
    "1-8 panes", "0 layout", "f ", "esc out", "t theme", "a alerts", "? help",
)  # fmt: skip


@pytest.mark.parametrize(("width", "words"), [(60, FIRST), (80, (*FIRST, "f full")), (120, FIRST + MORE), (200, ALL)])
def test_the_important_keys_come_first(width: int, words: tuple[str, ...]) -> None:
    text = shown(width)
    assert [word for word in words if f" {word}" not in text] == []


@given(st.integers(0, 300), st.sampled_from(["", "loss", "layers", "images", "log", "confusion"]))
def test_it_is_as_wide_as_the_screen(width: int, focused: str) -> None:
    state = after(*Recording().until(1, 74))
    assert keybar(state, KEYS, Frame(width, 1, COLORS), focused).cell_length == width


def test_wide_screens_have_room_for_all_words() -> None:
    text = shown(400, "loss")
    for word in (
        ". one batch",
        "v validation",
        "1 2 3 4 5 6 7 8 panes",
        "f maximise",
        "< > move",
        "ctrl+c copy / stop",
    ):
        assert word in text
    assert " b e skip" not in text


def test_keys_of_a_pane_are_shown_while_it_has_the_focus() -> None:
    for pane, own in (("loss", "y log y"), ("layers", "m statistic"), ("images", "n N pages"), ("log", "/ filter")):
        assert own in shown(200, pane)
        assert own not in shown(200, "metrics")


def test_it_follows_the_state() -> None:
    state = after(*Recording().until(1, 74))
    state.apply(ev.Paused(at=9, epoch=1, phase="train", batch=74, step=192))
    assert "space go on" in shown(120, state=state)
    over = shown(200, state=after(*Recording(epochs=1).whole()))
    assert not any(word in over for word in ("pause", "skip", "rate", "stop"))


def test_every_entry_has_a_binding_and_a_rank_of_its_own() -> None:
    ids = {id_ for entry in FOOTER for form in (entry.short, *entry.long) for id_ in form.ids}
    assert ids <= {b.id for b in KEYS}
    ranks = [rank for entry in FOOTER for rank in (entry.rank, *([entry.long_rank] if entry.long else []))]
    assert len(set(ranks)) == len(ranks)
    assert all(entry.long_rank > entry.rank for entry in FOOTER if entry.long)


def test_each_key_can_be_clicked() -> None:
    strip = keybar(after(*Recording().until(1, 74)), KEYS, Frame(400, 1, COLORS))
    clicks = {s.text.strip(): s.style.meta.get("@click") for s in strip if s.style is not None and s.style.meta}
    assert clicks["3"] == "app.go('layers')"
    assert clicks["ctrl+c"] == "app.copy_or_stop"
    assert clicks["esc"] == "app.out"


async def test_it_changes_with_the_focus(tmp_path: Path) -> None:
    async with driving(going(tmp_path), (200, 60)) as driver:
        assert "y log y" in driver.text("keys")
        await driver.press("3")
        await driver.pilot.pause()
        assert "m statistic" in driver.text("keys")
        assert "y log y" not in driver.text("keys")


async def test_a_pane_s_border_names_its_keys_as_they_are_mapped_while_it_has_the_focus(tmp_path: Path) -> None:
    async with driving(going(tmp_path)) as driver:
        loss, images = (driver.app.run_screen.query_one(f"#{name}") for name in ("loss", "images"))
        assert loss.border_subtitle == "y log y · r window · g curves · i values · pgup pgdn marks"
        driver.app.set_keymap({"images_view": "left_square_bracket"})
        await driver.press("4")
        assert loss.border_subtitle == ""
        assert images.border_subtitle == "n page · [ batch, largest losses"


def test_a_replay_has_only_keys_that_move_it() -> None:
    state = after(*Recording().until(1, 74))
    state.apply(ev.Paused(at=9, epoch=1, phase="train", batch=74, step=192))  # in the run that was recorded
    state.replayed("replay x8 · 0:09")
    text = shown(200, state=state)
    assert "space pause" in text
    assert ". half epoch" in text
    assert not any(f" {word}" in text for word in ("skip", "stop", "validation", "rate", "epochs", "save"))
    state.replayed("replay paused · 0:09", stands=True)
    assert "space go on" in shown(200, state=state)
