"""The app of `miniai-tui data` on a terminal."""

from __future__ import annotations

import shutil
from typing import ClassVar

from textual.binding import Binding, BindingType

from tui.data import as_text
from tui.screens.data import DataScreen
from tui.screens.small import Keys, SmallScreen, known
from tui.small_app import SmallApp
from tui.text import clean

__all__ = ["DataApp"]


def _own(key: str, action: str, text: str, id_: str, tooltip: str) -> Binding:
    return Binding(key, action, text, id=id_, tooltip=tooltip, show=False)


class DataApp(SmallApp, inherit_bindings=False):
    """A dataset; nothing runs that could be lost, so that leaving asks nobody."""

    keys: ClassVar[Keys] = [
        (_own("n", "turn(1)", "next images", "next_page", "The next page of images"), "next images"),
        (_own("N", "turn(-1)", "images before", "page_before", "The page of images before"), "before"),
        (_own("p", "next_split", "next split", "next_split", "Training or validation images"), "split"),
        (_own("down", "choose(1)", "next class", "next_class", "Images of one class only"), "class"),
        (_own("up", "choose(-1)", "class before", "class_before", "At the top: all classes"), ""),
        (_own("1", "go('about')", "go to the facts", "go_about", "What is known of the dataset"), ""),
        (_own("2", "go('classes')", "go to the classes", "go_classes", "How many there are of each"), ""),
        (_own("3", "go('samples')", "go to the images", "go_samples", "Images of every class"), ""),
        (_own("tab", "cycle(1)", "next pane", "next_pane", "From pane to pane"), ""),
        (known("maximise"), "maximise"),
        (_own("escape", "out", "all panes, or quit", "out", "One step out"), ""),
        (known("help"), "help"),
        (known("next_theme"), "theme"),
        (known("redraw"), ""),
        (known("quit"), "quit"),
    ]
    BINDINGS: ClassVar[list[BindingType]] = [binding for binding, _ in keys]
    data_screen: DataScreen

    def small_screen(self) -> SmallScreen:
        """Facts, classes, images."""
        self.data_screen = DataScreen(self.session, self.state, self.clock, self.keys)
        return self.data_screen

    def action_turn(self, by: int) -> None:
        """Other images."""
        self.data_screen.turn(by)

    def action_next_split(self) -> None:
        """Counts and images of the next split."""
        self.data_screen.next_split()

    def action_choose(self, by: int) -> None:
        """The next class, wherever the focus is."""
        self.data_screen.choose(by)

    def action_cycle(self, by: int) -> None:
        """The next pane."""
        self.data_screen.action_cycle(by)

    def action_out(self) -> None:
        """All panes again; from there out of the program."""
        if not self.data_screen.step_out():
            self.action_ask_quit()

    def action_stop(self) -> None:
        """What ctrl+c does while it loads."""
        self.action_ask_quit()

    def action_ask_quit(self) -> None:
        """Leave; a dataset that is still loading is left alone, its process ended."""
        if not self.state.over:
            self.session.kill()
            self.parting = "left"
        self.exit()

    def summary(self) -> str:
        """The facts in plain text, or why there are none."""
        facts = self.state.found.dataset
        if facts is not None:
            return as_text(facts, min(100, shutil.get_terminal_size().columns)).rstrip("\n")
        error = self.state.end.error if self.state.end is not None else ""
        error = error or (self.state.gone[0] if self.state.gone is not None else "")
        name = self.state.run.dataset if self.state.run is not None else "data"
        return f"{clean(name)}: " + (f"failed: {clean(error)}" if error and not self.parting else "left before loaded")
