"""What is known of a dataset: where it was found, its splits, and its classes with how many there are of each."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding, BindingType
from textual.message import Message
from textual.strip import Strip

from tui.colors import style
from tui.panes.base import Pane, ScrollPane
from tui.panes.header import bar
from tui.panes.lines import Frame, Part, line, message
from tui.state.run import RunState, Section
from tui.text import clean, count, fit

if TYPE_CHECKING:
    from miniai.facts import DatasetFacts, SplitFacts

__all__ = ["AboutPane", "ClassesPane", "about", "classes", "waiting"]


class AboutPane(ScrollPane):
    """Description, place, features and splits, as lines."""

    sections: ClassVar[tuple[Section, ...]] = ("found", "status")
    every: ClassVar[float] = 0.25
    key: ClassVar[str] = "1"

    def heading(self, state: RunState) -> str:  # noqa: ARG002
        """The title."""
        return "dataset"

    def draw(self, state: RunState, frame: Frame) -> list[Strip]:
        """The lines from `offset_rows` on."""
        if state.found.dataset is None:
            return message([waiting(state)], frame)
        rows = about(state.found.dataset, frame)
        self.offset_rows = min(max(self.offset_rows, 0), max(len(rows) - frame.height, 0))
        return rows[self.offset_rows :]


def waiting(state: RunState) -> str:
    """Why there is nothing to see yet."""
    return "no data" if state.over else "what is known of the data comes when they are loaded"


def about(facts: DatasetFacts, frame: Frame) -> list[Strip]:
    """A table of splits, then where it was found and what is in it."""
    colors, width = frame.colors, frame.width
    muted, strong = style(colors.muted), style(colors.foreground)
    rows: list[list[Part]] = [[(row, muted if not i else strong)] for i, row in enumerate(_splits(facts, width))]
    found = clean(facts.source, 500) + (" (a part of the full data)" if facts.sample else "")
    texts = [("found in", found), ("passed over", clean(facts.note, 500))]
    texts += [(clean(name, 20), clean(text, 500)) for name, text in facts.features.items()]
    if len(facts.description) > width + 2:  # else the header says it in full
        texts.append(("what", clean(facts.description, 2000)))
    column = min(13, max(width // 3, 1))
    for name, text in texts:
        for i, row in enumerate(textwrap.wrap(text, max(width - column, 8))):
            rows.append([(fit("" if i else name, column), muted), (row, strong)])
    return [line(row, width) for row in rows]


def _splits(facts: DatasetFacts, width: int) -> list[str]:
    """Items, items a class, and the pixels' mean and deviation; the last columns go where room is short."""
    table = [("split", "items", "a class", "mean pixel", "deviation")]
    for split in facts.splits:
        pixels = split.pixels
        shown = [" ".join(f"{v:.3f}" for v in values) for values in ((pixels.mean, pixels.deviation) if pixels else ())]
        items = "?" if split.items is None else count(split.items)
        table.append((clean(split.name, 20), items, _range(split), *(shown or ["", ""])))  # type: ignore[arg-type]
    sizes = [max(len(row[i]) for row in table) for i in range(5)]
    kept = [i for i in range(5) if sum(sizes[: i + 1]) + 2 * i <= width]
    return ["  ".join(fit(row[i], sizes[i], ">" if i else "<") for i in kept) for row in table]


def _range(split: SplitFacts) -> str:
    if not split.classes:
        return ""
    low, high = min(split.classes), max(split.classes)
    return count(low) if low == high else f"{count(low)} to {count(high)}"


class ClassesPane(Pane, can_focus=True):
    """The classes with a bar each; the one under the cursor is the one whose images are seen."""

    sections: ClassVar[tuple[Section, ...]] = ("found", "status")
    every: ClassVar[float] = 0.25
    key: ClassVar[str] = "2"
    ALLOW_SELECT: ClassVar[bool] = False
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "move(-1)", "up", show=False),
        Binding("down", "move(1)", "down", show=False),
        Binding("pageup", "move(-10)", "page up", show=False),
        Binding("pagedown", "move(10)", "page down", show=False),
        Binding("home", "move(-1000000)", "all classes", show=False),
        Binding("end", "move(1000000)", "last", show=False),
    ]

    class Chosen(Message):
        """Another class is under the cursor; -1 stands for all of them."""

        def __init__(self, number: int) -> None:
            self.number = number
            super().__init__()

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self.chosen = -1
        self.split = ""

    def heading(self, state: RunState) -> str:
        """The title."""
        facts = state.found.dataset
        return "classes" if facts is None else f"classes ─ {count(len(facts.classes))} · {self.split or 'train'}"

    def draw(self, state: RunState, frame: Frame) -> list[Strip]:
        """A line for each class, as many as fit around the cursor."""
        if state.found.dataset is None:
            return message([waiting(state)], frame)
        return classes(state.found.dataset, self.split, frame, self.chosen)

    def action_move(self, by: int) -> None:
        """The cursor up or down."""
        facts = None if self.state is None else self.state.found.dataset
        if facts is None:
            return
        self.chosen = min(max(self.chosen + by, -1), len(facts.classes) - 1)
        self.post_message(self.Chosen(self.chosen))
        self.redraw()


def classes(facts: DatasetFacts, split: str, frame: Frame, chosen: int = -1) -> list[Strip]:
    """Number, name, how many there are in `split` (the first if there is none of that name), and a bar."""
    colors, width = frame.colors, frame.width
    muted, strong = style(colors.muted), style(colors.foreground)
    found = next((s for s in facts.splits if s.name == split), facts.splits[0] if facts.splits else None)
    counts = list(found.classes or []) if found is not None else []
    total = sum(counts) + (found.unlabelled if found is not None else 0)
    rows: list[tuple[int, str, int | None]] = [(-1, "all classes", total if counts else None)]
    rows += [(i, clean(name, 60), counts[i] if i < len(counts) else None) for i, name in enumerate(facts.classes)]
    if found is not None and found.unlabelled:
        rows.append((-2, "(none of them)", found.unlabelled))
    first = min(max(chosen + 2 - frame.height // 2, 0), max(len(rows) - frame.height, 0))
    top = max([*counts, 1])
    digits, names = len(str(len(facts.classes))), min(max(len(row[1]) for row in rows), max(width - 14, 6))
    strips = []
    for number, name, items in rows[first : first + frame.height]:
        here = number == chosen and number > -2
        look = style(colors.focus, bold=True) if here else strong
        text: list[Part] = [
            ("›" if here else " ", look), (fit(str(number) if number >= 0 else "", digits, ">") + " ", muted),
            (fit(name, names), look), (fit("" if items is None else count(items), 9, ">") + "  ", strong),
        ]  # fmt: skip
        room = width - sum(len(part[0]) for part in text)
        if number >= 0 and items is not None and room > 3:
            text += bar(items / top, min(room, 30), colors.train, colors)
        strips.append(line(text, width))
    return strips
