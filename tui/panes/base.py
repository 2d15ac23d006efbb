"""Pane: draws a part of the state as lines; when it is drawn anew only the cells that changed are sent."""

from __future__ import annotations

from typing import ClassVar

from rich.style import Style
from textual.binding import Binding, BindingType
from textual.geometry import Region
from textual.selection import Selection
from textual.strip import Strip
from textual.widget import Widget

from tui.colors import Palette, palette, style
from tui.keys import key_name
from tui.panes.lines import Frame, blank, changed, located, pad
from tui.state.run import RunState, Section

__all__ = ["Pane", "ScrollPane"]


class Pane(Widget):
    """Base of all panes. A new pane says what it depends on and how often, and draws lines.

    `draw` is called on the UI thread only, with the size of the content. It must not keep the state.
    """

    sections: ClassVar[tuple[Section, ...]] = ()
    """Parts of the state that the pane shows; it is drawn anew when one of them changed."""
    every: ClassVar[float] = 0.5
    """Least seconds between two drawings that follow facts; keys are answered at once."""
    key: ClassVar[str] = ""
    """Key that goes to this pane."""
    hints: ClassVar[tuple[tuple[str, str], ...]] = ()
    """Ids of the screen's keys that serve this pane, with a word each: its border names them while it has the focus."""
    own_hints: ClassVar[str] = ""
    """Keys of the pane's own, in words; named behind the others where the border has room for all."""

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self.state: RunState | None = None
        self._lines: list[Strip] = []
        self._seen = -1
        self._due = 0.0
        self._heading = ""

    @property
    def look(self) -> Palette:
        """Colours of the theme that is on."""
        return palette(self.app.theme, "grey" if self.app.no_color else self.app.console.color_system)

    def draw(self, state: RunState, frame: Frame) -> list[Strip]:
        """The pane's lines; what is missing is filled with blank ones."""
        raise NotImplementedError

    def heading(self, state: RunState) -> str:  # noqa: ARG002
        """What the title says is shown now; plain text."""
        return ""

    def wants(self, state: RunState, now: float) -> bool:
        """Whether the pane is visible, its part of the state changed, and its turn has come."""
        if now < self._due or self.seen(state) == self._seen:
            return False
        visible = self.visible_now
        if not visible:
            self._due = self._next_turn(now)  # whatever comes into view draws at once
        return visible

    def seen(self, state: RunState) -> int:
        """A number that changes when the pane must be drawn anew."""
        return state.revision(*self.sections)

    @property
    def visible_now(self) -> bool:
        """Whether any cell of the pane is on the screen."""
        return self.is_attached and self.display and self.size.area > 0 and bool(self.parent and self.is_on_screen)

    def show(self, state: RunState, now: float = 0.0) -> None:
        """Draw the state and send the cells that changed."""
        self.state = state
        width, height = self.content_size
        if width <= 0 or height <= 0 or not self.visible_now:
            self._seen = -1
            return
        self._seen, self._due = self.seen(state), self._next_turn(now)
        self._title(self.heading(state))
        new = pad(self.draw(state, Frame(width, height, self.look)), width, height)
        old, self._lines = self._lines, new
        if len(old) != len(new):
            self.refresh()
            return
        regions = []
        for y, (a, b) in enumerate(zip(old, new, strict=True)):
            if span := changed(a, b):
                regions.append(Region(span[0], y, span[1] - span[0], 1))
        if regions:
            self.refresh(*regions)

    def _next_turn(self, now: float) -> float:
        """The next whole multiple of `every`: panes share turns, and one update of the terminal takes them all."""
        every = self.every * getattr(self.app, "slower", 1.0) * self.slowed()  # --calm: rarer on a slow link
        return (now // every + 1) * every if every else now

    def slowed(self) -> float:
        """How many times rarer than `every` it is drawn now."""
        return 1.0

    def forget(self) -> None:
        """Draw every cell the next time."""
        self._lines = []

    def redraw(self) -> None:
        """Draw again what is known, for a key, a new size or a new theme."""
        if self.state is not None:
            self.show(self.state, self._due - self.every)

    def _title(self, heading: str) -> None:
        if heading and heading != self._heading:
            self._heading = heading
            self.border_title = (f"[$focus b]{self.key}[/] " if self.key else "") + heading.replace("[", r"\[")

    def on_resize(self) -> None:
        """A new size: everything is drawn anew."""
        self._lines = []
        if self.hints and self.border_subtitle:
            self._name_keys()
        self.redraw()

    def on_show(self) -> None:
        """The pane comes into view."""
        self.redraw()

    def on_focus(self) -> None:
        """Say which keys serve here, as the user has mapped them."""
        if self.hints:
            self._name_keys()

    def _name_keys(self) -> None:
        keys = {b.binding.id: b.binding.key for b in self.screen.active_bindings.values()}
        named = [f"{key_name(keys[id_])} {word}" for id_, word in self.hints if id_ in keys]
        if self.own_hints and len(" · ".join([*named, self.own_hints])) <= self.content_size.width:
            named.append(self.own_hints)
        self.border_subtitle = " · ".join(named).replace("[", r"\[")

    def on_blur(self) -> None:
        """Only the pane with the focus says it."""
        if self.hints:
            self.border_subtitle = ""

    def render_line(self, y: int) -> Strip:
        """One line for Textual, with the selected text marked."""
        drawn = self._lines[y] if 0 <= y < len(self._lines) else blank(self.content_size.width)
        selection = self.text_selection
        if selection is not None and (span := selection.get_span(y)) is not None:
            start, end = span
            end = drawn.cell_length if end == -1 else end
            mark = Style(reverse=True)
            drawn = Strip.join([drawn.crop(0, start), drawn.crop(start, end).apply_style(mark), drawn.crop(end)])
        ground = style(bg=self.look.background)
        return located(drawn, y, ground) if self.allow_select else drawn.apply_style(ground)

    def get_selection(self, selection: Selection) -> tuple[str, str] | None:
        """The selected text, for the clipboard."""
        return selection.extract("\n".join(strip.text.rstrip() for strip in self._lines)), "\n"


class ScrollPane(Pane, can_focus=True):
    """A pane with more rows than lines; `skipped` rows are scrolled past, counted from the end that is shown first."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "scroll_rows(-1)", "up", show=False),
        Binding("down", "scroll_rows(1)", "down", show=False),
        Binding("pageup", "scroll_rows(-10)", "page up", show=False),
        Binding("pagedown", "scroll_rows(10)", "page down", show=False),
    ]

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self.offset_rows = 0
        """Rows scrolled away from the place that is shown by itself; drawing keeps it in range."""

    def action_scroll_rows(self, rows: int) -> None:
        """Scroll by so many rows."""
        self.offset_rows += rows
        self.redraw()

    def on_mouse_scroll_up(self) -> None:
        """One wheel step up."""
        self.action_scroll_rows(-1)

    def on_mouse_scroll_down(self) -> None:
        """One wheel step down."""
        self.action_scroll_rows(1)
