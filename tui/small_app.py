"""SmallApp: an app with one small screen and a key map of its own, on the session and state of every run."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.screen import Screen

from tui.app import MonitorApp
from tui.screens.small import KeyList, Keys, SmallScreen

__all__ = ["SmallApp"]


class SmallApp(MonitorApp, inherit_bindings=False):
    """What follows a run and answers keys is the monitor's; which keys there are, and what is seen, is not."""

    keys: ClassVar[Keys] = ()
    """The bindings with their words in the footer; BINDINGS holds the same bindings."""
    BINDINGS: ClassVar[list[BindingType]] = []

    def get_default_screen(self) -> Screen[None]:
        """The one screen."""
        self.run_screen = self.small_screen()
        return self.run_screen

    def small_screen(self) -> SmallScreen:
        """Make it."""
        raise NotImplementedError

    def action_help(self) -> None:
        """All keys."""
        self.push_screen(KeyList(self.keys))

    def palette_bindings(self) -> Sequence[Binding]:
        """What the palette offers: every key's action."""
        return [binding for binding, _ in self.keys]
