"""The run's screen: which panes are seen at this size, and when they look at the state."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar, TypeVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container
from textual.screen import Screen
from textual.widget import Widget

from tui.key_order import give_focus
from tui.keys import INTERRUPT
from tui.panes.alerts import AlertPane
from tui.panes.base import Pane
from tui.panes.confusion import ConfusionPane
from tui.panes.details import DetailsPane
from tui.panes.drawn import PICTURES
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
from tui.places import PANES, filled, other, swapped
from tui.screens.too_small import MIN_HEIGHT, MIN_WIDTH, TooSmall
from tui.session import Session
from tui.state.run import RunState

__all__ = ["RunScreen"]

PaneT = TypeVar("PaneT", bound=Pane)
GRID_WIDTH, GRID_HEIGHT = 100, 30
"""From this size on several panes are seen at once."""
TURN = 0.2
"""Least seconds between two turns of the panes."""
LARGE_WIDTH, LARGE_HEIGHT = 160, 48
"""From this size on the grid has a third row."""


class RunScreen(Screen[None]):
    """Header, panes and keys. At 80x24 one pane at a time, with a line of the newest numbers."""

    AUTO_FOCUS: ClassVar[str | None] = ".pane.-shown"
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
        self._panes: list[Pane] = []
        self._ticked = -TURN
        self.arrangement = "grid"
        """How the panes stand where there is room for several: one of `tui.settings.LAYOUTS`."""
        self.order: tuple[str, ...] = PANES
        """Panes by their places; those after the last place are seen alone."""
        self.places = 4
        """How many panes are seen at once where there is room for several."""
        self.bell = False
        """Ring at an alert."""

    def compose(self) -> ComposeResult:
        """All panes; the style sheet says where they are."""
        yield HeaderPane(id="header")
        yield AlertPane(self.bell, None if self.state.replaying else self.session.run_dir, id="alert")
        run = self.session.run_dir
        panes: list[Pane] = [
            LossPane(id="loss", classes="pane"),
            MetricsPane(id="metrics", classes="pane"),
            LayersPane(id="layers", classes="pane"),
            ImagesPane(run, id="images", classes="pane"),
            SystemPane(id="system", classes="pane"),
            LogPane(run / "log.txt", id="log", classes="pane"),
            ConfusionPane(id="confusion", classes="pane"),
            DetailsPane(run, id="details", classes="pane"),
        ]
        self.shown = self.order[0]
        for pane in panes:
            pane.set_class(pane.id == self.shown, "-shown")
        with Container(id="panes"):
            yield from sorted(panes, key=lambda pane: self.order.index(pane.id or ""))
        yield GonePane(id="gone")
        yield NewestPane(id="newest")
        yield KeyBar(id="keys")
        yield TooSmall(id="too-small")

    def on_mount(self) -> None:
        """Lay out; first facts and first ticks come after the first frame."""
        self.fit_size()
        self.query_one(AlertPane).remember(self.state)
        self.app.theme_changed_signal.subscribe(self, lambda _: self.redraw_all())

    def on_resize(self) -> None:
        """Choose the layout for the new size."""
        self.fit_size()

    def on_screen_suspend(self) -> None:
        """A popup dims what lies below it, and with it the numbers of pictures that the terminal draws."""
        for pane in self.query(f".{PICTURES}").results(Pane):
            pane.redraw()

    def on_screen_resume(self) -> None:
        """The popup is gone."""
        self.on_screen_suspend()

    def fit_size(self) -> None:
        """Set the classes that the style sheet lays out by."""
        width, height = self.app.size
        small = width < MIN_WIDTH or height < MIN_HEIGHT
        self.set_class(small, "-too-small")
        one = width < GRID_WIDTH or height < GRID_HEIGHT or self.arrangement == "focus"
        self.set_class(not small and one, "-single")
        for name in ("wide", "tall"):
            self.set_class(self.arrangement == name and not one, f"-{name}")
        large = self.arrangement == "grid" and width >= LARGE_WIDTH and height >= LARGE_HEIGHT
        self.set_class(large and not one, "-large")
        self.places = 6 if large else 4
        self._put_in_order()
        if not small and self.focused is None:  # it was hidden for a while
            self.call_after_refresh(self.query_one(f"#{self.shown}").focus)

    def _put_in_order(self) -> None:
        """Each pane at its place; what has none is only seen alone."""
        room = self.query_one("#panes")
        for i, id_ in enumerate(self.order):
            pane = room.query_one(f"#{id_}")
            if room.children[i] is not pane:
                room.move_child(pane, before=i)
            pane.set_class(i >= self.places, "extra")
            for place in range(len(self.order)):
                pane.set_class(i == place < self.places, f"place-{place + 1}")
            pane.set_class(id_ == self.shown, "-shown")

    def _reorder(self, order: tuple[str, ...]) -> bool:
        """Have another order seen; False if it is the one already."""
        if order == self.order:
            return False
        self.order = order
        self.remove_class("-full")
        self._put_in_order()
        return True

    def swap_pane(self, by: int) -> bool:
        """The pane that keys go to changes places with its neighbour; False if it has no place."""
        return self._reorder(swapped(self.order, self.shown, by, self.places))

    def other_pane(self) -> bool:
        """Another pane takes the place of the one that keys go to; False if that has none."""
        at = self.order.index(self.shown)
        if not self._reorder(other(self.order, self.shown, self.places)):
            return False
        self.go(self.order[at])
        return True

    def first_places(self) -> None:
        """All panes as they stand at first."""
        self._reorder(filled(()))
        if self.query_one(f"#{self.shown}").has_class("extra"):
            self.go(self.order[0])

    @property
    def has_room(self) -> bool:
        """Whether all panes can be seen at once."""
        return self.app.size.width >= GRID_WIDTH and self.app.size.height >= GRID_HEIGHT

    def arrange_panes(self, name: str) -> None:
        """Let the panes stand otherwise, all of them in sight."""
        self.arrangement = name
        self.remove_class("-full")
        self.fit_size()

    def tick_soon(self) -> None:
        """`tick`, unless that was a moment ago: facts and the timer give the same turn."""
        if self.clock() - self._ticked >= TURN:
            self.tick()

    def tick(self) -> None:
        """Let every pane look whose part of the state changed and whose turn has come."""
        self._ticked = now = self.clock()
        if self.state.gone is None:
            self.remove_class("-gone-read")
        self.set_class(self.state.gone is not None and not self.has_class("-gone-read"), "-gone")
        self.set_class(bool(self.state.alerts.open), "-alert")
        if not self._panes:
            self._panes = self.panes()
        for pane in self._panes:
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
        self._put_away_gone()
        if target.has_class("extra") and not target.is_on_screen and not self.has_class("-full"):
            self._back = self.shown  # it has no place among the others at this size
            self.add_class("-full")
        elif self._back and not target.has_class("extra"):
            self._back = ""
            self.remove_class("-full")
        self.shown = id_
        for pane in self.query(".pane"):
            pane.set_class(pane.id == id_, "-shown")
        give_focus(target)

    def action_cycle(self, by: int) -> None:
        """Go to the next pane."""
        alone = self.has_class("-full") or self.has_class("-single")
        ids = [pane.id or "" for pane in self.query(".pane") if alone or pane.is_on_screen]
        if ids:  # none is seen where the screen is too small
            self.go(ids[(ids.index(self.shown) + by) % len(ids)] if self.shown in ids else ids[0])

    def on_descendant_focus(self, event: object) -> None:  # noqa: ARG002
        """The pane with the focus is the one shown."""
        focused: Widget | None = self.focused
        if focused is not None and focused.has_class("pane") and focused.id:
            self.shown = focused.id
            for pane in self.query(".pane"):
                pane.set_class(pane is focused, "-shown")
            for bar in self.query(KeyBar):
                bar.redraw()

    def toggle_full(self) -> None:
        """One pane over all the room, or all panes again."""
        self.toggle_class("-full")

    def _put_away_gone(self) -> bool:
        """Why the trainer is gone was read: the panes are seen again; False if that was not shown."""
        if not self.has_class("-gone") or self.has_class("-gone-read"):
            return False
        self.add_class("-gone-read")
        self.remove_class("-gone")
        return True

    def step_out(self) -> bool:
        """Close what lies over the panes; False if nothing did."""
        if self._put_away_gone():
            return True
        if self.has_class("-full"):
            self.remove_class("-full")
            if self.query_one(f"#{self.shown}").has_class("extra"):
                self.go(self._back or "loss")
            return True
        return False
