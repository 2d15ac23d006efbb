"""The run's screen: which panes are seen at this size, and when they look at the state."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar, TypeVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container
from textual.screen import Screen
from textual.widget import Widget

from tui.keys import INTERRUPT
from tui.panes.alerts import AlertPane
from tui.panes.base import Pane
from tui.panes.confusion import ConfusionPane
from tui.panes.details import DetailsPane
from tui.panes.gone import GonePane
from tui.panes.header import HeaderPane
from tui.panes.images import ImagesPane
from tui.panes.keybar import KeyBar
from tui.panes.layers import LayersPane
from tui.panes.log import LogPane
from tui.panes.loss import LossPane
from tui.panes.metrics import MetricsPane
from tui.panes.newest import NewestPane
from tui.panes.system import SystemPane
from tui.screens.too_small import MIN_HEIGHT, MIN_WIDTH, TooSmall
from tui.session import Session
from tui.state.run import RunState

__all__ = ["RunScreen"]

PaneT = TypeVar("PaneT", bound=Pane)
GRID_WIDTH, GRID_HEIGHT = 100, 30
"""From this size on all panes are seen at once."""


class RunScreen(Screen[None]):
    """Header, panes and keys. At 80x24 one pane at a time, with a line of the newest numbers."""

    AUTO_FOCUS: ClassVar[str | None] = "#loss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("tab", "cycle(1)", "next pane", show=False),
        Binding("shift+tab", "cycle(-1)", "previous pane", show=False),
        INTERRUPT,
    ]

    def __init__(self, session: Session, state: RunState, clock: Callable[[], float]) -> None:
        super().__init__()
        self.session, self.state, self.clock = session, state, clock
        self.shown = "loss"
        """Id of the pane that is seen where only one is."""
        self._back = ""
        """Where the way out of a pane leads that has no place among the others."""
        self.arrangement = "grid"
        """How the panes stand where there is room for all: one of `tui.settings.LAYOUTS`."""
        self.bell = False
        """Ring at an alert."""

    def compose(self) -> ComposeResult:
        """All panes; the style sheet says where they are."""
        yield HeaderPane(id="header")
        yield AlertPane(self.bell, id="alert")
        with Container(id="panes"):
            yield LossPane(id="loss", classes="pane -shown")
            yield MetricsPane(id="metrics", classes="pane")
            yield LayersPane(id="layers", classes="pane")
            yield ImagesPane(self.session.run_dir, id="images", classes="pane")
            yield SystemPane(id="system", classes="pane extra")
            yield LogPane(self.session.run_dir / "log.txt", id="log", classes="pane extra")
            yield ConfusionPane(id="confusion", classes="pane extra")
            yield DetailsPane(self.session.run_dir, id="details", classes="pane extra")
        yield GonePane(id="gone")
        yield NewestPane(id="newest")
        yield KeyBar(id="keys")
        yield TooSmall(id="too-small")

    def on_mount(self) -> None:
        """Lay out; first facts and first ticks come after the first frame."""
        self.fit_size()
        self.app.theme_changed_signal.subscribe(self, lambda _: self.redraw_all())

    def on_resize(self) -> None:
        """Choose the layout for the new size."""
        self.fit_size()

    def fit_size(self) -> None:
        """Set the classes that the style sheet lays out by."""
        width, height = self.app.size
        small = width < MIN_WIDTH or height < MIN_HEIGHT
        self.set_class(small, "-too-small")
        one = width < GRID_WIDTH or height < GRID_HEIGHT or self.arrangement == "focus"
        self.set_class(not small and one, "-single")
        for name in ("wide", "tall"):
            self.set_class(self.arrangement == name and not one, f"-{name}")
        self.set_class(width >= 160 and height >= 48, "-large")

    @property
    def has_room(self) -> bool:
        """Whether all panes can be seen at once."""
        return self.app.size.width >= GRID_WIDTH and self.app.size.height >= GRID_HEIGHT

    def arrange_panes(self, name: str) -> None:
        """Let the panes stand otherwise, all of them in sight."""
        self.arrangement = name
        self.remove_class("-full")
        self.fit_size()

    def tick(self) -> None:
        """Let every pane look whose part of the state changed and whose turn has come."""
        now = self.clock()
        if self.state.gone is None:
            self.remove_class("-gone-read")
        self.set_class(self.state.gone is not None and not self.has_class("-gone-read"), "-gone")
        self.set_class(bool(self.state.alerts.open), "-alert")
        for pane in self.panes():
            pane.state = self.state  # one that comes into view draws at once
            if pane.wants(self.state, now):
                pane.show(self.state, now)

    def show_now(self, *ids: str) -> None:
        """Draw these panes at once: the answer to a key."""
        now = self.clock()
        for id_ in ids:
            self.query_one(f"#{id_}", Pane).show(self.state, now)

    def panes(self) -> list[Pane]:
        """All panes."""
        return list(self.query(Pane))

    def pane(self, kind: type[PaneT]) -> PaneT:
        """The pane of a kind."""
        return self.query_one(kind)

    def redraw_all(self) -> None:
        """Draw everything again: another theme, or a damaged screen."""
        for pane in self.panes():
            pane.forget()
            pane.show(self.state, self.clock())
        self.refresh()

    def go(self, id_: str) -> None:
        """Go to a pane; where one pane is seen at a time it becomes the one."""
        target = self.query_one(f"#{id_}")
        if target.has_class("extra") and not target.is_on_screen and not self.has_class("-full"):
            self._back = self.shown  # it has no place among the others at this size
            self.add_class("-full")
        elif self._back and not target.has_class("extra"):
            self._back = ""
            self.remove_class("-full")
        self.shown = id_
        for pane in self.query(".pane"):
            pane.set_class(pane.id == id_, "-shown")
        self.call_after_refresh(self.query_one(f"#{id_}").focus)

    def action_cycle(self, by: int) -> None:
        """Go to the next pane."""
        alone = self.has_class("-full") or self.has_class("-single")
        ids = [pane.id or "" for pane in self.query(".pane") if alone or pane.is_on_screen]
        self.go(ids[(ids.index(self.shown) + by) % len(ids)] if self.shown in ids else ids[0])

    def on_descendant_focus(self, event: object) -> None:  # noqa: ARG002
        """The pane with the focus is the one shown."""
        focused: Widget | None = self.focused
        if focused is not None and focused.has_class("pane") and focused.id:
            self.shown = focused.id
            for pane in self.query(".pane"):
                pane.set_class(pane is focused, "-shown")

    def toggle_full(self) -> None:
        """One pane over all the room, or all panes again."""
        self.toggle_class("-full")

    def step_out(self) -> bool:
        """Close what lies over the panes; False if nothing did."""
        if self.has_class("-gone") and not self.has_class("-gone-read"):
            self.add_class("-gone-read")
            self.remove_class("-gone")
            return True
        if self.has_class("-full"):
            self.remove_class("-full")
            if self.query_one(f"#{self.shown}").has_class("extra"):
                self.go(self._back or "loss")
            return True
        return False
