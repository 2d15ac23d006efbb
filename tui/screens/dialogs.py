"""Popups that ask before something ends: one line for each key."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Literal, TypeAlias

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Static

__all__ = ["Answer", "Ask", "ask_quit", "ask_stop"]

Answer: TypeAlias = Literal["stop", "stop_epoch", "leave", "kill", "no"]
Choice: TypeAlias = tuple[str, Answer, str]
"""Key, what it answers, and the words beside it."""


class Ask(ModalScreen[Answer]):
    """A question with a few answers, each with its key; `esc` means no. `note` says what is not offered, and why."""

    BINDINGS: ClassVar[list[BindingType]] = [
        *(Binding(key, f"choose('{key}')", "choose", show=False) for key in "selk"),
        Binding("escape,ctrl+c,q", "answer('no')", "no", show=False),
    ]

    def __init__(self, title: str, choices: Sequence[Choice], note: str = "") -> None:
        super().__init__()
        self._title, self._note = title, note
        self._choices = [*choices, ("esc", "no", "no, go on")]

    def compose(self) -> ComposeResult:
        """The box."""
        with Vertical(id="dialog") as box:
            box.border_title = self._title
            for key, answer, text in self._choices:
                yield Static(f"[$focus b]{key:>3}[/]   [@click=screen.answer('{answer}')]{text}[/]")
            if self._note:
                yield Static(self._note, classes="note")

    def action_choose(self, key: str) -> None:
        """Close with the answer of a key, if it is offered."""
        answer = next((a for k, a, _ in self._choices if k == key), None)
        if answer is not None:
            self.dismiss(answer)

    def action_answer(self, answer: Answer) -> None:
        """Close with this answer."""
        self.dismiss(answer)


def ask_stop() -> Ask:
    """The question when the run shall end."""
    return Ask("stop the run?", [("s", "stop", "after this batch"), ("e", "stop_epoch", "after this epoch")])


def ask_quit(can_leave: bool, paused: bool = False) -> Ask:
    """The question what is to become of our run, which is still going, or paused."""
    choices: list[Choice] = [("s", "stop", "stop and quit"), ("k", "kill", "kill it at once")]
    title = "the run is paused" if paused else "the run is still going"
    if not can_leave:
        return Ask(title, choices, "It cannot go on without this screen:\nit was started with --worker thread.")
    choices.insert(1, ("l", "leave", "leave it paused" if paused else "leave it running"))
    return Ask(title, choices)
