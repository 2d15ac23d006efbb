"""The screen of a search for a learning rate: the curve, the mark, the words, the keys; its lines; its verdicts."""

from __future__ import annotations

import math
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from miniai.config import RunConfig
from miniai.lr_finding import FASTEST, THIRD, verdict
from miniai.run import events as ev
from miniai.run.requests import Continue, Pause, Stop
from tests.tui.small_apps import driving_app, losses, rates, search, search_session
from tests.tui.test_panes_contract import EVIL, SIZES
from tui.colors import PALETTES
from tui.lr_find import RateLines, command, words
from tui.lr_find_app import LRFindApp
from tui.panes.lines import Frame, pad
from tui.screens.lr_find import advice, curve
from tui.state.found import Found
from tui.state.run import RunState

COLORS = PALETTES["miniai-dark"]


def found(*facts: ev.AnyFact) -> Found:
    made = Found()
    for fact in facts:
        made.apply(fact)
    return made


def drawn(made: Found, width: int = 100, height: int = 24) -> list[str]:
    return [strip.text for strip in curve(made, Frame(width, height, COLORS))]


def test_the_curve_falls_and_rises_and_the_suggestion_is_marked() -> None:
    lines = drawn(found(*search(bad=9.0)))
    assert "0.02 suggested" in lines[0]
    column = lines[0].index("0.02") - 3
    assert {line[column] for line in lines[:22]} <= {"┊", "●"} | {chr(c) for c in range(0x2800, 0x2900)}
    assert sum("●" in line for line in lines) == 1
    first = [next(i for i, line in enumerate(lines[:22]) if "⠀" <= line[x] <= "⣿") for x in (12, 75)]
    assert first[1] > first[0]  # lower down at the right: the loss has fallen
    assert lines[-1].split() == ["rate", "1e-5", "0.0001", "0.001", "0.01", "0.1", "1", "10"]


def test_a_loss_that_is_not_finite_is_a_red_cross() -> None:
    strips = curve(found(*search()), Frame(100, 24, COLORS))
    crosses = [(s.style and s.style.color and s.style.color.name) for row in strips for s in row if "×" in s.text]
    assert crosses == [COLORS.wrong]


def test_without_a_suggestion_nothing_is_marked() -> None:
    assert "suggested" not in "".join(drawn(found(*search(rate=None))))


@pytest.mark.parametrize("upto", [0, 1, 2, 5])
def test_the_first_points_are_drawn(upto: int) -> None:
    lines = "".join(drawn(found(*search(upto, end=False, bad=2.3))))
    assert ("first batch on" in lines) == (upto == 0)
    assert ("●" in lines) == (upto == 1)


@given(
    values=st.lists(st.floats(allow_nan=True, allow_infinity=True), max_size=40),
    first=st.floats(1e-12, 1.0), factor=st.floats(1.01, 10.0), rate=st.none() | st.floats(1e-12, 100.0),
    width=st.integers(1, 130), height=st.integers(1, 45),
)  # fmt: skip
def test_any_losses_at_any_size_give_lines_that_fit(
    values: list[float], first: float, factor: float, rate: float | None, width: int, height: int
) -> None:
    made = Found()
    made.rates = [first * factor**i for i in range(len(values)) if first * factor**i < 1e3]
    made.losses = values[: len(made.rates)]
    made.suggestion = ev.RateSuggested(at=1, rate=rate, ended="", why="")
    frame = Frame(width, height, COLORS)
    strips = pad(curve(made, frame), width, height)
    assert [strip.cell_length for strip in strips] == [width] * height


@pytest.mark.parametrize(("width", "height"), SIZES)
def test_the_advice_fits_and_is_harmless(width: int, height: int) -> None:
    for rate in (None, 0.02):
        state = RunState()
        for fact in search(rate=rate, end=False):
            state.apply(fact)
        state.apply(ev.RateSuggested(at=1, rate=rate, ended=EVIL, why=EVIL))
        strips = pad(advice(state, Frame(width, height, COLORS), lambda r: f"use {r}" * 20), width, height)
        assert [strip.cell_length for strip in strips] == [cell_len(strip.text) for strip in strips] == [width] * height
        text = "".join(strip.text for strip in strips)
        assert not [c for c in text if unicodedata.category(c) in {"Cc", "Cf", "Cs"}]


def test_the_command_is_whole_however_narrow() -> None:
    state = RunState()
    for fact in search(end=False):
        state.apply(fact)
    state.apply(ev.RateSuggested(at=1, rate=0.042, ended="it diverged", why="it fell fastest there"))
    command = "miniai-tui fit fashion --model conv --threads 1 --lr 0.042"
    for width in (30, 56, 76):
        text = " ".join(strip.text for strip in advice(state, Frame(width, 9, COLORS), lambda _: command))
        assert command in " ".join(text.split())


def test_odd_facts_change_nothing_and_do_not_raise() -> None:
    made = found(*search(20, end=False))
    before = list(made.rates)
    made.apply(ev.RatesTried(at=1, first=3, rates=[1.0], losses=[1.0]))
    made.apply(ev.RatesTried(at=1, first=99, rates=[1.0], losses=[1.0]))
    assert made.rates == before
    made.apply(ev.RatesTried(at=1, first=20, rates=[-1.0, 0.0, math.inf], losses=[1.0, 1.0, 1.0]))
    assert made.rates == before
    made.apply(ev.RateSuggested(at=1, rate=-1.0, ended="", why=""))
    assert made.suggestion is not None
    assert made.suggestion.rate is None


async def test_the_screen_says_the_rate_and_the_command(tmp_path: Path) -> None:
    for size in ((80, 24), (120, 40), (200, 60), (60, 15)):
        async with driving_app(LRFindApp, search_session(tmp_path), size) as driver:
            assert {"curve", "advice", "header", "keys"} <= driver.seen()
            text = driver.text("advice")
            assert "learning rate 0.02  is a good one" in text
            assert "miniai-tui fit fashion --model conv --bs 64 --lr 0.02" in " ".join(text.split())
            assert "too small" not in driver.text("curve")
            assert "✓ done" in driver.text("header")
            assert "quit" in driver.text("keys")
            assert "pause" not in driver.text("keys")
    assert driver.app.exit_code == 0
    assert "suggested learning rate: 0.02" in driver.app.summary()


async def test_it_grows_as_it_runs(tmp_path: Path) -> None:
    facts = [*search(end=False)]
    async with driving_app(LRFindApp, search_session(tmp_path, iter(facts[:-3]))) as driver:
        assert "20 batches" in driver.text("curve")
        assert "batch    20" in driver.text("header")
        assert "a suggestion comes then" in driver.text("advice")
        assert "pause" in driver.text("keys")
        assert "looking for a learning rate" in driver.text("header")
        await driver.post(*facts[-3:])
        assert "48 batches" in driver.text("curve")
        await driver.post(ev.FitEnded(at=9, reason="done", step=48))
        assert "the search ended at batch    48" in driver.text("header")


async def test_its_keys(tmp_path: Path) -> None:
    session = search_session(tmp_path, search(30, end=False))
    async with driving_app(LRFindApp, session) as driver:
        await driver.press("space")
        assert "pausing" in driver.text("header")
        await driver.post(ev.Paused(at=4, epoch=0, phase="train", batch=30, step=30, request=session.requests[-1].id))
        assert "paused" in driver.text("header")
        await driver.press("space")
        await driver.post(ev.Continued(at=5, paused=1.0, request=session.requests[-1].id))
        await driver.press("c")
        assert "still to come" in driver.text("header")
        await driver.press("s", "e", "b", "1", "y", "f")
        assert [type(request) for request in session.requests] == [Pause, Continue, Stop]
        assert driver.app.screen is driver.app.run_screen
        await driver.press("question_mark")
        assert driver.app.screen is not driver.app.run_screen
        await driver.press("escape", "q")
        assert driver.app.screen is not driver.app.run_screen  # what is to become of the run?
        await driver.press("escape")


async def test_the_command_is_copied(tmp_path: Path) -> None:
    async with driving_app(LRFindApp, search_session(tmp_path)) as driver:
        await driver.press("c")
        assert driver.app.clipboard == "miniai-tui fit fashion --model conv --bs 64 --lr 0.02"
        assert "sent to the clipboard" in driver.text("header")


async def test_a_search_without_a_suggestion_says_why(tmp_path: Path) -> None:
    facts = [*search(3, rate=None)]
    async with driving_app(LRFindApp, search_session(tmp_path, iter(facts))) as driver:
        assert "✗ no learning rate can be suggested" in driver.text("advice")
        await driver.press("c")
        assert "no suggestion to copy" in driver.text("header")
        assert driver.app.summary().startswith("no learning rate can be suggested")


def test_the_command_has_what_the_search_had() -> None:
    config = RunConfig(dataset="fashion", model="conv", bs=7, amp=True, data_dir="/a b", threads=2, seed=3, given=(
        "amp", "bs", "data_dir", "dataset", "lr_start", "seed", "threads"))  # fmt: skip
    assert command(config, 0.03) == "miniai-tui fit fashion --data-dir '/a b' --bs 7 --amp --threads 2 --lr 0.03"
    assert command(RunConfig(), 1e-5) == "miniai-tui fit fashion --lr 1e-05"


def test_lines_are_aligned_and_end_with_the_command() -> None:
    printer = RateLines(RunConfig())
    lines = [line for fact in search() for line in printer.render(fact)]
    table = [line for line in lines if line[:6].strip().isdigit()]
    assert len(table) == 48
    assert {len(line) for line in table} == {28}
    assert lines[-1] == "  use it: miniai-tui fit fashion --lr 0.02"
    assert not [line for line in lines if not line.isprintable()]


@pytest.mark.parametrize(
    ("tried", "rate", "stopped", "ended", "why"),
    [
        (losses(40), rates()[20], False, "had not diverged", FASTEST),
        ([2.0, 1.0, 0.5, 0.4, 0.3, 0.2, 4.0], 1e-5 / 3, False, "diverged to 4 at rate 4.8e-05, in batch 7", THIRD),
        ([2.0, math.nan], None, False, "the loss became nan at rate 1.3e-05, in batch 2", "only 1 batch with a finite"),
        ([math.inf], None, False, "the loss became inf", "not finite at the lowest rate already"),
        ([2.0] * 9, None, False, "had not diverged", "the loss never fell"),
        ([2.0] * 2, None, True, "stopped on request after 2 batches", "let it run longer"),
        ([], None, True, "stopped on request after 0 batches", "too few"),
        ([], None, False, "there was no batch", "too few"),
    ],
)
def test_verdicts(tried: list[float], rate: float | None, stopped: bool, ended: str, why: str) -> None:
    said = verdict(rates(len(tried)), tried, rate, stopped=stopped)
    assert ended in said[0]
    assert why in said[1]
    assert words(ev.RateSuggested(at=0, rate=rate, ended=said[0], why=said[1]), RunConfig())
