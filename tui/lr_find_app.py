"""The app of `miniai-tui lr-find`."""

from __future__ import annotations

from functools import cached_property
from typing import ClassVar

from textual.binding import Binding, BindingType

from miniai.config import RunConfig, read_config
from miniai.errors import UsageError
from miniai.run.directory import RunDir
from miniai.run.requests import Stop
from tui.lr_find import command, words
from tui.screens.lr_find import LRFindScreen
from tui.screens.small import Keys, SmallScreen, known
from tui.small_app import SmallApp
from tui.text import clean

__all__ = ["LRFindApp"]


class LRFindApp(SmallApp, inherit_bindings=False):
    """A search for a learning rate."""

    keys: ClassVar[Keys] = [
        (known("pause"), "pause / go on"),
        (Binding("s", "stop", "stop the search", id="stop", show=False,
                 tooltip="Suggest from what was tried so far"), "stop"),
        (Binding("c", "copy_command", "copy the command", id="copy_command", show=False,
                 tooltip="The fit with the suggested rate, to the clipboard"), "copy the command"),
        (known("help"), "help"),
        (known("next_theme"), "theme"),
        (known("redraw"), ""),
        (known("suspend"), ""),
        (known("quit"), "quit"),
    ]  # fmt: skip
    BINDINGS: ClassVar[list[BindingType]] = [binding for binding, _ in keys]

    def small_screen(self) -> SmallScreen:
        """The curve and the advice."""
        return LRFindScreen(self.session, self.state, self.clock, self.keys, self.command)

    @cached_property
    def config(self) -> RunConfig:
        """What the search was started with, as far as it can be read."""
        try:
            return read_config(RunDir(self.session.run_dir).config_file)
        except UsageError:
            return RunConfig()

    def command(self, rate: float) -> str:
        """The fit with this rate."""
        return clean(command(self.config, rate), 2000)

    def action_stop(self) -> None:
        """After this batch; nothing is lost by it, so nobody asks twice."""
        self.ask(Stop, when="batch")

    def action_copy_command(self) -> None:
        """To the terminal's clipboard; says so, or what is missing."""
        found = self.state.found.suggestion
        if found is None or found.rate is None:
            self.state.say("there is no suggestion to copy" if self.state.over else "the suggestion is still to come")
        else:
            self.copy_to_clipboard(self.command(found.rate))
            self.state.say("the command was sent to the clipboard")
        self.run_screen.show_now("header")

    def summary(self) -> str:
        """The suggestion in plain text; before there is one, what every run says."""
        found = self.state.found.suggestion
        if found is None:
            return super().summary()
        return "\n".join(words(found, self.config))
