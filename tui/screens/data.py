"""The screen of a dataset: what it is and where it was found, its splits and classes, images of every class."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding, BindingType
from textual.message import Message
from textual.strip import Strip

from tui.colors import style
from tui.panes.base import Pane, ScrollPane
from tui.panes.header import HeaderPane, bar
from tui.panes.lines import Frame, Part, blank, ends, line, message, pad
from tui.screens.pictures import Pictures, grid, load
from tui.screens.small import Keys, SmallScreen
from tui.session import Session
from tui.state.run import RunState, Section
from tui.text import clean, count, cut, fit

if TYPE_CHECKING:
    from miniai.facts import DatasetFacts, SplitFacts

__all__ = ["AboutPane", "ClassesPane", "DataHeader", "DataScreen", "SamplesPane", "about", "classes"]


class DataHeader(HeaderPane):
    """Which dataset, and how far it is loaded."""

    sections: ClassVar[tuple[Section, ...]] = ("status", "progress", "found")

    def draw(self, state: RunState, frame: Frame) -> list[Strip]:
        """Two lines; while it loads the second one is every run's."""
        colors, facts = frame.colors, state.found.dataset
        muted = style(colors.muted)
        word, color = ("◐ loading", colors.foreground)
        if facts is not None:
            word, color = "✓ loaded", colors.train
        elif state.over:
            word, color = ("✗ failed", colors.wrong) if state.base == "failed" else ("■ stopped", colors.foreground)
        name = clean(state.run.dataset, 60) if state.run is not None else "data"
        left: list[Part] = [(" miniai-tui", style(colors.foreground, bold=True)), ("   ", muted), (name, muted)]
        if state.data is not None:
            kind = "a sample of the data" if state.data.sample else "all the data"
            left.append((f" · {kind}, {count(state.data.train)} + {count(state.data.valid)} images", muted))
        first = ends(left, [(word, style(color, bold=True)), (" ", muted)], frame.width)
        if facts is None:
            return [first, super().draw(state, frame)[1]]
        return [first, line([(" " + cut(clean(facts.description, 500), frame.width - 2), muted)], frame.width)]


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
            return message([_waiting(state)], frame)
        rows = about(state.found.dataset, frame)
        self.offset_rows = min(max(self.offset_rows, 0), max(len(rows) - frame.height, 0))
        return rows[self.offset_rows :]


def _waiting(state: RunState) -> str:
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
            return message([_waiting(state)], frame)
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


class Read(Message):
    """The images of a split were read, or could not be (None)."""

    def __init__(self, split: str, pictures: Pictures | None) -> None:
        self.split, self.pictures = split, pictures
        super().__init__()


class SamplesPane(Pane, can_focus=True):
    """Images of one split, of all classes or of one; in pages."""

    sections: ClassVar[tuple[Section, ...]] = ("found", "status")
    every: ClassVar[float] = 0.25
    key: ClassVar[str] = "3"
    ALLOW_SELECT: ClassVar[bool] = False

    def __init__(self, run_dir: Path, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self.run_dir = run_dir
        self.split, self.number, self.page = "", -1, 0
        self.pictures: dict[str, Pictures | None] = {}
        self._asked: set[str] = set()
        self._pages = 1

    def heading(self, state: RunState) -> str:
        """The title."""
        facts = state.found.dataset
        if facts is None or not self.split:
            return "images"
        named = 0 <= self.number < len(facts.classes)
        what = cut(clean(facts.classes[self.number], 60), 30) if named else "all classes"
        pages = f" · page {self.page % self._pages + 1} of {self._pages}" if self._pages > 1 else ""
        return f"images ─ {self.split} · {what}{pages}"

    def draw(self, state: RunState, frame: Frame) -> list[Strip]:
        """A page, or what will come."""
        found = state.found
        if found.dataset is None:
            return message([_waiting(state)], frame)
        if self.split not in found.files:
            self.split = next(iter(found.files), "")
        if self.split and self.split not in self._asked:
            self._asked.add(self.split)
            split, file = self.split, found.files[self.split]
            self.run_worker(lambda: self._read(split, file), group="samples", thread=True)
        if self.split not in self.pictures:
            return message(["reading the images" if self.split else "no images"], frame)
        pictures = self.pictures[self.split]
        if pictures is None:
            return message(["the images could not be read"], frame)
        names = [clean(name, 60) for name in found.dataset.classes]
        strips, self._pages = grid(pictures, names, frame, self.number, self.page)
        self._title(self.heading(state))
        return pad(strips or [blank(frame.width)], frame.width, frame.height)

    def _read(self, split: str, file: str) -> None:
        """In a thread."""
        self.post_message(Read(split, load(self.run_dir, file)))

    def on_read(self, event: Read) -> None:
        """Show what was read."""
        event.stop()
        self.pictures[event.split] = event.pictures
        self.redraw()

    def turn(self, by: int) -> None:
        """Other pages."""
        self.page = (self.page + by) % self._pages
        self.redraw()

    def show_class(self, number: int) -> None:
        """The images of one class, -1 for all."""
        self.number, self.page = number, 0
        self.redraw()

    def show_split(self, split: str) -> None:
        """The images of another split."""
        self.split, self.page = split, 0
        self.redraw()


class DataScreen(SmallScreen):
    """The facts above, classes and images below."""

    AUTO_FOCUS: ClassVar[str | None] = "#classes"

    def __init__(self, session: Session, state: RunState, clock: Callable[[], float], keys: Keys) -> None:
        super().__init__(session, state, clock, keys)
        self.shown = "classes"

    def header(self) -> Pane:
        """The two lines at the top."""
        return DataHeader(id="header")

    def content(self) -> Iterable[Pane]:
        """Facts, classes, images."""
        yield AboutPane(id="about", classes="pane")
        yield ClassesPane(id="classes", classes="pane")
        yield SamplesPane(self.session.run_dir, id="samples", classes="pane")

    def fit_size(self) -> None:
        """Where it is low the facts leave their room to classes and images."""
        super().fit_size()
        height = self.app.size.height
        self.set_class(height < 20, "-low")
        self.set_class(20 <= height < 34, "-middle")

    def on_classes_pane_chosen(self, event: ClassesPane.Chosen) -> None:
        """The images of the class under the cursor."""
        self.query_one(SamplesPane).show_class(event.number)

    def turn(self, by: int) -> None:
        """Other images."""
        self.query_one(SamplesPane).turn(by)

    def choose(self, by: int) -> None:
        """Another class."""
        self.query_one(ClassesPane).action_move(by)

    def next_split(self) -> None:
        """Counts and images of the next split."""
        facts = self.state.found.dataset
        splits: Sequence[str] = [split.name for split in facts.splits] if facts is not None else []
        if not splits:
            return
        counted, samples = self.query_one(ClassesPane), self.query_one(SamplesPane)
        now = counted.split if counted.split in splits else splits[0]
        counted.split = splits[(splits.index(now) + 1) % len(splits)]
        samples.show_split(counted.split)
        counted.redraw()
