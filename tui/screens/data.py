"""The screen of a dataset: what it is and where it was found, its splits and classes, images of every class."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import ClassVar

from textual.strip import Strip

from tui.colors import style
from tui.panes.base import Pane
from tui.panes.header import HeaderPane
from tui.panes.lines import Frame, Part, ends, line
from tui.screens.data_about import AboutPane, ClassesPane
from tui.screens.data_samples import SamplesPane
from tui.screens.small import Keys, SmallScreen
from tui.session import Session
from tui.state.run import RunState, Section
from tui.text import clean, count, cut

__all__ = ["DataHeader", "DataScreen"]


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
