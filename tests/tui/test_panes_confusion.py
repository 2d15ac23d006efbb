"""The confusion matrix, line by line."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from miniai.run import events as ev
from tests.tui.driving import driving
from tests.tui.fake_session import FakeSession
from tests.tui.recorded import CLASSES, Recording
from tui.colors import PALETTES
from tui.panes.confusion import View, confusion
from tui.panes.confusion_cells import Shades
from tui.panes.lines import Frame
from tui.state import RunState

COLORS = PALETTES["miniai-dark"]


def after(*facts: ev.AnyFact) -> RunState:
    state = RunState()
    for fact in (*Recording().start(), *facts):
        state.apply(fact)
    return state


def rows(state: RunState, width: int = 116, height: int = 34, view: View | None = None) -> list[str]:
    strips = confusion(state, Frame(width, height, COLORS), view)
    assert [s.cell_length for s in strips] == [width] * height
    return [s.text for s in strips]


def numbers(text: str) -> list[str]:
    return [word for word in text.split() if word[0].isdigit() or word in ("·", "<1")]


@pytest.mark.parametrize(("width", "height"), [(116, 34), (76, 16), (196, 55)])
def test_every_count_stands_in_its_row(width: int, height: int) -> None:
    fact = Recording().confused()
    lines = rows(after(fact), width, height)
    heads = lines[0].split()[1:11]
    assert all(name.startswith(head) for name, head in zip(CLASSES, heads, strict=True))
    for i, name in enumerate(CLASSES):
        text = next(line for line in lines[1:] if line.startswith(name))
        expected = [f"{n:,}" if n else "·" for n in fact.counts[10 * i : 10 * i + 10]]
        assert numbers(text[len(name) :])[:10] == expected
        assert f"{round(100 * fact.right[i] / fact.totals[i])} %" in text
    assert "10,000 images" in lines[-1]
    text = "\n".join(lines)
    assert "most often" in text
    assert "T-shirt/top ✗ Trouser" in text


def test_per_cent_hides_nothing() -> None:
    fact = Recording().confused()
    lines = rows(after(fact), view=View(shares=True))
    text = next(line for line in lines[1:] if line.startswith("Ankle boot"))
    shown = numbers(text[len("Ankle boot") :])[:10]
    for n, word in zip(fact.counts[90:100], shown, strict=True):
        share = n / 10
        assert word == ("·" if not n else "<1" if share <= 0.5 else f"{share:.0f}")


def test_heads_that_would_be_alike_are_numbers() -> None:
    data = ev.DataLoaded(
        at=0, dataset="d", source="s", sample=False, train=1, valid=1, shape=(1, 2, 2),
        classes=["alike animal one", "alike animal two", "other"],
    )  # fmt: skip
    lines = rows(after(data, Recording().confused(classes=3)), width=60)
    assert lines[0].split()[1:4] == ["0", "1", "other"]


def test_many_classes_scroll_both_ways_and_stay_in_range() -> None:
    state, view = after(Recording().confused(classes=40)), View(row=999, column=999)
    lines = rows(state, view=view)
    assert lines[-2].split()[0] == "39"
    assert lines[0].split()[-2 if "right" in lines[0].split()[-1:] else -1] in ("39", "often")
    assert "40 classes, arrows: more" in lines[-1]
    assert view.row < 40
    view.row = view.column = -5
    assert rows(state, view=view)[1].split()[0] == CLASSES[0]
    assert (view.row, view.column) == (0, 0)


@pytest.mark.parametrize(("classes", "width"), [(300, 116), (10, 26)])
def test_where_no_matrix_fits_the_worst_classes_come_first(classes: int, width: int) -> None:
    fact = Recording().confused(classes=classes)
    lines = rows(after(fact), width)
    worst = min(range(classes), key=lambda i: fact.right[i])
    assert lines[1].startswith((CLASSES[worst] if worst < 10 else str(worst))[:7])
    assert "%" in lines[1]


def test_what_was_cut_short_or_left_out_says_so() -> None:
    fact = msgspec.structs.replace(Recording().confused(complete=False), left_out=7)
    assert rows(after(fact))[-1].startswith("cut short")
    assert "! 7 without a class" in rows(after(fact))[-1]


def test_empty_says_what_will_come_and_what_never_will() -> None:
    assert "after the first validation" in " ".join(rows(RunState()))
    none = ev.ConfusionMeasured(at=1, epoch=0, step=0, classes=0, why="targets are not whole numbers")
    assert "not a classification that can be counted: targets are not" in " ".join(rows(after(none)))
    assert "has counted no validation" in " ".join(rows(after(ev.FitEnded(at=1, reason="done", step=1))))


@given(
    st.integers(2, 8).flatmap(
        lambda n: st.tuples(st.just(n), st.lists(st.integers(0, 9), min_size=n * n, max_size=n * n))
    )
)
def test_a_stronger_colour_never_stands_for_less(drawn: tuple[int, list[int]]) -> None:
    n, counts = drawn
    square = [counts[i * n : i * n + n] for i in range(n)]
    pairs = sorted(((i, j, square[i][j]) for i in range(n) for j in range(n) if i != j), key=lambda p: -p[2])
    fact = ev.ConfusionMeasured(
        at=0, epoch=0, step=0, classes=n, counts=counts, totals=[sum(r) for r in square],
        right=[square[i][i] for i in range(n)], predicted=[sum(c) for c in zip(*square, strict=True)],
        pairs=[p for p in pairs if p[2]],
    )  # fmt: skip
    shades = Shades(fact, COLORS)
    ramp = {color: i for i, color in enumerate(shades._ramp)}

    def place(i: int, j: int) -> int:
        look = shades.cell(i, j, 6, shares=False)[1].bgcolor
        assert look is not None
        triplet = look.get_truecolor()
        return ramp[triplet.red, triplet.green, triplet.blue]

    middle = len(ramp) // 2
    for i in range(n):
        assert place(i, i) <= middle
        others = [(square[i][j], place(i, j)) for j in range(n) if j != i]
        assert all(p >= middle for _, p in others)
        assert [p for _, p in sorted(others)] == sorted(p for _, p in others)


def test_accuracy_per_class() -> None:
    fact = msgspec.structs.replace(Recording().confused(classes=3, each=10), totals=[10, 0, 10], right=[5, 0, 10])
    assert after(fact).confusion.accuracy == [0.5, None, 1.0]


async def test_its_keys(tmp_path: Path) -> None:
    recording = Recording()
    facts = [*recording.until(1, 8), recording.confused(classes=40)]
    async with driving(FakeSession(tmp_path, facts), (80, 24)) as driver:
        await driver.press("7")
        await driver.settle()
        first = driver.text("confusion")
        assert "images" in first.splitlines()[0]
        await driver.press("percent_sign")
        assert "per cent" in driver.text("confusion").splitlines()[0]
        await driver.press("percent_sign")
        assert driver.text("confusion") == first
        for there, back in (("down", "up"), ("right", "left"), ("pagedown", "pageup")):
            await driver.press(there)
            assert driver.text("confusion") != first
            await driver.press(back)
            assert driver.text("confusion") == first
        await driver.post(recording.confused(1))
        assert "epoch 2" in driver.text("confusion").splitlines()[0]
