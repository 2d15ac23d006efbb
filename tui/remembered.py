"""Preferences: the settings in force, and the memory of what keys chose last: theme, layout, places.

The memory is `remembered.json` in `$XDG_STATE_HOME/miniai-tui` (else `~/.local/state/miniai-tui`). A choice is kept
with what the settings file said at the time: once the file says something else, the file counts.
"""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import msgspec

from tui import settings as user
from tui.places import PANES
from tui.settings import LAYOUTS, THEMES, Settings

__all__ = ["Preferences", "memory_file"]

Name = Literal["theme", "layout", "panes"]


class _Choice(msgspec.Struct, frozen=True):
    chosen: str
    instead_of: str
    """What the settings file said."""


_Choices = dict[str, _Choice]


def memory_file() -> Path:
    """Where choices are remembered."""
    home = os.environ.get("XDG_STATE_HOME", "")
    folder = Path(home) if os.path.isabs(home) else Path("~/.local/state").expanduser()
    return folder / "miniai-tui" / "remembered.json"


class Preferences:
    """`settings` are those in force. Without a `memory` nothing is remembered."""

    def __init__(
        self, file: Settings | None = None, memory: Path | None = None, typed: Mapping[str, Any] | None = None
    ) -> None:
        self._file = file or Settings()
        self._memory = memory
        self.trouble = ""
        """What is wrong with the memory, in a line for the user; empty if nothing is."""
        chosen = {name: _value(name, c.chosen) for name, c in self._read().items() if self._holds(name, c)}
        self.settings: Settings = msgspec.structs.replace(self._file, **{**chosen, **(typed or {})})

    @classmethod
    def of_user(cls, typed: Mapping[str, Any]) -> Preferences:
        """The user's own: what was typed counts before what was chosen, that before the settings file.

        UsageError if that file is wrong.
        """
        return cls(user.load(), memory_file(), typed)

    def remember(self, name: Name, chosen: str) -> None:
        """Have `chosen` the next time too; a place that cannot be written is no trouble worth a word."""
        if self._memory is None:
            return
        choices = {**self._read(), name: _Choice(chosen, self._said(name))}
        with contextlib.suppress(OSError):
            self._memory.parent.mkdir(parents=True, exist_ok=True)
            handle, new = tempfile.mkstemp(dir=self._memory.parent)
            with os.fdopen(handle, "wb") as file:
                file.write(msgspec.json.encode(choices))
            os.replace(new, self._memory)

    def _holds(self, name: str, choice: _Choice) -> bool:
        if name == "panes":
            good = sorted(choice.chosen.split()) == sorted(PANES)
        else:
            good = choice.chosen in {"theme": THEMES, "layout": LAYOUTS}.get(name, ())
        return good and choice.instead_of == self._said(name)

    def _said(self, name: str) -> str:
        """What the settings file says, as text."""
        value = getattr(self._file, name)
        return value if isinstance(value, str) else " ".join(value)

    def _read(self) -> _Choices:
        if self._memory is None:
            return {}
        try:
            return msgspec.json.decode(self._memory.read_bytes(), type=_Choices)
        except OSError:  # none yet
            return {}
        except msgspec.MsgspecError:  # torn: choices are made anew
            self.trouble = f"{self._memory} is damaged: what was chosen before is forgotten"
            return {}


def _value(name: str, chosen: str) -> str | tuple[str, ...]:
    """What a setting of that name holds."""
    return tuple(chosen.split()) if name == "panes" else chosen
