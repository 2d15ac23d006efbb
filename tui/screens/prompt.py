"""A line to type a number into: the learning rate and the number of epochs of a running fit."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar, Generic, TypeVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.events import Key, Paste
from textual.screen import ModalScreen
from textual.widgets import Input, Static

from tui.screens.line import take_for_line
from tui.typed import EpochsAsked, RateAsked, Wrong, read_epochs, read_rate

__all__ = ["EpochsAsked", "Prompt", "RateAsked", "ask_epochs", "ask_rate", "read_epochs", "read_rate"]

T = TypeVar("T")
LONGEST = 24
"""Characters that may be typed."""


class _Line(Input):
    """`enter` is done at once, not by a message: the key after it is the run's again."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("enter", "screen.take", "do it", show=False)]


class Prompt(ModalScreen[T], Generic[T]):
    """`read` makes an answer of what is typed, or raises Wrong; `tell` says what the answer would do."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,ctrl+c", "no", "no", show=False),
        Binding("enter", "take", "do it", show=False),
    ]

    def __init__(self, title: str, hint: str, read: Callable[[str], T], tell: Callable[[T], str]) -> None:
        super().__init__()
        self._title, self._hint, self._read, self._tell = title, hint, read, tell

    def compose(self) -> ComposeResult:
        """The box."""
        with Vertical(id="prompt") as box:
            box.border_title, box.border_subtitle = self._title, "enter does it, esc does not"
            yield _Line(max_length=LONGEST, compact=True, select_on_focus=False)
            yield Static(self._hint, id="told", markup=False)

    @on(Input.Changed)
    def tell(self, event: Input.Changed) -> None:
        """Say at once what was understood."""
        told = self.query_one("#told", Static)
        try:
            text = self._tell(self._read(event.value)) if event.value.strip() else self._hint
            told.remove_class("wrong")
        except Wrong as wrong:
            text = str(wrong)
            told.add_class("wrong")
        told.update(text)

    def action_take(self) -> None:
        """Close with the answer; what is wrong stays to be mended."""
        typed = self.query_one(Input).value
        if not typed.strip():
            self.dismiss(None)
            return
        try:
            answer = self._read(typed)
        except Wrong:
            self.app.bell()
            return
        self.dismiss(answer)

    def on_key(self, event: Key) -> None:
        """A letter that came while there was no line yet."""
        take_for_line(self, event)

    def on_paste(self, event: Paste) -> None:
        """The same for what is pasted."""
        take_for_line(self, event)

    def action_no(self) -> None:
        """Close without an answer."""
        self.dismiss(None)


def ask_rate(now: float | None, scheduled: bool) -> Prompt[RateAsked]:
    """Ask for another learning rate; `now` is the one of the newest step."""
    title = "learning rate" + (f", now {now:.4g}" if now else "")
    whole = ", the whole schedule with it" if scheduled else ""

    def tell(answer: RateAsked) -> str:
        factor, lr = answer
        if not now:
            return f"{f'x{factor:.4g}' if factor else f'{lr:.4g}'}, at the next batch{whole}"
        new, times = lr or now * factor, factor or lr / now
        return f"{now:.4g} > {new:.4g} (x{times:.3g}), at the next batch{whole}"

    return Prompt(title, "a rate like 0.01 or 3e-4, or x0.5, or /2", lambda text: read_rate(text, now), tell)


def ask_epochs(now: int, running: int) -> Prompt[EpochsAsked]:
    """Ask for another number of epochs; `running` is the running one, counted from 1."""
    hint = f"{running} or more: epoch {running} is running. Also +3 or -2"

    def tell(epochs: int) -> str:
        last = " (the running one is the last)" if epochs == running else ""
        return f"{now} > {epochs} epochs{last}"

    return Prompt(f"number of epochs, now {now}", hint, lambda text: read_epochs(text, now, running), tell)
