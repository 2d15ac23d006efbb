"""Screens of a few panes with keys of their own: the same machinery as the run's screen, with less on it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import ClassVar, TypeAlias

from rich.style import Style
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container, VerticalScroll
from textual.screen import ModalScreen
from textual.strip import Strip
from textual.widgets import Static

from tui.colors import style
from tui.keys import INTERRUPT, RUN, VIEW, key_name
from tui.panes.alerts import AlertPane
from tui.panes.base import Pane
from tui.panes.gone import GonePane
from tui.panes.header import HeaderPane
from tui.panes.lines import Frame, Part, ends, length
from tui.screens.help import key_lines, room
from tui.screens.run import RunScreen
from tui.screens.too_small import MIN_HEIGHT, MIN_WIDTH, TooSmall
from tui.session import Session
from tui.state.run import RunState, Section

__all__ = ["KeyList", "Keys", "SmallBar", "SmallScreen", "known"]

Keys: TypeAlias = Sequence[tuple[Binding, str]]
"""Bindings, each with the word that stands in the footer; none where it is empty."""


def known(id_: str) -> Binding:
    """A binding of the run's screen, with its key, id and tooltip."""
    return next(binding for binding in [*RUN, *VIEW] if binding.id == id_)


class SmallBar(Pane):
    """One line of keys; those that do nothing any more are left out."""

    sections: ClassVar[tuple[Section, ...]] = ("status", "found")
    every: ClassVar[float] = 0.25

    def __init__(self, keys: Keys, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._keys = keys

    def draw(self, state: RunState, frame: Frame) -> list[Strip]:
        """One line: `quit` at the right end, the others as far as they fit."""
        last: list[Part] = []
        left: list[Part] = [(" ", style())]
        for binding, word in self._keys:
            if not word or (state.over and binding.id in ("pause", "stop")):
                continue
            entry = self._entry(binding, word, frame)
            if binding.id == "quit":
                last = entry
            elif length(left) + length(entry) + 12 <= frame.width:
                left += [*entry, ("   ", style())]
        return [ends(left, [*last, (" ", style())], frame.width, gap=0)]

    def _entry(self, binding: Binding, word: str, frame: Frame) -> list[Part]:
        click = Style(meta={"@click": f"app.{binding.action.removeprefix('app.')}"})
        key, muted = style(frame.colors.focus, bold=True), style(frame.colors.muted)
        return [(key_name(binding.key), key + click), (f" {word}", muted + click)]


class SmallScreen(RunScreen):
    """Header, a few panes, keys."""

    AUTO_FOCUS: ClassVar[str | None] = ".pane"
    BINDINGS: ClassVar[list[BindingType]] = [INTERRUPT]

    def __init__(self, session: Session, state: RunState, clock: Callable[[], float], keys: Keys) -> None:
        super().__init__(session, state, clock)
        self.keys = keys

    def compose(self) -> ComposeResult:
        """What every screen has, around `content`."""
        yield self.header()
        yield AlertPane(id="alert")
        with Container(id="panes"):
            yield from self.content()
        yield GonePane(id="gone")
        yield SmallBar(self.keys, id="keys")
        yield TooSmall(id="too-small")

    def header(self) -> Pane:
        """The two lines at the top."""
        return HeaderPane(id="header")

    def content(self) -> Iterable[Pane]:
        """The panes between."""
        raise NotImplementedError

    def fit_size(self) -> None:
        """All panes are seen at every size, or none."""
        width, height = self.app.size
        self.set_class(width < MIN_WIDTH or height < MIN_HEIGHT, "-too-small")
        self.set_class(width >= 100, "-broad")


class KeyList(ModalScreen[None]):
    """All keys of a small screen; any of `esc`, `?` and `q` closes it."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,question_mark,q", "dismiss", "close", show=False)]

    def __init__(self, keys: Keys) -> None:
        super().__init__()
        self._keys = keys

    def compose(self) -> ComposeResult:
        """The box."""
        with VerticalScroll(id="help") as box:
            box.border_title = "keys"
            box.border_subtitle = "esc closes"
            yield Static()

    def on_resize(self) -> None:
        """Lines for the width that there is."""
        width = room(self.query_one("#help"))
        self.query_one(Static).update("\n".join(key_lines([binding for binding, _ in self._keys], {}, width)))
