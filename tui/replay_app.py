"""The app of `miniai-tui attach RUN --speed X`: the screen of a run, and keys that move the replay."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from textual import on

from miniai.run.requests import AnyRequest
from tui.app import MonitorApp
from tui.messages import ReplayMoved
from tui.remembered import Preferences
from tui.replay import ReplaySession
from tui.text import duration

__all__ = ["ReplayApp"]

NOBODY = "this is a replay: nobody trains; space pauses it, . goes to the next half epoch"


class ReplayApp(MonitorApp):
    """Everything of a run's screen, but for what would need a trainer."""

    def __init__(
        self,
        session: ReplaySession,
        *,
        clock: Callable[[], float] = time.monotonic,
        preferences: Preferences | None = None,
    ) -> None:
        super().__init__(session, clock=clock, preferences=preferences)
        self.replay = session
        self.state.replayed(f"replay {_times(session.head.speed)}")

    @on(ReplayMoved)
    def take_place(self, event: ReplayMoved) -> None:
        """The replay is somewhere else; at its end the run's own end is shown."""
        if event.over:
            self.state.replayed(f"replay · {event.words} at {duration(event.at)}" if event.words else "", going=False)
        else:
            how = "paused" if event.paused else _times(self.replay.head.speed)
            left_out = f" · {duration(int(event.left_out))} of quiet left out" if event.left_out else ""
            self.state.replayed(f"replay {how} · {duration(int(event.at))}{left_out}", stands=event.paused)

    def ask(self, kind: Callable[..., AnyRequest], **more: Any) -> None:  # noqa: ARG002
        """A request would reach nobody."""
        if not self.state.over:
            self.tell(NOBODY)

    def _is_fitting(self) -> bool:
        if not self.state.over:
            self.tell(NOBODY)
        return False

    def action_pause(self) -> None:
        """Stand still, or go on."""
        self.replay.toggle()

    def action_step(self) -> None:
        """On to the next beginning or end of a half epoch."""
        self.replay.to_edge()

    def action_stop(self) -> None:
        """There is nothing to stop."""
        self.ask(AnyRequest)  # type: ignore[arg-type]  # none is made

    def action_copy_or_stop(self) -> None:
        """Copy what is selected, else leave."""
        if self.screen.get_selected_text():
            super().action_copy_or_stop()
        else:
            self.action_ask_quit()

    def action_ask_quit(self) -> None:
        """Leave."""
        if not self.state.over:
            self.parting = f"replay, left at {duration(self.replay.head.at)}"
        self.exit()


def _times(speed: float) -> str:
    return f"x{speed:g}"
