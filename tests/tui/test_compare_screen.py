"""The screen of a comparison: its chart and table line by line, its keys, live runs, damaged runs."""

from __future__ import annotations

import unicodedata
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len

from miniai.run import events as ev
from tests.tui.compared import comparing, make_run, three
from tests.tui.recorded import Recording
from tests.tui.test_panes_contract import EVIL, SIZES, states
from tui.colors import PALETTES
from tui.compare_read import read_now
from tui.compare_runs import LETTERS, Compared, find_runs
from tui.keys import BINDINGS
from tui.panes.compare_chart import compare_chart
from tui.panes.compare_table import compare_table, rows_of
from tui.panes.compare_view import Comparison, color_of
from tui.panes.lines import Frame, pad
from tui.state.run import RunState

COLORS = PALETTES["miniai-dark"]


def compared(root: Path) -> Comparison:
    runs = three(root)
    read_now(runs)
    return Comparison(runs)


def drawn(comparison: Comparison, width: int = 110, height: int = 24) -> list[str]:
    return [strip.text for strip in compare_chart(comparison, Frame(width, height, COLORS))]


def of(*states_: RunState) -> Comparison:
    """A comparison of bare states."""
    return Comparison([Compared(None, LETTERS[i], f"run{i}", state) for i, state in enumerate(states_)])  # type: ignore[arg-type]


def flat(value: float, steps: int = 200) -> RunState:
    """A run whose loss is always the same."""
    state = RunState()
    for fact in [*Recording().start()][:6]:
        state.apply(fact)
    state.apply(ev.EpochStarted(at=3, epoch=0, phase="train", batches=steps, step=0))
    state.apply(ev.Scalars(at=3 + steps, name="loss", first=1, values=[value] * steps))
    return state


# -- the chart ---------------------------------------------------------------------------------------------------------


def test_each_run_has_its_letter_on_its_curve_and_a_row_in_the_legend() -> None:
    text = drawn(of(flat(1.0), flat(2.0), flat(3.0)))
    assert "C" in text[0][8:70]
    rows = {x: [i for i, row in enumerate(text[:-2]) if x in row and "━" not in row] for x in "ABC"}
    rows["C"].append(0)  # beside the legend
    assert min(rows["A"]) > max(rows["B"]) >= min(rows["B"]) > max(rows["C"])  # the larger loss is drawn higher up
    for letter, value in (("A", "1.0000"), ("B", "2.0000"), ("C", "3.0000")):
        assert any(f"{letter} ━ run" in row and value in row for row in text)


def test_runs_are_drawn_in_their_own_colours() -> None:
    strips = compare_chart(of(flat(1.0), flat(2.0)), Frame(110, 24, COLORS))
    for which, letter in ((0, "A"), (1, "B")):
        looks = {s.style.color.name for row in strips for s in row if letter in s.text and s.style and s.style.color}
        assert looks == {color_of(which, COLORS)}
    assert len({color_of(i, COLORS) for i in range(8)}) == 8
    assert len({color_of(i, PALETTES["miniai-light"]) for i in range(8)}) == 8


def test_log_y_leaves_out_what_cannot_be_drawn() -> None:
    made = of(flat(0.0), flat(10.0))
    made.log = True
    text = "\n".join(drawn(made))
    assert "A ━ run0" in text
    assert "0.0000" in text
    both = of(flat(0.0), flat(-1.0))
    both.log = True
    assert "nothing above 0" in "\n".join(drawn(both))


def test_what_is_not_finite_is_a_cross_and_a_word() -> None:
    broken = flat(1.0)
    broken.apply(ev.Scalars(at=204, name="loss", first=201, values=["nan", "inf"]))
    text = drawn(of(broken, flat(2.0)))
    assert "×" in text[21]
    assert any("A ━" in row and "NaN" not in row and "inf  × at 201" in row for row in text)


def test_a_legend_that_has_no_room_says_only_letters_and_values() -> None:
    made = of(*(flat(float(i + 1)) for i in range(8)))
    assert any("A 1.0000   B 2.0000   C 3.0000" in row for row in drawn(made, 76, 10))
    assert any("H ━ run7   8.0000" in row for row in drawn(made, 76, 30))
    assert any("A B C D E F G H" in row for row in drawn(made, 30, 7))


def test_the_axis_holds_the_longest_run_in_every_unit(tmp_path: Path) -> None:
    made = compared(tmp_path)
    last = {"steps": 354.0, "epochs": 3.0, "time": made.runs[0].state.clock.one("time", 354)}
    for unit, least in last.items():
        assert made.unit == unit
        assert made.axis(8).high >= least
        assert drawn(made)[-1].split()[0] == {"steps": "step", "epochs": "epoch", "time": "time"}[unit]
        made.next_unit()


def test_curves_go_round_and_the_loss_comes_first(tmp_path: Path) -> None:
    made = compared(tmp_path)
    assert made.names[:2] == ["train loss", "valid loss"]
    assert "valid accuracy" in made.names
    seen = []
    for _ in made.names:
        seen.append(made.name)
        made.next_name(1)
    assert seen == made.names
    assert made.name == "train loss"
    made.next_name(-1)
    assert made.name == made.names[-1]


def test_the_best_of_an_epoch_s_values_stands_in_the_legend(tmp_path: Path) -> None:
    made = compared(tmp_path)
    made.name = "valid accuracy"
    best = made.runs[0].state.rows.best[("accuracy", "valid")].value
    assert any("A ━" in row and f"best   {best:.4f}" in row for row in drawn(made))
    made.name = "valid loss"
    best = made.runs[0].state.rows.best[("loss", "valid")].value
    assert any("A ━" in row and f"best   {best:.4f}" in row for row in drawn(made))


def test_the_crosshair_reads_every_run_where_it_stands() -> None:
    made = of(flat(1.0, 200), flat(2.0, 100))
    made.cross = 150.0
    text = "\n".join(drawn(made))
    assert "at step 150" in text
    assert "A ━ run0   1.0000" in text
    assert "B ━ run1  not yet" in text
    assert "│" in text


@given(
    values=st.lists(st.lists(st.floats(allow_nan=True, allow_infinity=True), max_size=30), min_size=2, max_size=8),
    width=st.integers(1, 140), height=st.integers(1, 50), log=st.booleans(),
    unit=st.sampled_from(["steps", "epochs", "time"]), cross=st.none() | st.floats(0, 1e4),
)  # fmt: skip
@settings(max_examples=60, deadline=None)
def test_any_runs_at_any_size_give_lines_that_fit(
    values: list[list[float]], width: int, height: int, log: bool, unit: str, cross: float | None
) -> None:
    made = of(*(RunState() for _ in values))
    for run, row in zip(made.runs, values, strict=True):
        run.state.apply(ev.EpochStarted(at=1, epoch=0, phase="train", batches=30, step=0))
        run.state.apply(ev.Scalars(at=2, name="loss", first=1, values=[ev.number(v) for v in row]))
    made.log, made.cross = log, cross
    made.unit = unit  # type: ignore[assignment]
    strips = pad(compare_chart(made, Frame(width, height, COLORS)), width, height)
    assert [strip.cell_length for strip in strips] == [width] * height


@pytest.mark.parametrize("theme", list(PALETTES))
def test_odd_states_at_odd_sizes_give_harmless_lines(tmp_path: Path, theme: str) -> None:
    runs = []
    for i, (name, state) in enumerate([*states().items()][:8]):
        run = make_run(tmp_path, f"r{i}")
        runs.append(Compared(run, LETTERS[i], name, state, trouble=EVIL[:0] + "broken" if i == 2 else ""))
    made = Comparison(runs)
    for name in ["train loss", *made.names]:
        made.name, made.every = name, not made.every
        for width, height in SIZES:
            frame = Frame(width, height, PALETTES[theme])
            for strips in (compare_chart(made, frame), compare_table(made, frame, rows_of(made), 0, 0)):
                padded = pad(strips, width, height)
                assert [cell_len(strip.text) for strip in padded] == [width] * height
                text = "".join(strip.text for strip in padded) + made.title
                assert not [c for c in text if unicodedata.category(c) in {"Cc", "Cf", "Cs", "Zl", "Zp"}]


def test_the_frame_costs_the_same_however_long_the_runs_are() -> None:
    made = of(flat(1.0, 1000), flat(2.0, 1000))
    for run in made.runs:
        run.state.apply(ev.Scalars(at=9e5, name="loss", first=1001, values=[1.5] * 300_000))
    series = made.runs[0].state.series["loss"]
    assert series.used <= series.size == 1024
    assert any("1.5000" in row for row in drawn(made))


# -- the screen --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [(60, 15), (80, 24), (120, 40), (200, 60)])
async def test_chart_and_table_are_seen_at_every_size(tmp_path: Path, size: tuple[int, int]) -> None:
    async with comparing(three(tmp_path), size) as driver:
        assert "3 runs · fashion" in driver.text("header")
        assert "A conv-aa11 ✓ done" in driver.text("header") or size[0] < 80
        assert "train loss ─ linear y · smooth" in driver.text("loss")
        assert "best valid accuracy" in driver.text("table") or size[0] < 80
        assert "curves" in driver.text("keys")
        assert "quit" in driver.text("keys")
    assert driver.app.exit_code == 0
    assert "A conv-aa11" in driver.app.summary()


async def test_the_keys(tmp_path: Path) -> None:
    async with comparing(three(tmp_path)) as driver:
        await driver.press("g")
        assert "valid loss" in driver.text("loss")
        await driver.press("G", "y")
        assert "train loss ─ log y" in driver.text("loss")
        await driver.press("x")
        assert "by epochs" in driver.text("loss")
        await driver.press("minus", "minus")
        assert "not smoothed" in driver.text("loss")
        await driver.press("plus")
        assert "smooth ~5" in driver.text("loss")
        assert "data_dir" not in driver.text("table")
        await driver.press("d")
        assert "data_dir" in driver.text("table")
        assert "all settings" in driver.text("table")
        await driver.press("d")
        assert "other settings are the same: d lists them" in driver.text("table")


async def test_the_crosshair_moves_and_goes(tmp_path: Path) -> None:
    async with comparing(three(tmp_path)) as driver:
        places: list[float | None] = []
        for key in ("i", "left", "left", "home"):
            await driver.press(key)
            places.append(driver.app.comparison.cross)
        first, *more = [place for place in places if place is not None]
        assert len(more) == 3
        assert first > more[0] > more[1] > more[2] == 0
        assert "at step 0" in driver.text("loss")
        await driver.press("escape")
        assert driver.app.comparison.cross is None
        assert "at step" not in driver.text("loss")


async def test_panes_themes_help_and_the_way_out(tmp_path: Path) -> None:
    async with comparing(three(tmp_path), (80, 24)) as driver:
        low = driver.app.run_screen.query_one("#table").size.height
        await driver.press("tab", "f")
        assert driver.app.run_screen.query_one("#table").size.height > low
        assert "images/s" in driver.text("table")
        await driver.press("escape")
        assert driver.app.run_screen.query_one("#table").size.height == low
        await driver.press("down", "down")
        assert "best valid accuracy" not in driver.text("table")
        await driver.press("t")
        assert driver.app.theme == "miniai-light"
        await driver.press("question_mark")
        assert len(driver.app.screen_stack) == 2
        await driver.press("escape", "ctrl+p")
        assert len(driver.app.screen_stack) == 2
        await driver.press("escape")
    async with comparing(three(tmp_path / "again"), (80, 24)) as driver:
        assert driver.app.is_running
        await driver.press("q")
        ended = driver.app.compared.over
    assert ended.is_set()
    assert driver.app.return_value is None


async def test_keys_of_the_monitor_that_control_a_run_do_nothing(tmp_path: Path) -> None:
    async with comparing(three(tmp_path)) as driver:
        ids = {binding.id for binding, _ in driver.app.keys}
        assert not ids & {"pause", "stop", "skip_batch", "skip_epoch", "rate", "epochs"}
        shared = ids & {binding.id for binding in BINDINGS}
        assert {"curves", "log_y", "axis", "smoother", "rougher", "crosshair", "help", "quit"} <= shared
        await driver.press("space", "s", "e", "b", "v", "L", "E")
        assert len(driver.app.screen_stack) == 1


async def test_more_runs_than_there_is_room_for_are_reached_sideways(tmp_path: Path) -> None:
    for i in range(8):
        make_run(tmp_path, f"20260101-12000{i}-fashion-conv-aa1{i}", seed=i)
    runs = find_runs([f"aa1{i}" for i in range(8)], tmp_path)
    async with comparing(runs, (80, 24)) as driver:
        assert "H" in driver.text("header")
        assert "runs 1 to 6 of 8" in driver.text("table")
        assert "A …v-aa10" in driver.text("table")
        assert "H …v-aa17" not in driver.text("table")
        await driver.press("2", *["right"] * 8)
        assert "runs 3 to 8 of 8" in driver.text("table")
        assert "H …v-aa17" in driver.text("table")


async def test_a_damaged_run_is_told_and_the_others_are_drawn(tmp_path: Path) -> None:
    runs = three(tmp_path)
    runs[1].run.journal.write_bytes(b"nonsense\n" * 9)
    async with comparing(runs) as driver:
        assert "✗ no data" in driver.text("header")
        assert "its journal cannot" in driver.text("table")
        assert "A ━ conv-aa11" in driver.text("loss")
