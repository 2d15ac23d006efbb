"""The log: what the trained program writes, followed as it grows, with levels and a filter."""

from __future__ import annotations

from collections import deque
from pathlib import Path
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.events import Paste
from textual.message import Message
from textual.strip import Strip

from tui.colors import style
from tui.key_order import KeysInOrder, Typed
from tui.panes.base import ScrollPane
from tui.panes.copying import copy
from tui.panes.keybar import KeyBar
from tui.panes.lines import Frame, line, message, pad
from tui.panes.log_lines import filter_line, log_line, near, shortened
from tui.panes.logfile import LIMIT, Level, LogFile, LogLine, Read
from tui.state.run import RunState, Section
from tui.text import clean, count, cut

__all__ = ["LogPane", "LogRead"]

LOOK = 0.5
"""Seconds between two looks at the file."""
SHOWN: tuple[tuple[str, frozenset[Level]], ...] = (
    ("", frozenset({"error", "warning", "info", "debug", ""})),
    ("warnings and errors", frozenset({"error", "warning"})),
    ("errors", frozenset({"error"})),
)
"""What `l` goes through: words for the title, and the levels that are seen."""
KEYS = "/ filter · l level · C copy"
LONGEST = 200
"""Characters of a filter."""
_SCROLLS = {"up": -1, "down": 1, "pageup": -10, "pagedown": 10, "home": -100_000, "end": 100_000}
"""Keys that scroll while a filter is typed, and by how many rows."""


class LogRead(Message):
    """A look at the log's file is over."""

    def __init__(self, read: Read) -> None:
        self.read = read
        super().__init__()


class LogPane(ScrollPane):
    """Follows the end unless it was scrolled; reads the file in a thread, and only while it is seen."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left", "shift(-20)", "to the left", show=False),
        Binding("right", "shift(20)", "to the right", show=False),
        Binding("home", "scroll_rows(-100000)", "first line", show=False),
        Binding("end", "scroll_rows(100000)", "last line", show=False),
        Binding("l", "level", "which levels", show=False),
        Binding("C", "copy_lines", "copy what is seen", show=False),
        Binding("escape", "clear_filter", "clear the filter", show=False),
    ]
    sections: ClassVar[tuple[Section, ...]] = ("alerts", "status")
    every: ClassVar[float] = 0.5
    key: ClassVar[str] = "6"

    def __init__(self, path: Path, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self.file = LogFile(path)
        self.lines: deque[LogLine] = deque(maxlen=LIMIT)
        self.read: Read | None = None
        """The last look; None before the first."""
        self.words = ""
        self.level = 0
        """Place in `SHOWN`."""
        self.bottom: int | None = None
        """Number of the last line that is seen; None: it follows the end."""
        self.shifted = 0
        """Characters that are scrolled past at the left."""
        self._skipped = self._busy = False
        self._look_due = 0.0
        self._matching: list[LogLine] | None = None

    # -- reading ---------------------------------------------------------------------------------------------------

    def wants(self, state: RunState, now: float) -> bool:
        """Each turn of the screen is also one to look at the file."""
        self.file.limit = self._due_now(state)
        if now >= self._look_due and not self._busy and self.visible_now:
            self._look_due, self._busy = now + LOOK, True
            self.run_worker(self._look, group="log", thread=True)
        return super().wants(state, now)

    def _due_now(self, state: RunState) -> int | None:
        """Bytes of the log that there were at this place of a replay; None: all there are, or that is not known."""
        if not state.replaying:
            return None
        return None if self._untold(state) else state.system.log or 0

    def _untold(self, state: RunState) -> bool:
        """Whether a run is replayed that was made without saying how long its log was."""
        measured = state.system.now is None or state.system.log is not None
        return state.replaying and not measured and self.read is not None and not self.read.missing

    def _look(self) -> None:
        """In a thread."""
        self.post_message(LogRead(self.file.look()))

    def on_log_read(self, event: LogRead) -> None:
        """Take in what is new; there may be more at once."""
        event.stop()
        self._busy = False
        before, read = self.read, event.read
        self.read = read
        if read.anew or read.skipped:
            self.lines.clear()
            self._skipped = read.skipped
            self.bottom = None
        self.lines.extend(read.lines)
        if read.more:
            self._look_due = 0.0
        if before is None or read.lines or read.anew or (before.partial, before.problem, before.missing) != (
            read.partial, read.problem, read.missing,
        ):  # fmt: skip
            self._matching = None
            self.redraw()

    # -- keys ------------------------------------------------------------------------------------------------------

    @property
    def typing(self) -> bool:
        """Whether keys are letters of the filter now."""
        return isinstance(self.app, KeysInOrder) and self.app.typed_into is self

    async def ask_filter(self) -> None:
        """Begin to type words that lines must hold: from the next key on, wherever the focus is by then."""
        if isinstance(self.app, KeysInOrder):
            self.app.typed_into = self
            await self.app.run_action("app.go('log')")
            self._typing_changed()

    def take(self, typed: Typed) -> None:
        """A key or a paste while a filter is typed; what is no letter may scroll, and does nothing else."""
        if isinstance(typed, Paste):
            pasted = next((text for text in map(str.strip, typed.text.splitlines()) if text), "")
            self._filter(self.words + clean(pasted, LONGEST))
        elif typed.key in ("escape", "ctrl+c"):
            self._end_typing()
            self._filter("")
        elif typed.key in ("enter", "tab"):
            self._end_typing()
        elif typed.key in _SCROLLS:
            self.action_scroll_rows(_SCROLLS[typed.key])
        elif typed.key in ("ctrl+u", "ctrl+w", "backspace", "ctrl+h"):
            self._filter(shortened(self.words, typed.key))
        elif typed.is_printable and typed.character:
            self._filter(self.words + typed.character)

    def _end_typing(self) -> None:
        if isinstance(self.app, KeysInOrder) and self.typing:
            self.app.typed_into = None
            self._typing_changed()

    def _typing_changed(self) -> None:
        self.border_subtitle = KEYS if self.has_focus and not self.typing else ""
        self.redraw()
        for bar in self.screen.query(KeyBar):
            bar.redraw()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:  # noqa: ARG002
        """`esc` is the pane's as long as there is something to clear."""
        return action != "clear_filter" or bool(self.words)

    def action_clear_filter(self) -> None:
        """Show all lines again."""
        self._filter("")

    def on_focus(self) -> None:
        """Say which keys there are."""
        self.border_subtitle = "" if self.typing else KEYS

    def on_blur(self) -> None:
        """The filter stays; the typing ends if another pane has the focus now, not with a look at another window."""
        self.border_subtitle = ""
        if self.screen.focused is not None:
            self._end_typing()
        self.redraw()

    def action_level(self) -> None:
        """All lines, warnings and errors, errors."""
        self.level = (self.level + 1) % len(SHOWN)
        self._matching, self.bottom = None, None
        self.redraw()

    def action_shift(self, by: int) -> None:
        """Scroll sideways."""
        self.shifted = max(self.shifted + by, 0)
        self.redraw()

    def action_scroll_rows(self, rows: int) -> None:
        """Scroll; at the end it follows again."""
        lines, room = self.matching(), self._room
        at = self._end(lines) + rows
        held = None if not lines or at >= len(lines) else lines[max(at, min(room, len(lines))) - 1].number
        self.bottom = held
        self.redraw()

    def action_copy_lines(self) -> None:
        """The lines that the filter and the level leave."""
        copy(self, "\n".join(line.text for line in self.matching()), "the log's lines")

    def _filter(self, words: str) -> None:
        self.words, self._matching, self.bottom = words[:LONGEST], None, None
        self.redraw()

    # -- drawing ---------------------------------------------------------------------------------------------------

    def matching(self) -> list[LogLine]:
        """The lines that are seen by scrolling."""
        if self._matching is None:
            words, levels = self.words.lower(), SHOWN[self.level][1]
            self._matching = [x for x in self.lines if x.level in levels and words in x.text.lower()]
        return self._matching

    @property
    def _room(self) -> int:
        return max(self.content_size.height - (self.typing or bool(self.words)), 1)

    def _end(self, lines: list[LogLine]) -> int:
        """One past the last line that is seen."""
        if self.bottom is None:
            return len(lines)
        return max(sum(x.number <= self.bottom for x in lines), min(self._room, len(lines)))

    def heading(self, state: RunState) -> str:
        """Levels, filter, where it was scrolled to, and the file."""
        words = SHOWN[self.level][0]
        below = len(self.matching()) - self._end(self.matching())
        wanted = f"only /{cut(clean(self.words), 24)}" if self.words else ""
        whole = "whole log: its lines tell no times" if self._untold(state) else ""
        parts = ["log", whole, words, wanted, f"{count(below)} lines below" if below else "", near(self.file.path)]
        return " ─ ".join(part for part in parts if part)

    def draw(self, state: RunState, frame: Frame) -> list[Strip]:
        """The lines, or why there are none."""
        width, colors = frame.width, frame.colors
        notes = [f"! {alert.text}" for alert in state.alerts if alert.topic == "log"][-1:]
        head = [line([(cut(text, width), style(colors.wrong, bold=True))], width) for text in notes]
        lines, foot = self.matching(), list[Strip]()
        if self.typing or self.words:
            foot = [filter_line(self.words, self.typing, (len(lines), len(self.lines)), frame)]
        room = max(frame.height - len(head) - len(foot), 0)
        if (text := self._nothing(lines)) and room:
            return [*head, *message([text], Frame(width, room, colors)), *foot][: frame.height]
        end = self._end(lines)
        shown = lines[max(end - room, 0) : end]
        body = [log_line(x, frame, self.words, self.shifted) for x in shown]
        if self.bottom is None and self.read is not None and self.read.partial and not self.words and not self.level:
            newest = log_line(LogLine(0, self.read.partial, ""), frame, shifted=self.shifted)
            body = [*body, newest][-room:] if room else []
        if len(shown) < room and self._skipped and not self.words:
            body = [line([("  earlier lines are in the file", style(colors.muted))], width), *body][: max(room, 0)]
        return [*head, *pad(body, width, room), *foot][: frame.height]

    def _nothing(self, lines: list[LogLine]) -> str:
        read = self.read
        if read is None:
            return "reading the log"
        if read.problem:
            return f"{self.file.path.name} cannot be read: {read.problem}"
        if read.missing:
            return "no log file: what a headless run writes went where it was started"
        if lines or (read.partial and not self.words and not self.level):
            return ""
        if not self.lines:
            over = self.state is not None and self.state.over
            come = " so far: prints, warnings and errors of the training come here"
            return "nothing was written" + ("" if over else come)
        return f"none of {count(len(self.lines))} lines match"
