"""The layers' pane: its heatmap, a cursor that reads it, and one layer opened."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding, BindingType
from textual.events import Click
from textual.strip import Strip

from tui.colors import style
from tui.panes.base import ScrollPane
from tui.panes.heatmap import Cursor, Layout, column_of, heatmap, layout_of, on_screen
from tui.panes.layer import layer_view
from tui.panes.layer_names import middle
from tui.panes.layer_words import TITLES
from tui.panes.lines import Frame
from tui.state.run import RunState, Section
from tui.text import clean

if TYPE_CHECKING:
    from tui.layer_columns import Columns
    from tui.layer_history import LayerHistory

__all__ = ["LayersPane"]


class LayersPane(ScrollPane):
    """`m` goes to the next statistic; arrows move a cursor that reads; `enter` opens the layer under it."""

    sections: ClassVar[tuple[Section, ...]] = ("layers",)
    every: ClassVar[float] = 1.0
    key: ClassVar[str] = "3"
    hints = (("statistic", "statistic"),)
    own_hints: ClassVar[str] = "arrows read · enter opens"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "move(-1, 0)", "layer above", show=False),
        Binding("down", "move(1, 0)", "layer below", show=False),
        Binding("left", "move(0, -1)", "earlier", show=False),
        Binding("right", "move(0, 1)", "later", show=False),
        Binding("pageup", "page(-1)", "page up", show=False),
        Binding("pagedown", "page(1)", "page down", show=False),
        Binding("home", "move(-1000000, 0)", "first layer", show=False),
        Binding("end", "move(1000000, 0)", "last layer", show=False),
        Binding("enter", "open", "open the layer", show=False),
        Binding("escape", "back", "close the layer", show=False),
    ]

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self.statistic = "mean"
        self.cursor: Cursor | None = None
        self.opened = False
        """Whether the layer under the cursor is open."""
        self._filled = False  # whether opening it filled the screen

    def heading(self, state: RunState) -> str:
        """The title."""
        self._forget_another_run(state)
        if self.opened and self.cursor is not None and state.fit is not None:
            return f"layer {middle(clean(state.fit.layers[self.cursor.layer].name, 200), 40)}"
        return f"layers ─ {TITLES[self.statistic]}"

    def next_statistic(self) -> None:
        """Show the next statistic."""
        known = list(TITLES)
        self.statistic = known[(known.index(self.statistic) + 1) % len(known)]
        self.redraw()

    def draw(self, state: RunState, frame: Frame) -> list[Strip]:
        """The heatmap, an opened layer, or what will come."""
        self._forget_another_run(state)
        found = layout_of(state, frame, self.cursor)
        if self.opened and self.cursor is not None:
            return layer_view(state, frame, self.cursor.layer, self.cursor.step, self.statistic)
        if found is not None:
            last = max(found[0].layers - found[1].visible, 0)
            self.offset_rows = min(max(self.offset_rows, 0), last)
        return heatmap(state, frame, self.statistic, self.offset_rows, self.cursor)

    def render_line(self, y: int) -> Strip:
        """One line for Textual."""
        if self.text_selection is not None or not 0 <= y < len(self._lines):
            return super().render_line(y)
        return on_screen(self._lines[y], y, style(bg=self.look.background))

    def _forget_another_run(self, state: RunState) -> None:
        """No cursor on what is not there."""
        layers = 0 if state.layers is None or not state.layers.used else state.layers.layers
        if self.cursor is not None and layers <= self.cursor.layer:
            self.cursor, self.opened = None, False

    # -- the cursor ------------------------------------------------------------------------------------------------

    def _divided(self) -> tuple[LayerHistory, Layout] | None:
        """How the pane is divided now; None if there is nothing to read."""
        width, height = self.content_size
        frame = Frame(width, height, self.look)
        return None if self.state is None else layout_of(self.state, frame, Cursor(0))

    def action_move(self, layers: int, columns: int) -> None:
        """Move the cursor; the first press puts it at the newest column of the first layer that is seen."""
        if (found := self._divided()) is None:
            return
        held, place = found
        if self.cursor is None:
            self.cursor = Cursor(min(self.offset_rows, held.layers - 1))
            layers, columns = (layers if abs(layers) > 1 else 0), 0
        layer = min(max(self.cursor.layer + layers, 0), held.layers - 1)
        step = _moved(held, place.columns, self.cursor.step, columns)
        self.cursor = Cursor(layer, step)
        self.offset_rows = min(max(self.offset_rows, layer - place.visible + 1), layer)
        self.redraw()

    def action_page(self, by: int) -> None:
        """A screenful of layers up or down."""
        if (found := self._divided()) is not None:
            self.action_move(by * max(found[1].visible - 1, 1), 0)

    def action_open(self) -> None:
        """Open the layer under the cursor over all the room."""
        if self.opened or self._divided() is None:
            return
        if self.cursor is None:
            self.action_move(0, 0)
        self.opened = True
        self._name_keys()
        self._filled = not self.screen.has_class("-full")
        self.screen.add_class("-full")
        self.forget()
        self.redraw()

    async def action_back(self) -> None:
        """Close the layer, then leave the cursor, then what `esc` does everywhere."""
        if self.opened:
            self.opened = False
            self._name_keys()
            self.screen.set_class(not self._filled and self.screen.has_class("-full"), "-full")
            self.forget()
            self.redraw()
        elif self.cursor is not None:
            self.cursor = None
            self.redraw()
        else:
            await self.run_action("app.out")

    def on_click(self, event: Click) -> None:
        """Read what was clicked."""
        at = event.get_content_offset(self)
        if at is None or self.opened or (found := self._divided()) is None:
            return
        held, place = found
        layer = self.offset_rows + at.y // place.tall
        if layer < held.layers and at.y // place.tall < place.visible:
            self.cursor = Cursor(layer, _step_of(held, place.columns, place.columns.at(at.x - place.label)))
            self.redraw()

    def _name_keys(self) -> None:
        if self.opened:
            self.border_subtitle = "arrows: layer and step · esc closes"
        else:
            super()._name_keys()


def _step_of(held: LayerHistory, columns: Columns, column: int) -> int | None:
    """The last step of a column; None for the newest, so that a cursor there goes along."""
    last = held.spans(columns).last
    return None if column >= len(last) - 1 else int(last[max(column, 0)])


def _moved(held: LayerHistory, columns: Columns, step: int | None, by: int) -> int | None:
    """The step of the column that lies `by` beside; None for the newest."""
    if by == 0:
        return step
    return _step_of(held, columns, column_of(held.spans(columns).last.tolist(), step) + by)
