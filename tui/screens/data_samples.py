"""Images of a dataset: of one split, of all classes or of one, in pages."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from textual.message import Message
from textual.strip import Strip

from tui.panes.base import Pane
from tui.panes.drawn import PICTURES, by_terminal
from tui.panes.lines import Frame, blank, message, pad
from tui.screens.data_about import waiting
from tui.screens.pictures import Pictures, grid, load
from tui.state.run import RunState, Section
from tui.text import clean, cut

__all__ = ["SamplesPane"]


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
        self.add_class(PICTURES)
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
            return message([waiting(state)], frame)
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
        strips, self._pages = grid(pictures, names, frame, self.number, self.page, by_terminal(self))
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
