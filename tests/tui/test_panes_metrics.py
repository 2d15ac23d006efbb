"""The metrics table, line by line, its cursor, its order and its copies."""

from __future__ import annotations

import csv
import math
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from miniai.run import events as ev
from tests.tui.driving import driving, going
from tests.tui.fake_session import FakeSession
from tests.tui.recorded import Recording
from tui.colors import PALETTES
from tui.panes.lines import Frame
from tui.panes.metrics import MetricsPane
from tui.panes.table import View, cells, heads, table
from tui.state import RunState
from tui.state.rows import Sort

COLORS = PALETTES["miniai-dark"]


def after(*facts: ev.AnyFact) -> RunState:
    state = RunState()
    for fact in facts:
        state.apply(fact)
    return state


def rows(state: RunState, width: int = 51, height: int = 12, view: View | None = None) -> list[str]:
    strips = table(state, Frame(width, height, COLORS), view)
    assert [s.cell_length for s in strips] == [width] * height
    return [s.text.rstrip() for s in strips]


def ended(epoch: int, phase: ev.Phase, **more: object) -> ev.EpochEnded:
    values: dict[str, object] = {
        "at": 1.0, "metrics": {"loss": 0.5}, "batches": 59, "of": 59, "samples": 100, "seconds": 1.5, "step": 59,
    }  # fmt: skip
    return ev.EpochEnded(epoch=epoch, phase=phase, **(values | more))  # type: ignore[arg-type]


def test_the_table() -> None:
    assert rows(after(*Recording().until(1, 74)), height=6) == [
        "epoch               loss  accuracy   images    time",
        "    1  train      0.5879*   0.8060*  60,416    4.8s",
        "       valid      0.6105*   0.7985*  10,240    0.4s",
        "    2  train ▸    0.4581    0.8488   37,888    3.0s",
        "",
        "* best valid accuracy 0.7985 at epoch 1   ▸ running",
    ]


def test_the_best_of_each_column_and_half_is_marked() -> None:
    state = after(
        ended(0, "train", metrics={"loss": 0.5, "accuracy": 0.7}),
        ended(0, "valid", metrics={"loss": 0.6, "accuracy": 0.9}),
        ended(1, "train", metrics={"loss": 0.3, "accuracy": 0.8}),
        ended(1, "valid", metrics={"loss": 0.4, "accuracy": 0.8}),
        ended(2, "train", metrics={"loss": 0.1, "accuracy": 0.9}, ended="stopped"),  # not over a whole half
    )
    marked = [[c.endswith("*") for c in text.split()[-4:-2]] for text in rows(state, height=8)[1:5]]
    assert marked == [[False, False], [False, True], [True, True], [True, False]]
    assert "*" not in rows(state, height=8)[5]


def test_empty_says_what_will_come() -> None:
    assert "the first row comes" in " ".join(rows(RunState()))


def test_a_validation_that_was_switched_off_says_off_and_not_skipped() -> None:
    off = ended(0, "valid", metrics={}, batches=0, samples=0, seconds=0.0, ended="skipped", off=True)
    state = after(ended(0, "train"), off, ended(1, "train"), ended(1, "valid"))
    for width in (40, 51, 100):
        assert rows(state, width)[2].split()[-1] == "off"
        assert "skipped" not in "\n".join(rows(state, width))
    cursor = (next(row for row in state.rows if row.off), "epoch")
    assert rows(state, 100, view=View(cursor=cursor))[-1].endswith("valid · off")


def test_skipped_and_stopped_halves_say_so_narrow_and_wide() -> None:
    state = after(ended(0, "train", batches=37, ended="skipped"), ended(0, "valid", batches=3, of=5, ended="stopped"))
    for width in (40, 51, 100):
        text = "\n".join(rows(state, width))
        assert "skipped at 37/59" in text
        assert "stopped at 3/5" in text
        assert "0.5000" in text


def test_however_many_metrics_there_are_a_half_that_is_not_whole_is_marked() -> None:
    many: dict[str, ev.Number] = {f"metric{i}": 0.5 for i in range(9)}
    state = after(
        ended(0, "train", metrics=many, batches=37, ended="skipped"), ended(0, "valid", metrics=many),
        ended(1, "train", metrics=many, ended="failed"), ended(1, "valid", metrics=many, ended="stopped"),
        ev.EpochStarted(at=1, epoch=2, phase="train", batches=59, step=99),
    )  # fmt: skip
    for width in (32, 40, 51, 60, 80):
        lines = rows(state, width, 9)
        assert [line[13:14].strip() for line in lines[1:6]] == ["»", "", "×", "■", "▸"]
        assert "…" not in "".join(lines[1:6])  # no half words
    assert "▸ running   » skipped   ■ stopped   × failed" in rows(state, 93, 9)[-1]
    assert rows(state, 93, 4)[-1].endswith("epoch 1   ▸ running   ■ stopped")  # of the rows that are seen


def test_a_half_with_a_skipped_batch_is_marked_too() -> None:
    state = after(
        ev.EpochStarted(at=1, epoch=0, phase="train", batches=59, step=0),
        ev.BatchSkipped(at=1, epoch=0, phase="train", batch=3), ended(0, "train"),
    )  # fmt: skip
    assert rows(state, 40)[1].split()[1:3] == ["train", "»"]
    assert rows(state, 100)[1].endswith("1 batch skipped")
    assert rows(state, 38)[1].endswith("*1 skipped")


def test_names_that_are_cut_can_be_told_apart() -> None:
    assert heads(["loss", "precision_macro", "precision_micro"], 8) == ["loss", "pre…acro", "pre…icro"]
    assert heads(["accuracy_of_all", "accuracy_of_some", "recall_of_it"], 8) == ["accu…all", "accu…ome", "recall_…"]
    assert all(cell_len(name) <= 8 for name in heads(["精度精度精度甲", "精度精度精度乙"], 8))


def test_nan_is_red_and_never_the_best() -> None:
    state = after(ended(0, "valid", metrics={"loss": "nan"}), ended(1, "valid", metrics={"loss": 0.7}))
    strips = table(state, Frame(51, 8, COLORS))
    broken = next(s for s in strips[1] if "NaN" in s.text)
    assert broken.style is not None
    assert broken.style.color is not None
    assert broken.style.color.name == COLORS.wrong
    assert "0.7000*" in strips[2].text


def test_the_newest_rows_are_seen_and_older_by_scrolling() -> None:
    state = after(*(ended(e, "train") for e in range(30)))
    assert rows(state, height=7)[5].split()[0] == "30"
    assert rows(state, height=7, view=View(top=0))[1].split()[0] == "1"
    assert rows(state, height=7, view=View(top=99))[5].split()[0] == "30"


def test_more_metrics_than_fit_are_cut_at_the_right_and_come_by_scrolling() -> None:
    many = {"loss": 0.1} | {f"metric{i}": 0.5 for i in range(15)}
    state = after(ended(0, "valid", metrics=many))
    assert "metric0" in rows(state)[0]
    assert "metric9" not in rows(state)[0]
    assert "metric9" in rows(state, view=View(first=9))[0]


@pytest.mark.parametrize(("width", "height"), [(12, 3), (20, 5), (200, 50)])
def test_every_size_is_filled(width: int, height: int) -> None:
    state = after(*Recording().until(1, 74))
    for view in (None, View(Sort("=loss")), View(cursor=(next(iter(state.rows)), "=loss"))):
        rows(state, width, height, view)


def test_sorted_by_a_metric_the_best_stands_on_top_and_validation_before_training() -> None:
    losses = [0.5, 0.2, "nan", 0.9]
    halves: tuple[ev.Phase, ...] = ("train", "valid")
    state = after(*(ended(e, p, metrics={"loss": x}) for e, x in enumerate(losses) for p in halves))
    lines = rows(state, view=View(Sort.of("=loss")))
    assert [line.split()[0] for line in lines[1:9]] == ["2", "1", "4", "3"] * 2
    assert [line.split()[1] for line in lines[1:9]] == ["valid"] * 4 + ["train"] * 4
    assert "loss▴" in lines[0]
    lines = rows(state, view=View(Sort("=loss", False)))
    assert [line.split()[0] for line in lines[1:5]] == ["4", "1", "2", "3"]  # NaN is never on top
    assert "loss▾" in lines[0]
    assert Sort.of("=accuracy") == Sort("=accuracy", False)


NUMBERS = st.one_of(st.floats(-1e6, 1e6), st.sampled_from(["nan", "inf", "-inf"]))


@given(st.lists(st.tuples(NUMBERS, NUMBERS), min_size=1, max_size=12), st.booleans())
def test_sorting_loses_nothing_and_orders_what_is_finite(values: list[tuple[float, float]], upward: bool) -> None:
    facts = [ended(e, "valid", metrics={"loss": a, "accuracy": b}) for e, (a, b) in enumerate(values)]
    state = after(*facts)
    ordered = Sort("=accuracy", upward)(state.rows)
    assert {row.epoch for row in ordered} == set(range(len(values)))
    numbers = [row.metrics["accuracy"] for row in ordered]
    known = [x for x in numbers if not math.isnan(x)]
    assert known == sorted(known, reverse=not upward)
    assert numbers[: len(known)] == pytest.approx(known)


def test_the_last_line_reads_the_cell_under_the_cursor() -> None:
    state = after(ended(0, "valid", metrics={"loss": 0.123456789}), ended(1, "valid", ended="skipped", batches=3))
    first, second = list(state.rows)
    assert rows(state, 80, 8, View(cursor=(first, "=loss")))[-1] == (
        "epoch 1 valid loss 0.123456789 · best 0.1235 at epoch 1"
    )
    assert rows(state, 80, 8, View(cursor=(second, "time")))[-1] == "epoch 2 valid time 1.5 · skipped at 3/59"
    strips = table(state, Frame(80, 8, COLORS), View(cursor=(first, "=loss")))
    marked = [s.text.strip() for strip in strips for s in strip if s.style is not None and s.style.reverse]
    assert marked == ["0.1235*"]


def test_a_copy_has_every_row_and_digit() -> None:
    state = after(ended(0, "train", metrics={"loss": 0.123456789, "a\tb": 1.0}), ended(0, "valid", ended="skipped"))
    head, train, valid = cells(state, Sort())
    assert head == ["epoch", "half", "loss", "a b", "images", "seconds", "batches", "of", "state"]
    assert train == ["1", "train", "0.123456789", "1", "100", "1.5", "59", "59", "complete"]
    assert valid[-1] == "skipped at 59/59"


async def test_the_cursor_walks_sorts_and_copies(tmp_path: Path) -> None:
    async with driving(going(tmp_path)) as driver:
        await driver.press("2", "up")
        pane = driver.app.run_screen.pane(MetricsPane)
        assert "epoch 2 train loss" in driver.text("metrics")
        await driver.press("up", "right")
        assert "epoch 1 valid accuracy 0.798" in driver.text("metrics")
        await driver.press("c")
        assert driver.app.clipboard.startswith("0.798")
        assert "copied: accuracy" in driver.text("header")
        await driver.press("enter")
        assert "by accuracy" in driver.text("metrics")
        assert "accuracy▾" in driver.text("metrics")
        await driver.press("enter")
        assert "accuracy▴" in driver.text("metrics")
        await driver.press("enter")
        assert pane.sort.is_plain
        await driver.press("C")
        table_ = list(csv.reader(driver.app.clipboard.splitlines(), delimiter="\t"))
        assert [row[:2] for row in table_] == [["epoch", "half"], ["1", "train"], ["1", "valid"], ["2", "train"]]
        await driver.press("left", "left", "enter")  # the epochs, the newest on top
        assert driver.text("metrics").splitlines()[2].split()[:2] == ["2", "train"]
        await driver.press("1")
        assert "* best valid" in driver.text("metrics")


async def test_a_cell_without_a_number_is_not_copied(tmp_path: Path) -> None:
    off = ended(0, "valid", metrics={}, batches=0, samples=0, seconds=0.0, ended="skipped", off=True)
    facts = [*Recording().start(), ended(0, "train"), off]
    async with driving(FakeSession(tmp_path, facts)) as driver:
        await driver.press("2", "up", "up", "c", "down")
        assert "epoch 1 valid loss - · off" in driver.text("metrics")
        assert driver.app.clipboard == "0.5"
        await driver.press("c")
        assert "nothing to copy" in driver.text("header")
        assert driver.app.clipboard == "0.5"


async def test_what_one_sorts_for_is_under_the_cursor(tmp_path: Path) -> None:
    facts = [*Recording().start(), *(ended(e, "train", metrics={"loss": abs(e - 7.5)}, step=e) for e in range(60))]
    async with driving(FakeSession(tmp_path, facts)) as driver:
        await driver.press("2", "up")
        assert "epoch 60 train loss 51.5" in driver.text("metrics")
        await driver.press("enter")
        assert "epoch 8 train loss 0.5" in driver.text("metrics")
        await driver.press("enter")
        assert "epoch 60 train loss 51.5" in driver.text("metrics")


async def test_hundreds_of_epochs_scroll_and_follow(tmp_path: Path) -> None:
    facts = [*Recording(epochs=400).start(), *(ended(e, "train", step=e) for e in range(300))]
    async with driving(FakeSession(tmp_path, facts)) as driver:
        await driver.press("2")
        assert "300" in driver.text("metrics")
        await driver.press("home")
        assert "300  train" not in driver.text("metrics")
        assert driver.text("metrics").splitlines()[2].split()[0] == "1"
        await driver.post(ended(300, "train", step=300))
        assert driver.text("metrics").splitlines()[2].split()[0] == "1"  # where one reads nothing moves
        await driver.press("end")
        await driver.post(ended(301, "train", step=301))
        assert "302  train" in driver.text("metrics")
        await driver.press("pageup", "pageup", "pageup")
        assert "302  train" not in driver.text("metrics")


async def test_a_column_out_of_sight_comes_into_view_with_the_cursor(tmp_path: Path) -> None:
    many: dict[str, ev.Number] = {"loss": 0.1, "accuracy": 0.1}
    many |= {f"metric{i}": 0.5 for i in range(12)}
    facts = [*Recording().start(), ended(0, "valid", metrics=many)]
    async with driving(FakeSession(tmp_path, facts), size=(80, 24)) as driver:
        await driver.press("2")
        assert "1 to 6 of 14 columns" in driver.text("metrics")
        await driver.press("up", *["right"] * 13)
        assert "9 to 14 of 14 columns" in driver.text("metrics")
        assert "metric11" in driver.text("metrics").splitlines()[1]
        assert "epoch 1 valid metric11 0.5" in driver.text("metrics")
        await driver.press(*["left"] * 13)
        assert "loss" in driver.text("metrics").splitlines()[1]


async def test_a_click_puts_the_cursor_on_a_cell_and_sorts_by_a_head(tmp_path: Path) -> None:
    async with driving(going(tmp_path)) as driver:
        pane = driver.app.run_screen.pane(MetricsPane)
        await driver.pilot.click(pane, offset=(20, 3))  # border and padding included
        await driver.pilot.pause()
        assert "epoch 1 valid loss" in driver.text("metrics")
        await driver.pilot.click(pane, offset=(28, 1))
        await driver.pilot.pause()
        assert pane.sort == Sort.of("=accuracy")
        assert cell_len(driver.text("metrics").splitlines()[1]) <= pane.content_size.width
