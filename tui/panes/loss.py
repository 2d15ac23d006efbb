"""The loss chart's pane: its keys and what the mouse does. What it shows is the view's affair, how, the drawing's."""

from __future__ import annotations

from typing import ClassVar

from textual import events
from textual.binding import Binding, BindingType
from textual.strip import Strip

from tui.panes.base import Pane
from tui.panes.lines import Frame
from tui.panes.loss_cross import marked, moved
from tui.panes.loss_draw import LABEL, loss_chart
from tui.panes.loss_view import View
from tui.state.run import RunState, Section

__all__ = ["LossPane", "loss_chart"]

CLOSER, STEP = 2 / 3, 0.25
"""How much a key zooms in; share of the window by which a key moves it."""


class LossPane(Pane, can_focus=True):
    """With the focus, arrows move the window or, if there is one, the crosshair; the wheel zooms, dragging moves."""

    sections: ClassVar[tuple[Section, ...]] = ("loss", "marks", "alerts")
    every: ClassVar[float] = 0.5
    ALLOW_SELECT: ClassVar[bool] = False
    key: ClassVar[str] = "1"
    hints = (("log_y", "log y"), ("window", "window"), ("curves", "curves"), ("crosshair", "values"))
    own_hints = "pgup pgdn marks"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left", "along(-1)", "crosshair or window to the left", show=False),
        Binding("right", "along(1)", "crosshair or window to the right", show=False),
        Binding("shift+left", "along(-10)", "ten times as far", show=False),
        Binding("shift+right", "along(10)", "ten times as far", show=False),
        Binding("up", "closer(1)", "zoom in", show=False),
        Binding("down", "closer(-1)", "zoom out", show=False),
        Binding("home", "to_end(-1)", "to the first step", show=False),
        Binding("end", "to_end(1)", "to the newest step", show=False),
        Binding("pageup", "to_mark(-1)", "crosshair to the mark before", show=False),
        Binding("pagedown", "to_mark(1)", "crosshair to the next mark", show=False),
        Binding("escape", "close", "crosshair off", show=False),
    ]

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self.view = View()
        self._held: tuple[int, tuple[float, float]] | None = None
        """Where the mouse button went down, and the window there."""
        self._dragged = False

    @property
    def log_y(self) -> bool:
        """Whether the y axis is logarithmic."""
        return self.view.log

    def heading(self, state: RunState) -> str:
        """The title."""
        return self.view.title(state)

    def draw(self, state: RunState, frame: Frame) -> list[Strip]:
        """The chart, or what will come."""
        return loss_chart(state, frame, self.view)

    # -- keys of the whole screen ----------------------------------------------------------------------------------

    def toggle_log(self) -> None:
        """Switch between a linear and a logarithmic axis."""
        self.view.log = not self.view.log
        self.redraw()

    def next_window(self) -> None:
        """Full, recent, follow."""
        self.view.next_window()
        self.redraw()

    def next_unit(self) -> None:
        """Steps, epochs, time."""
        self.view.next_unit()
        self.redraw()

    def next_curves(self) -> None:
        """The loss, each metric, the learning rate, the gradient's norm."""
        if self.state is not None:
            self.view.next_choice(self.state)
            self.redraw()

    def smoother(self) -> None:
        """A longer average."""
        self._smooth(1)

    def rougher(self) -> None:
        """A shorter average; at the end none."""
        self._smooth(-1)

    def _smooth(self, by: int) -> None:
        if self.state is not None:
            self.view.smooth_by(self.state, by)
            self.redraw()

    def toggle_outliers(self) -> None:
        """Leave out what is far out, or show it again."""
        self.view.trimmed = not self.view.trimmed
        self.redraw()

    def toggle_cross(self) -> None:
        """Crosshair at the newest step, or none; the pane takes the focus, so that arrows move it."""
        if self.state is not None:
            self._cross(None if self.view.cross is not None else max(self.state.step, 1))
            if self.view.cross is not None:
                self.focus()

    def zoom_in(self) -> None:
        """Fewer steps."""
        self.action_closer(1)

    def zoom_out(self) -> None:
        """More steps."""
        self.action_closer(-1)

    def pan_left(self) -> None:
        """The window moves to earlier steps."""
        self._pan(-STEP)

    def pan_right(self) -> None:
        """The window moves to later steps."""
        self._pan(STEP)

    # -- keys of the pane ------------------------------------------------------------------------------------------

    def action_along(self, by: int) -> None:
        """Move the crosshair by columns, or the window by shares of itself."""
        if self.state is None:
            return
        if self.view.cross is None:
            self._pan(STEP * max(min(by, 4), -4))
        else:
            self._cross(moved(self.state, self.view, by, self._plot_width))

    def action_closer(self, by: int) -> None:
        """Zoom in or out."""
        if self.state is not None:
            self.view.zoom_by(self.state, CLOSER**by)
            self.redraw()

    def action_to_end(self, by: int) -> None:
        """To the first or the newest step."""
        if self.state is None:
            return
        if self.view.cross is not None:
            self._cross(1 if by < 0 else max(self.state.step, 1))
        else:
            low, high = self.view.bounds(self.state)
            self.view.pan_by(self.state, -low if by < 0 else max(self.state.step - high, 0))
            self.redraw()

    def action_to_mark(self, by: int) -> None:
        """The crosshair at the next mark, or at the one before."""
        step = None if self.state is None else marked(self.state, self.view, by)
        if step is not None:
            self._cross(step)

    async def action_close(self) -> None:
        """No crosshair any more; without one, what the key does elsewhere."""
        if self.view.cross is not None:
            self._cross(None)
        else:
            await self.run_action("app.out")

    def _cross(self, step: int | None) -> None:
        self.view.cross = step
        if step is not None and self.state is not None:
            self.view.see(self.state, step)
        self.redraw()

    def _pan(self, share: float) -> None:
        if self.state is not None:
            low, high = self.view.bounds(self.state)
            self.view.pan_by(self.state, share * (high - low))
            self.redraw()

    # -- mouse -----------------------------------------------------------------------------------------------------

    @property
    def _plot_width(self) -> int:
        return max(self.content_size.width - LABEL, 1)

    def _step_at(self, event: events.MouseEvent) -> float | None:
        """The step under the mouse; None outside the plot."""
        inside = event.get_content_offset(self)
        if inside is None or self.state is None or inside.x < LABEL:
            return None
        axis = self.view.axis(self.state)
        at = axis.low + (inside.x - LABEL + 0.5) / self._plot_width * (axis.high - axis.low)
        return self.state.clock.step(self.view.told(self.state), at)

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        """The wheel zooms in at the mouse."""
        self._wheel(event, CLOSER)

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        """The wheel zooms out."""
        self._wheel(event, 1 / CLOSER)

    def _wheel(self, event: events.MouseEvent, factor: float) -> None:
        step = self._step_at(event)
        if step is not None and self.state is not None:
            event.stop()
            self.view.zoom_by(self.state, factor, step)
            self.redraw()

    def on_mouse_down(self, event: events.MouseDown) -> None:
        """Dragging may begin."""
        if self.state is not None and event.button == 1 and self._step_at(event) is not None:
            self._held, self._dragged = (event.screen_x, self.view.bounds(self.state)), False
            self.capture_mouse()

    def on_mouse_move(self, event: events.MouseMove) -> None:
        """Move the window with the mouse."""
        if self._held is None or self.state is None:
            return
        start, (low, high) = self._held
        cells = event.screen_x - start
        if cells or self._dragged:
            self._dragged = True
            at = self.view.bounds(self.state)[0]
            self.view.pan_by(self.state, low - cells * (high - low) / self._plot_width - at)
            self.redraw()

    def on_mouse_up(self, event: events.MouseUp) -> None:
        """A click puts the crosshair; what was dragged is let go."""
        held, self._held = self._held, None
        if held is None:
            return
        self.release_mouse()
        step = self._step_at(event)
        if not self._dragged and step is not None and self.state is not None:
            self._cross(min(max(round(step), 1), max(self.state.step, 1)))
