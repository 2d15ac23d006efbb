"""The metrics table, line by line."""

from __future__ import annotations

import pytest

from miniai.run import events as ev
from tests.tui.recorded import Recording
from tui.colors import PALETTES
from tui.panes.lines import Frame
from tui.panes.metrics import table
from tui.state import RunState

COLORS = PALETTES["miniai-dark"]


def after(*facts: ev.AnyFact) -> RunState:
    state = RunState()
    for fact in facts:
        state.apply(fact)
    return state


def rows(state: RunState, width: int = 51, height: int = 12, offset: int = 0) -> list[str]:
    strips = table(state, Frame(width, height, COLORS), offset)
    assert [s.cell_length for s in strips] == [width] * height
    return [s.text.rstrip() for s in strips]


def ended(epoch: int, phase: ev.Phase, **more: object) -> ev.EpochEnded:
    values: dict[str, object] = {
        "at": 1.0, "metrics": {"loss": 0.5}, "batches": 59, "of": 59, "samples": 100, "seconds": 1.5, "step": 59,
    }  # fmt: skip
    return ev.EpochEnded(epoch=epoch, phase=phase, **(values | more))  # type: ignore[arg-type]


def test_the_table() -> None:
    assert rows(after(*Recording().until(1, 74)), height=6) == [
        "epoch            loss  accuracy   images    time",
        "    1  train   0.5879    0.8060   60,416    4.8s",
        "       valid   0.6105*   0.7985*  10,240    0.4s",
        "    2  train   0.4581    0.8488   37,888    3.0s",
        "",
        "* best valid accuracy 0.7985 at epoch 1",
    ]


def test_empty_says_what_will_come() -> None:
    assert "the first row comes" in " ".join(rows(RunState()))


def test_skipped_and_stopped_halves_say_so_narrow_and_wide() -> None:
    state = after(ended(0, "train", batches=37, ended="skipped"), ended(0, "valid", batches=3, of=5, ended="stopped"))
    for width in (40, 51, 100):
        text = "\n".join(rows(state, width))
        assert "skipped at 37/59" in text
        assert "stopped at 3/5" in text
        assert "0.5000" in text


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
    assert rows(state, height=7, offset=-25)[5].split()[0] == "5"


def test_more_metrics_than_fit_are_cut_at_the_right() -> None:
    many = {"loss": 0.1} | {f"metric{i}": 0.5 for i in range(15)}
    lines = rows(after(ended(0, "valid", metrics=many)), width=51)
    assert "metric0" in lines[0]
    assert "metric9" not in lines[0]


@pytest.mark.parametrize(("width", "height"), [(12, 3), (20, 5), (200, 50)])
def test_every_size_is_filled(width: int, height: int) -> None:
    rows(after(*Recording().until(1, 74)), width, height)
