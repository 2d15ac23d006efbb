"""MonitorApp: messages in, keys out. It holds the state and the session; what is drawn is the panes' affair."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, ClassVar

from textual import on
from textual.app import App, SystemCommand
from textual.binding import BindingType
from textual.screen import Screen

from miniai.run.control import new_id
from miniai.run.requests import AnyRequest, Continue, Pause, SkipBatch, SkipEpoch, Step, Stop
from tui.colors import PALETTES, theme
from tui.keys import BINDINGS, GROUPS
from tui.messages import LeaveAsked, Reported, RequestFailed, TrainerGone, TrainerSaid
from tui.panes.base import Pane
from tui.screens.run import RunScreen
from tui.session import Session
from tui.state.run import RunState
from tui.state.summary import summary

__all__ = ["MonitorApp"]

TICK = 0.125
"""Seconds between two looks at what changed."""


class MonitorApp(App[None]):
    """The screen of one run."""

    TITLE = "miniai-tui"
    CSS_PATH = Path(__file__).with_name("app.tcss")
    BINDINGS: ClassVar[list[BindingType]] = list(BINDINGS)
    ENABLE_COMMAND_PALETTE = True

    def __init__(self, session: Session, *, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self.session, self.clock = session, clock
        self.state = RunState()
        self.parting = ""
        """What became of a run that was still going when the user left: "left running" or "killed"."""
        self.began: Callable[[], object] = bool
        """Called in the main thread once the screen is drawn: Textual's own signal handlers are in place then."""
        self._leaving = False
        for name in PALETTES:
            self.register_theme(theme(name, self.console.color_system))
        self.theme = next(iter(PALETTES))
        self.run_screen: RunScreen

    # -- life ------------------------------------------------------------------------------------------------------

    def get_default_screen(self) -> Screen[None]:
        """The run's screen."""
        self.run_screen = RunScreen(self.session, self.state, self.clock)
        return self.run_screen

    def on_mount(self) -> None:
        """After the first frame: look at the state, follow the run, load what charts and pictures need."""
        self.app_resume_signal.subscribe(self, lambda _: self.action_redraw())
        self.call_after_refresh(self._begin)

    def _begin(self) -> None:
        self.began()
        self.run_screen.tick()
        self.set_interval(TICK, self.run_screen.tick)
        self.run_worker(_preload, thread=True, group="preload")
        self.run_worker(lambda: self.session.run(self.post_message), thread=True, group="session")

    def on_unmount(self) -> None:
        """The session's worker must end: Textual waits for it."""
        self.session.close()

    def summary(self) -> str:
        """The end of the run in plain text, for the normal screen after leaving."""
        return summary(self.state, self.session.run_dir, self.parting)

    @property
    def exit_code(self) -> int:
        """0: done, stopped on request or left running; 1: failed."""
        return 1 if self.state.base == "failed" and not self.parting else 0

    # -- the session -----------------------------------------------------------------------------------------------

    @on(Reported)
    def take_facts(self, event: Reported) -> None:
        """New facts of the trainer."""
        open_ = len(self.state.asked)
        for fact in event.facts:
            self.state.apply(fact)
        event.taken.set()
        if len(self.state.asked) < open_:  # the answer to a key is shown at once
            self.run_screen.show_now("header", "keys")
        self._leave_if_over()

    @on(TrainerSaid)
    def take_word(self, event: TrainerSaid) -> None:
        """A word from the session."""
        self.state.say(event.text)

    @on(RequestFailed)
    def take_failure(self, event: RequestFailed) -> None:
        """A key that reached nobody."""
        self.state.request_failed(event.request, event.text)

    @on(TrainerGone)
    def take_end(self, event: TrainerGone) -> None:
        """The trainer is gone: shown at once."""
        self.state.trainer_gone(event.text, event.log_tail)
        self.run_screen.tick()
        self._leave_if_over()

    @on(LeaveAsked)
    def leave_now(self) -> None:
        """A signal, or a terminal that is gone."""
        self.exit()

    def _leave_if_over(self) -> None:
        if self._leaving and self.state.over:
            self.exit()

    def ask(self, kind: Callable[..., AnyRequest], **more: Any) -> None:
        """Send a request with the epoch and phase that the user sees, and show at once that it was sent."""
        if self.state.over:
            return
        progress = self.state.progress
        request = kind(id=new_id(), epoch=progress.epoch if progress.phase else -1, phase=progress.phase, **more)
        self.state.ask(request)
        self.session.request(request)
        self.run_screen.show_now("header", "keys")

    # -- keys: the run ---------------------------------------------------------------------------------------------

    def action_pause(self) -> None:
        """Pause, or go on if the run is paused."""
        self.ask(Continue if self.state.paused else Pause)

    def action_step(self) -> None:
        """One batch, then pause."""
        self.ask(Step)

    def action_skip_batch(self) -> None:
        """Skip the next batch."""
        self.ask(SkipBatch)

    def action_skip_epoch(self) -> None:
        """Skip the rest of this half epoch."""
        self.ask(SkipEpoch)

    def action_stop(self) -> None:
        """Ask when the run shall end."""
        from tui.screens.dialogs import ask_stop

        if not self.state.over:
            self.push_screen(ask_stop(), self._stop)

    def action_copy_or_stop(self) -> None:
        """Copy what is selected; else ask about stopping, and leave if there is nothing to stop."""
        if text := self.screen.get_selected_text():
            self.copy_to_clipboard(text)
            self.screen.clear_selection()
        elif self.state.over:
            self.exit()
        else:
            self.action_stop()

    def action_suspend_process(self) -> None:
        """Back to the shell, unless the training would stand still with the screen."""
        if self.session.can_leave:
            super().action_suspend_process()
        else:
            self.state.say("not suspended: ctrl+z would stop the training too")
            self.run_screen.show_now("header")

    def action_ask_quit(self) -> None:
        """Leave; ask first if a run of ours is still going."""
        from tui.screens.dialogs import ask_quit

        if self.state.over:
            self.exit()
        elif not self.session.owns:
            self._stop("leave")
        else:
            self.push_screen(ask_quit(self.session.can_leave), self._quit)

    def _stop(self, answer: str | None) -> None:
        if answer in ("stop", "stop_epoch"):
            self.ask(Stop, when="batch" if answer == "stop" else "epoch")
        elif answer == "leave":
            self.parting = "left running"
            self.session.close()
            self.exit()
        elif answer == "kill":
            self.parting = "killed"
            self.session.kill()
            self.exit()

    def _quit(self, answer: str | None) -> None:
        self._leaving = answer == "stop"
        self._stop(answer)
        self._leave_if_over()

    # -- keys: the view --------------------------------------------------------------------------------------------

    def action_go(self, pane: str) -> None:
        """Go to a pane."""
        self.run_screen.go(pane)

    def action_maximise(self) -> None:
        """One pane, or all."""
        self.run_screen.toggle_full()

    def action_out(self) -> None:
        """One step out."""
        self.run_screen.step_out()

    def action_pane(self, id_: str, method: str) -> None:
        """What a key of one pane does: the pane's method of that name."""
        getattr(self.run_screen.query_one(f"#{id_}", Pane), method)()

    def action_next_theme(self) -> None:
        """Dark, light, high contrast."""
        names = list(PALETTES)
        self.theme = names[(names.index(self.theme) + 1) % len(names)] if self.theme in names else names[0]

    def action_help(self) -> None:
        """All keys."""
        from tui.screens.help import Help

        self.push_screen(Help())

    def action_redraw(self) -> None:
        """Send every cell again."""
        self.run_screen.redraw_all()
        self.screen.refresh(self.screen.size.region)

    def get_system_commands(self, screen: Screen[object]) -> Iterable[SystemCommand]:  # noqa: ARG002
        """The palette: every key's action by name."""
        for _, bindings in GROUPS:
            for binding in bindings:
                yield SystemCommand(binding.description, binding.tooltip, self._runner(binding.action))

    def _runner(self, action: str) -> Callable[[], object]:
        return lambda: self.run_worker(self.run_action(action), group="palette")


def _preload() -> None:
    """Import what the first chart and the first picture need, while nobody waits for it."""
    import tui.history
    import tui.layer_history
    import tui.panes.thumbs  # noqa: F401

    gc.freeze()  # the collector need not walk through the modules again and again
