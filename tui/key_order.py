"""KeysInOrder: one key at a time. What a key opens is there before the next key is looked at, however fast one types.

Textual hands a key to the widget with the focus at once, while the key before it may still be on its way to the action
that opens a popup: keys that come in one piece would all go to what had the focus before the first of them. Here a
key waits until the one before it has come back to the app, or was taken by somebody on the way.
"""

from __future__ import annotations

from collections import deque
from typing import Protocol, TypeAlias

from textual.app import App
from textual.events import Event, Key, Paste
from textual.message import Message
from textual.screen import Screen
from textual.timer import Timer
from textual.widget import Widget

__all__ = ["KeyPassed", "KeysInOrder", "TakesKeys", "Typed", "give_focus"]

Typed: TypeAlias = Key | Paste
PATIENCE = 0.5
"""Seconds after which a key that has not come back is taken as lost with its widget."""


class KeyPassed(Message):
    """Goes the way that a key went, behind it: where this arrives, the key has done all it does."""

    def __init__(self, typed: Typed) -> None:
        self.typed = typed
        super().__init__()


class TakesKeys(Protocol):
    """A widget into which one can type without its having the focus."""

    @property
    def screen(self) -> Screen[object]:
        """Keys are the widget's only while this screen is on top."""

    def take(self, typed: Typed) -> None:
        """A key or a paste."""


class KeysInOrder(App[None]):
    """Hands on what is typed, one by one."""

    typed_into: TakesKeys | None = None
    """Takes all keys as long as its screen is on top: they are letters and no commands."""

    def __init__(self) -> None:
        super().__init__()
        self._typed: deque[Typed] = deque()
        self._under_way: object = None  # what the next key waits for: a key, or a place that is being made ready
        self._patience: Timer | None = None

    async def on_event(self, event: Event) -> None:
        """Keys wait for the one before; everything else is Textual's."""
        if isinstance(event, (Key, Paste)) and not event.is_forwarded:
            self._typed.append(event)
        else:
            await super().on_event(event)
            if event is not self._under_way:
                return
            self._under_way = None  # nobody wanted it on its way, and the bindings have had it
        await self._hand_on()

    async def on_key_passed(self, message: KeyPassed) -> None:
        """A key has come to its end."""
        message.stop()
        await self._over(message.typed)

    def hold(self) -> object:
        """Let the next keys wait for what the running action began, until `release` gets what this returns."""
        self._under_way = object()
        return self._under_way

    def release(self, held: object) -> None:
        """What was begun is there."""
        self.call_later(self._over, held)

    async def _over(self, waited_for: object) -> None:
        if waited_for is self._under_way:
            self._under_way = None
            await self._hand_on()

    async def _hand_on(self) -> None:
        """Let the next keys go, until one has to be waited for."""
        while self._typed and self._under_way is None:
            typed, into = self._typed.popleft(), self.typed_into
            if into is not None and into.screen is self.screen:
                into.take(typed)
                continue
            target = self.focused or self.screen
            await super().on_event(typed)
            if typed.is_forwarded and target.post_message(KeyPassed(typed)):
                self._under_way = typed
        if self._typed and self._patience is None:
            self._watch()

    def _watch(self) -> None:
        """A widget that went while it had a key never gives it back."""
        waited_for = self._under_way

        async def look() -> None:
            self._patience = None
            await self._over(waited_for)
            if self._typed and self._patience is None:
                self._watch()

        self._patience = self.set_timer(PATIENCE, look)


def give_focus(widget: Widget) -> None:
    """Give a widget the focus once it is laid out; the keys that come after this are its."""
    app, screen = widget.app, widget.screen
    held = app.hold() if isinstance(app, KeysInOrder) else None

    def give() -> None:
        screen.set_focus(widget)
        if isinstance(app, KeysInOrder):
            app.release(held)

    screen.call_after_refresh(give)
