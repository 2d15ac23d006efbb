"""SmallApp: an app with one small screen and a key map of its own, on the session and state of every run."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar

from textual.app import SystemCommand
from textual.binding import BindingType
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

    def get_system_commands(self, screen: Screen[Any]) -> Iterable[SystemCommand]:  # noqa: ARG002
        """The palette: every key's action by name."""
        for binding, _ in self.keys:
            yield SystemCommand(binding.description, binding.tooltip, self._runner(binding.action))
