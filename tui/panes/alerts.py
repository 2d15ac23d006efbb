"""Alerts: a line for the newest open one, and a list of all in which each can be acknowledged."""

from __future__ import annotations

import textwrap
from pathlib import Path
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.message import Message
from textual.strip import Strip

from tui.acknowledged import Acknowledged
from tui.colors import Palette, style
from tui.key_order import give_focus
from tui.panes.base import Pane
from tui.panes.lines import Frame, Part, ends, line, message
from tui.state.alerts import Alert
from tui.state.run import RunState, Section
from tui.text import clean, cut, duration

__all__ = ["AlertPane", "alert_line", "alert_list"]


class NotKept(Message):
    """The run's folder does not take what was acknowledged."""

    def __init__(self, why: str) -> None:
        self.why = why
        super().__init__()


class AlertPane(Pane, can_focus=True):
    """One line while an alert is open; `a` makes it a list over the panes, until `esc` or until another is focused."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "choose(-1)", "up", show=False),
        Binding("down", "choose(1)", "down", show=False),
        Binding("a,enter", "acknowledge", "acknowledge", show=False),
        Binding("A", "acknowledge_all", "acknowledge all", show=False),
        Binding("escape", "close", "close", show=False),
    ]
    sections: ClassVar[tuple[Section, ...]] = ("alerts",)
    every: ClassVar[float] = 0.25

    def __init__(
        self, bell: bool = False, run_dir: Path | None = None, *, id: str | None = None, classes: str | None = None
    ) -> None:
        super().__init__(id=id, classes=classes)
        self.bell = bell
        """Ring, and tell the desktop (OSC 9), when there is a new alert."""
        self._kept = None if run_dir is None else Acknowledged(run_dir)
        """Where it is kept what was acknowledged; None: nowhere."""
        self.listed = False
        self.chosen = 0
        """Number of the alert under the cursor, counted from the newest."""
        self._rung = 0

    def heading(self, state: RunState) -> str:
        """The title of the list."""
        if not self.listed:
            return ""
        left = len(state.alerts.open)
        return f"alerts ─ {left} of {len(state.alerts)} open" if len(state.alerts) else "alerts"

    def draw(self, state: RunState, frame: Frame) -> list[Strip]:
        """The line or the list."""
        self._notice(state)
        if not self.listed:
            return [alert_line(state, frame.width, frame.colors)] if state.alerts.open else []
        self.chosen = max(min(self.chosen, len(state.alerts) - 1), 0)
        return alert_list(state, frame, self.chosen)

    def show_list(self) -> None:
        """Open the list on the newest alert that is not acknowledged."""
        if self.state is None:
            return
        alerts = self._newest_first()
        self.listed, self.chosen = True, next((i for i, alert in enumerate(alerts) if not alert.seen), 0)
        self.add_class("-open")
        self.set_class(not self.state.alerts.open, "-calm")
        self.border_subtitle = "a acknowledge · A all · esc close" if alerts else "esc close"
        room = max(self.screen.size.width - 8, 1)
        lines = sum(1 + len(_explained(alert, room)) for alert in alerts)
        self.styles.height = max(min(lines, self.screen.size.height // 2), 1) + 2
        give_focus(self)

    def action_close(self) -> None:
        """Back to the pane that was shown."""
        self._close()
        for pane in self.screen.query(".pane.-shown"):
            pane.focus()

    def on_blur(self) -> None:
        """Another widget has the focus."""
        self._close()

    def _close(self) -> None:
        if self.listed:
            self.listed = False
            self.remove_class("-open")
            self.border_title = self.border_subtitle = self._heading = ""
            self.styles.height = None
            self.redraw()

    def action_choose(self, by: int) -> None:
        """Move the cursor."""
        self.chosen += by
        self.redraw()

    def action_acknowledge(self) -> None:
        """The alert under the cursor was seen; on to the next one that was not."""
        alerts = self._newest_first()
        if self.state is None or not alerts:
            return
        self.state.alerts.acknowledge(alerts[min(self.chosen, len(alerts) - 1)])
        self._keep()
        following = [*range(self.chosen + 1, len(alerts)), *range(self.chosen)]
        self.chosen = next((i for i in following if not alerts[i].seen), self.chosen)
        self.redraw()

    def action_acknowledge_all(self) -> None:
        """All were seen."""
        if self.state is not None:
            self.state.alerts.acknowledge()
            self._keep()
            self.action_close()

    def remember(self, state: RunState) -> None:
        """What was acknowledged before, here or on another screen; to be called before the first fact."""
        if self._kept is not None:
            state.acknowledged |= self._kept.read()

    def _keep(self) -> None:
        """Have it acknowledged for those too who look at the run later."""
        kept, state = self._kept, self.state
        if kept is None or state is None:
            return
        keys = set(state.acknowledged)

        def write() -> None:
            try:
                kept.add(keys)
            except OSError as error:
                self.post_message(NotKept(error.strerror or str(error)))

        self.run_worker(write, group="alerts", thread=True)

    def on_not_kept(self, event: NotKept) -> None:
        """Say that it holds here only."""
        event.stop()
        if self.state is not None:
            self.state.say(f"acknowledged on this screen only: {event.why}")

    def _newest_first(self) -> list[Alert]:
        return [] if self.state is None else list(reversed(list(self.state.alerts)))

    def _notice(self, state: RunState) -> None:
        """Ring once for all that is new."""
        total, waiting = state.alerts.total, state.alerts.open
        if total > self._rung and self.bell and waiting:
            self.ring(waiting[-1].line)
        self._rung = total

    def ring(self, text: str) -> None:
        """The terminal's bell, and a message of the desktop where the terminal knows OSC 9."""
        driver = self.app._driver
        if driver is not None and not self.app.is_headless:
            driver.write(f"\x07\x1b]9;miniai-tui: {clean(text, 200)}\x07")


def alert_line(state: RunState, width: int, colors: Palette) -> Strip:
    """The newest open alert, and how many more there are."""
    waiting = state.alerts.open
    more = f"and {len(waiting) - 1} more · " if len(waiting) > 1 else ""
    right: list[Part] = [(f"{more}a shows " if width >= 40 else "", style(colors.muted))]
    return ends([(f" ! {waiting[-1].line}", style(colors.wrong, bold=True))], right, width)


def alert_list(state: RunState, frame: Frame, chosen: int) -> list[Strip]:
    """All alerts, the newest first: what is wrong, and below it when and by which rule; `chosen` stays in sight."""
    alerts = list(reversed(list(state.alerts)))
    if not alerts:
        return message(["no alerts so far"], frame)
    lines: list[Strip] = []
    first = last = 0
    for i, alert in enumerate(alerts):
        drawn = _listed(alert, i == chosen, frame)
        if i == chosen:
            first, last = len(lines), len(lines) + len(drawn)
        lines += drawn
    top = max(min(first, last - frame.height), 0) if last > frame.height else 0
    return lines[top : top + frame.height]


def _listed(alert: Alert, chosen: bool, frame: Frame) -> list[Strip]:
    """What is wrong, and below it when that was and by which rule."""
    width, colors = frame.width, frame.colors
    room, muted = max(width - 4, 1), style(colors.muted)
    look = muted if alert.seen else style(colors.wrong, bold=True)
    cursor: Part = ("▸ " if chosen else "  ", style(colors.focus, bold=True))
    head = line([cursor, (f"{'✓' if alert.seen else '!'} {cut(alert.line, room)}", look)], width)
    return [head, *(line([("    ", muted), (cut(text, room), muted)], width) for text in _explained(alert, room))]


def _explained(alert: Alert, room: int) -> list[str]:
    rule = f" · {alert.rule}" if alert.rule else ""
    seen = " · acknowledged" if alert.seen else ""
    return textwrap.wrap(f"after {duration(alert.at)} · {alert.topic}{rule}{seen}", max(room, 12))
