"""Marks: each has its sign on the axis, the most important ones words, and no word lies on anything else."""

from __future__ import annotations

from typing import Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from miniai.run import events as ev
from tests.tui.test_loss_view import going
from tui.colors import PALETTES
from tui.panes.lines import Frame
from tui.panes.loss_cross import marked
from tui.panes.loss_draw import LABEL, loss_chart
from tui.panes.loss_marks import RANKS, grouped, marks, sign_of
from tui.panes.loss_reading import reading, squeezed
from tui.panes.loss_view import View
from tui.state import Mark, RunState

COLORS = PALETTES["miniai-dark"]
Fact = Literal["lr", "epochs", "valid", "save", "alert", "pause", "skip"]


def told(state: RunState, what: Fact, step: int) -> None:
    """Something happened at a step."""
    match what:
        case "lr" | "epochs" | "valid":
            state.apply(ev.Changed(at=9, what=what, old=0.2 if what == "lr" else 5, new=0.1, step=step, epoch=2))
        case "save":
            state.apply(ev.Saved(at=9, step=step, epoch=1, name="x", why="request"))
        case "alert":
            state.apply(ev.Alerted(at=9, topic="spike", text=f"the loss jumped at {step}", step=step))
        case "pause":
            state.apply(ev.Paused(at=9, epoch=1, phase="train", batch=step, step=step))
            state.apply(ev.Continued(at=12, paused=75.0))
        case "skip":
            state.marks._marks.append(Mark(step, "skip", "batch skipped", f"batch {step} skipped"))


def busy(*happened: tuple[Fact, int]) -> RunState:
    state = going()
    for what, step in happened:
        told(state, what, step)
    return state


def drawn(state: RunState, width: int, height: int, view: View | None = None) -> list[str]:
    return [s.text for s in loss_chart(state, Frame(width, height, COLORS), view)]


def test_the_most_important_is_named_and_every_one_has_its_sign() -> None:
    state = busy(("save", 20), ("lr", 60), ("pause", 100), ("alert", 140), ("skip", 180))
    lines = drawn(state, 60, 12)
    text, axis = "\n".join(lines), lines[-2]
    assert "! spike" in text
    assert "↓ lr x0.5" in text
    assert "saved" not in text
    assert [c for c in axis if c in "↧↓‖!»"] == ["↧", "↓", "‖", "!", "»"]
    wide = "\n".join(drawn(state, 160, 30))
    assert all(word in wide for word in ("saved", "lr x0.5", "paused", "spike", "batch skipped"))


def test_of_marks_in_one_column_the_most_important_is_seen_and_the_others_are_counted() -> None:
    state = busy(("save", 100), ("alert", 100), ("skip", 100), ("skip", 100))
    lines = drawn(state, 80, 16)
    assert any("! spike, 3 more" in line for line in lines)
    assert "!" in lines[-2]
    assert "↧" not in lines[-2]
    assert any("» batch skipped x2" in line for line in drawn(busy(("skip", 100), ("skip", 100)), 80, 16))


HAPPENED = st.lists(
    st.tuples(st.sampled_from(["lr", "epochs", "valid", "save", "alert", "pause", "skip"]), st.integers(1, 192)),
    max_size=30,
)


@settings(max_examples=60, deadline=None)
@given(HAPPENED, st.integers(30, 130), st.integers(7, 36), st.sampled_from([None, 1, 97, 192]))
def test_words_are_whole_and_lie_on_nothing(
    happened: list[tuple[Fact, int]], width: int, height: int, cross: int | None
) -> None:
    """What was drawn without marks stays as it was, and what is new is a sign, a line or a whole word."""
    state = busy(*sorted(happened, key=lambda one: one[1]))
    view = View(cross=cross)
    lines = drawn(state, width, height, view)
    state.marks._marks.clear()
    state.alerts._alerts.clear()
    bare = drawn(state, width, height, view)
    signs = "‖»↓↑■±!↧↻"
    words = {"spike", "lr x0.5", "0 epochs", "valid on", "saved", "paused", "batch skipped"}
    for y, (line, without) in enumerate(zip(lines, bare, strict=True)):
        if cross is None:
            held = [(a, b) for a, b in zip(line, without, strict=True) if b not in (" ", a)]
            assert not held or (y == height - 2 and all(a in signs for a, _ in held))
        if y < height - 2 and cross is None:
            new = "".join(a if b == " " else "\n" for a, b in zip(line, without, strict=True)).replace("┊", "\n")
            for part in filter(None, (p.strip() for p in new.split("\n"))):
                text = part[2:].split(", ")[0].split(" x2")[0].split(" x3")[0].rstrip()
                assert part[0] in signs
                assert any(text.startswith(word) for word in words), part


def test_the_crosshair_reads_every_mark_of_its_column_in_words() -> None:
    state = busy(("lr", 100), ("save", 100), ("pause", 101), ("skip", 160))
    lines = drawn(state, 90, 20, View(cross=100))
    text = "\n".join(lines)
    for words in ("learning rate x0.5: 0.2 > 0.1", "checkpoint saved", "paused for 1:15, step 101"):
        assert words in text
    assert "batch 160 skipped" not in text
    assert "step 100" not in text.replace("step    100", "")


@settings(max_examples=60, deadline=None)
@given(HAPPENED, st.integers(1, 192), st.integers(5, 20), st.integers(40, 120))
def test_a_low_box_still_has_step_value_and_the_marks(
    happened: list[tuple[Fact, int]], step: int, height: int, width: int
) -> None:
    state = busy(*happened)
    here = [mark for mark in marks(state) if abs(mark.step - step) < 3][:3]
    rows = squeezed(reading(state, View(cross=step), here), height, width)
    assert len(rows) <= height
    assert rows[0][:2] == ("step", str(step)) or rows[0][1].startswith((f"{step}, lr ", f"{step}, epoch "))
    said = " ".join(value for _, value, _ in rows)
    if height >= 8:
        assert all(mark.full.split(",")[0].split()[0] in said for mark in here)
        assert any(name == "train" for name, _, _ in rows)


def test_going_from_mark_to_mark() -> None:
    state = busy(("lr", 60), ("save", 100))
    assert marked(state, View(), -1) == 100
    assert marked(state, View(cross=100), -1) == 60
    assert marked(state, View(cross=60), -1) is None
    assert marked(state, View(cross=10), 1) == 60
    assert marked(state, View(cross=100), 1) is None
    assert marked(going(), View(), -1) is None


def test_what_marks_say_in_full() -> None:
    state = going()
    for fact in (
        ev.BatchSkipped(at=9, epoch=1, phase="valid", batch=3),
        ev.EpochSkipped(at=9, epoch=1, phase="train", at_batch=74),
        ev.StopPlanned(at=9, when="epoch", epoch=1),
        ev.Changed(at=9, what="valid", old=1, new=0, step=192, epoch=2),
        ev.RunResumed(at=9, step=192),
    ):
        state.apply(fact)
    assert [(mark.text, mark.full) for mark in state.marks] == [
        ("batch skipped", "batch 4 of validation skipped"),
        ("training skipped", "rest of training skipped, after 74 batches"),
        ("stop after epoch", "stop asked for after this epoch"),
        ("valid off", "validation off from epoch 3"),
        ("resumed", "the run was resumed here"),
    ]


def test_only_a_pause_that_was_one_is_told_with_its_length() -> None:
    state = going()
    state.apply(ev.Continued(at=9, paused=3.0))
    assert not state.marks
    told(state, "pause", 192)
    state.apply(ev.Continued(at=99, paused=60.0))
    assert [mark.full for mark in state.marks] == ["paused for 1:15"]


@pytest.mark.parametrize("kind", RANKS)
def test_every_kind_has_a_sign_and_a_place(kind: Literal["alert", "lr"]) -> None:
    assert len(sign_of(Mark(1, kind, "x"))) == 1
    assert sign_of(Mark(1, "lr", "lr x2")) == "↑"
    state = going()
    state.marks._marks.append(Mark(100, kind, "x"))
    view = View()
    assert [m.kind for held in grouped(state, LABEL, 50, view.axis(state), "steps").values() for m in held] == [kind]
